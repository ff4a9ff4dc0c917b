// SPDX-License-Identifier: MIT OR Apache-2.0
//
// One physical device as a substrate: what the Exporter turns into C tables. The
// Vulkan device is created by the first dispatch or buffer, and made anew after it was
// lost. All functions may be called from any thread at once.
#ifndef SOKR_VULKAN_SUBSTRATE_HPP_
#define SOKR_VULKAN_SUBSTRATE_HPP_

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <sokr/base/result.hpp>
#include <sokr/spirv/module.hpp>
#include <sokr/substrate/content_cache.hpp>
#include <sokr/substrate/disk_cache.hpp>
#include <sokr/substrate/inflight_table.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <sokr/substrate/prepared.hpp>
#include <sokr/substrate/statistics.hpp>
#include <span>
#include <string>

#include "instance.hpp"
#include "session.hpp"

namespace sokr::vulkan {

// The substrate's cache on disk; none where it is switched off.
substrate::DiskCacheOptions disk_options(const Options& options);

class VulkanSubstrate {
 public:
  // `name` is what the plugin offers it by.
  VulkanSubstrate(std::shared_ptr<Instance> instance, const PhysicalDevice& physical,
                  const substrate::Host& host, const Options& options,
                  std::string name = "vulkan:0");
  // Blocks until the device is idle; every launch is terminal then.
  ~VulkanSubstrate();

  Result<std::uint64_t> capability(const SokrCapabilityQuery& query);
  Result<std::uint64_t> dispatch(const SokrDispatchRequest& request);
  substrate::CompletionAnswer completion(std::uint64_t token, std::uint64_t timeout_ns);
  substrate::InFlightTable& tokens() { return in_flight_; }
  std::string completion_error(std::uint64_t token) { return in_flight_.error(token); }
  std::optional<substrate::Timing> timing(std::uint64_t token) { return in_flight_.timing(token); }
  // Waits for what does not end by itself within kRetireGrace end as failed. The device goes on:
  // Vulkan cannot stop a kernel.
  void retire() noexcept;

  // Stores the driver's pipelines.
  void process_ends();

  Result<void> prepare(std::span<const SokrKernelInfo* const> kernels, SokrKernel* out);
  Result<void> release(SokrKernel kernel);

  void statistics(substrate::StatisticList& list);

  // The memory table's functions, on the device's current session.
  class Memory {
   public:
    explicit Memory(VulkanSubstrate& substrate) : substrate_(substrate) {}
    Result<SokrBuffer> create(std::uint64_t size, std::uint32_t flags);
    Result<SokrBuffer> import_host(void* memory, std::uint64_t size);
    Result<void> free(SokrBuffer buffer);
    Result<void> write(SokrBuffer buffer, std::uint64_t offset, const void* from,
                       std::uint64_t size);
    Result<void> read(SokrBuffer buffer, std::uint64_t offset, void* to, std::uint64_t size);
    Result<void*> map(SokrBuffer buffer);
    Result<std::uint64_t> address(SokrBuffer buffer);
    Result<void> copy(SokrBuffer from, std::uint64_t from_offset, SokrBuffer to,
                      std::uint64_t to_offset, std::uint64_t size);

   private:
    VulkanSubstrate& substrate_;
  };
  Memory& memory() { return memory_; }

  // Of the decoded modules that are kept.
  substrate::ContentCacheStats modules() { return modules_.stats(); }
  // The current session, made anew if there is none or its device was lost.
  Result<std::shared_ptr<Session>> session();

 private:
  std::shared_ptr<Session> current_session();
  using Source = std::shared_ptr<const substrate::KernelSource>;
  static Result<void> check_format(std::uint32_t format);
  Result<std::shared_ptr<const spirv::Module>> make_module(std::span<const std::uint8_t> ir) const;
  Result<Session::ModulePointer> module_of(const SokrDispatchRequest& kernel,
                                           Session::ModulePointer keep);
  Result<Source> prepare_one(Source source);
  Result<Source> source_of(std::optional<SokrKernel> named, const substrate::LaunchView& launch);

  std::shared_ptr<Instance> instance_;  // outlives everything below
  PhysicalDevice physical_;
  substrate::DiskCache disk_;
  substrate::InFlightTable in_flight_;
  std::atomic<SokrBuffer> next_buffer_{1};
  std::atomic<std::uint64_t> released_{0};  // kernels
  SessionContext context_;
  substrate::ContentCache<const spirv::Module> modules_;
  substrate::KernelHandles<const substrate::KernelSource> prepared_;
  Memory memory_{*this};

  std::mutex session_mutex_;
  std::shared_ptr<Session> session_;
};

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_SUBSTRATE_HPP_
