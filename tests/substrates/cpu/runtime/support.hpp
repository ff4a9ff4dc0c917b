// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Launching the shaders beside this file, on a substrate object or through the core.
#ifndef SOKR_TESTS_CPU_RUNTIME_SUPPORT_HPP_
#define SOKR_TESTS_CPU_RUNTIME_SUPPORT_HPP_

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sokr/compute.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "runtime/substrate.hpp"

namespace sokr::cpu::test {

inline std::vector<std::uint8_t> read_shader(const std::string& name) {
  std::ifstream file(fmt::format("{}/{}.spv", SOKR_TEST_SHADERS, name), std::ios::binary);
  EXPECT_TRUE(file) << name;
  return {std::istreambuf_iterator<char>(file), {}};
}

// A folder of its own, removed at the end.
class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "sokr-cpu-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }
  std::vector<std::filesystem::path> files() const {
    std::vector<std::filesystem::path> found;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(path_))
      if (entry.is_regular_file()) found.push_back(entry.path());
    return found;
  }

 private:
  std::filesystem::path path_;
};

// What the log says of compilations.
class Log {
 public:
  Log() { info_ = {sizeof info_, SOKR_COMPUTE_VERSION, &take, this, SOKR_LOG_INFO, 0, nullptr}; }
  substrate::Host host() const { return substrate::Host(&info_); }
  int first() const { return first_; }
  int full() const { return full_; }
  int compiled() const { return first_ + full_; }

 private:
  static void take(void* self, std::uint32_t, const char* text) {
    const std::string_view line(text);
    if (!line.starts_with("cpu: compiled")) return;
    const bool first = line.starts_with("cpu: compiled a first version of");
    (first ? static_cast<Log*>(self)->first_ : static_cast<Log*>(self)->full_).fetch_add(1);
  }
  SokrHostInfo info_{};
  std::atomic<int> first_{0}, full_{0};
};

struct Dispatch {
  std::vector<std::uint8_t> ir;
  SokrLaunch launch{};
  std::vector<SokrBinding> bindings;
  std::vector<std::uint32_t> push;
  std::vector<SokrSpecialization> specializations;
  std::vector<SokrCompletionToken> waits;
  SokrComputationId id{};
  std::vector<std::uint8_t> params;

  explicit Dispatch(const std::string& shader) : ir(read_shader(shader)) {
    launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
    for (std::size_t i = 0; i < 16 && i < shader.size(); ++i)
      id.bytes[i] = static_cast<std::uint8_t>(shader[i]);
  }
  Dispatch& bind(std::uint32_t binding, void* data, std::size_t size) {
    bindings.push_back({0, binding, 0, SOKR_BINDING_HOST, SOKR_ACCESS_READ_WRITE, 0,
                        reinterpret_cast<std::uint64_t>(data), 0, size});
    return *this;
  }
  template <class T>
  Dispatch& bind(std::uint32_t binding, std::vector<T>& data) {
    return bind(binding, data.data(), data.size() * sizeof(T));
  }
  Dispatch& groups(std::uint32_t x, std::uint32_t y = 1, std::uint32_t z = 1) {
    launch.groups[0] = x, launch.groups[1] = y, launch.groups[2] = z;
    return *this;
  }
  // Valid until the next change of this object.
  SokrDispatchRequest request(std::uint32_t substrate = 1) {
    launch.bindings = bindings.data();
    launch.binding_count = static_cast<std::uint32_t>(bindings.size());
    launch.push = push.data();
    launch.push_size = static_cast<std::uint32_t>(push.size() * 4);
    launch.specializations = specializations.data();
    launch.specialization_count = static_cast<std::uint32_t>(specializations.size());
    launch.waits = waits.data();
    launch.wait_count = static_cast<std::uint32_t>(waits.size());
    params.resize(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params.data(), params.size());
    return {id, substrate, ir.data(), ir.size(), params.data(), params.size()};
  }
  Result<std::uint64_t> on(CpuSubstrate& substrate) { return substrate.dispatch(request()); }
};

inline KernelStoreOptions options(const std::filesystem::path& cache = {}, Isa isa = host_isa()) {
  return {.isa = isa, .cache_folder = cache, .compiler_library = SOKR_TEST_CPU_COMPILER};
}

inline std::unique_ptr<CpuSubstrate> make(unsigned threads = 2) {
  return std::make_unique<CpuSubstrate>(substrate::Host(), options(), threads);
}

inline void expect_complete(CpuSubstrate& substrate, const Result<std::uint64_t>& token,
                            std::uint64_t timeout = UINT64_MAX) {
  ASSERT_TRUE(token) << token.failure().sentence;
  EXPECT_EQ(substrate.completion(*token, timeout),
            (substrate::CompletionAnswer{SOKR_OK, SOKR_COMPLETION_COMPLETE}))
      << substrate.tokens().error(*token);
}

// A launch of `endless` that goes on until it is told to stop.
class Endless {
 public:
  explicit Endless(CpuSubstrate& substrate) : data_{1, 0, 0} {
    Dispatch dispatch("endless");
    token_ = dispatch.bind(0, data_).on(substrate);
    EXPECT_TRUE(token_) << token_.failure().sentence;
  }
  void stop() { __atomic_store_n(data_.data(), 0u, __ATOMIC_RELEASE); }
  std::uint64_t token() const { return *token_; }
  SokrCompletionToken wait() const { return sokr_token_encode(1, *token_); }

 private:
  std::vector<std::uint32_t> data_;
  Result<std::uint64_t> token_ = std::uint64_t{0};
};

}  // namespace sokr::cpu::test

#endif  // SOKR_TESTS_CPU_RUNTIME_SUPPORT_HPP_
