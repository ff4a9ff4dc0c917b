// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A Vulkan substrate under test: an instance with the validation layer, the first device, and
// launches of the test shaders. verify_clean() ends it and expects no message of the layer since it
// was made.
#ifndef SOKR_TESTS_VULKAN_SUPPORT_HPP_
#define SOKR_TESTS_VULKAN_SUPPORT_HPP_

#include <gtest/gtest.h>
#include <sokr/compute.h>

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "instance.hpp"
#include "options.hpp"
#include "substrate.hpp"

namespace sokr::vulkan::test {

using OptionList = std::vector<std::pair<std::string, std::string>>;

// From the folder that the environment names, where these tests run far from their build.
inline std::vector<std::uint8_t> shader(const std::string& name) {
  const char* elsewhere = std::getenv("SOKR_TEST_SHADER_FOLDER");
  const std::string folder = elsewhere ? elsewhere : SOKR_TEST_SHADERS;
  std::ifstream file(folder + "/" + name + ".spv", std::ios::binary);
  std::vector<std::uint8_t> bytes{std::istreambuf_iterator<char>(file), {}};
  EXPECT_FALSE(bytes.empty()) << name;
  return bytes;
}

// A host that keeps what is logged.
class TestHost {
 public:
  explicit TestHost(OptionList options) : options_(std::move(options)) {
    for (auto& [key, value] : options_) facts_.push_back({key.c_str(), value.c_str()});
    info_.struct_size = sizeof info_;
    info_.compute_version = SOKR_COMPUTE_VERSION;
    info_.log = [](void* self, std::uint32_t level, const char* line) {
      auto* host = static_cast<TestHost*>(self);
      std::lock_guard lock(host->mutex_);
      host->lines_.push_back(std::to_string(level) + " " + line);
    };
    info_.log_context = this;
    info_.log_level = SOKR_LOG_DEBUG;
    info_.option_count = static_cast<std::uint32_t>(facts_.size());
    info_.option_size = sizeof(SokrFact);
    info_.options = facts_.data();
  }
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;
  const SokrHostInfo* info() const { return &info_; }
  substrate::Host host() const { return substrate::Host(&info_); }
  bool logged(const std::string& text) {
    std::lock_guard lock(mutex_);
    for (const std::string& line : lines_) {
      if (line.find(text) != std::string::npos) return true;
    }
    return false;
  }
  std::string all() {
    std::lock_guard lock(mutex_);
    std::string text;
    for (const std::string& line : lines_) text += line + "\n";
    return text;
  }

 private:
  OptionList options_;
  std::vector<SokrFact> facts_;
  SokrHostInfo info_{};
  std::mutex mutex_;
  std::vector<std::string> lines_;
};

// The instances of all tests, one of each kind. To make one loads drivers and the validation layer,
// which takes longer than most tests. They go when the tests are done.
class Instances : public testing::Environment {
 public:
  struct Kept {
    TestHost host{{}};  // what the instance itself logs
    std::shared_ptr<Instance> instance;
  };
  // Null with a failed test if there is none. The reference holds until the tests are done.
  static Kept* find(const Options& options) {
    const Key key{options.loader, options.api, options.validation};
    Kept& kept = all()[key];
    if (!kept.instance) {
      auto instance = Instance::create(options, kept.host.host());
      if (!instance) {
        ADD_FAILURE() << instance.failure().sentence;
        return nullptr;
      }
      kept.instance = *std::move(instance);
    }
    return &kept;
  }
  void TearDown() override { all().clear(); }

 private:
  using Key = std::tuple<std::string, std::uint32_t, bool>;
  static std::map<Key, Kept>& all() {
    static std::map<Key, Kept> kept;
    return kept;
  }
};
inline testing::Environment* const kInstances = testing::AddGlobalTestEnvironment(new Instances);

class Bench {
 public:
  explicit Bench(OptionList options = {}) {
    options.emplace_back("vulkan.validation", "1");
    host_ = std::make_unique<TestHost>(std::move(options));
    options_ = read_options(host_->host());
    kept_ = Instances::find(options_);
    if (!kept_) return;
    instance_ = kept_->instance;
    messages_before_ = instance_->validation_messages();
    auto found = instance_->devices(options_);
    if (!found || found->usable.empty()) {
      ADD_FAILURE() << "no Vulkan device";
      return;
    }
    physical_ = found->usable[0];
    renew();
  }
  ~Bench() { verify_clean(); }

  // A fresh substrate on the same instance.
  void renew() {
    substrate_.reset();
    substrate_ = std::make_unique<VulkanSubstrate>(instance_, physical_, host_->host(), options_);
  }
  void verify_clean(bool clean = true) {
    substrate_.reset();
    if (!instance_) return;
    EXPECT_EQ(instance_->validation_messages() == messages_before_, clean) << log();
    instance_.reset();
  }
  // Also what the instance logged, for this test or an earlier one.
  std::string log() { return host_->all() + kept_->host.all(); }
  VulkanSubstrate& operator*() { return *substrate_; }
  VulkanSubstrate* operator->() { return substrate_.get(); }
  TestHost& host() { return *host_; }
  const PhysicalDevice& physical() const { return physical_; }
  std::string name() const { return physical_.name(); }
  // Does the host reach this buffer by itself?
  bool is_mapped(SokrBuffer buffer) {
    auto session = substrate_->session();
    auto found = (*session)->buffers().find(buffer);
    return found && (*found)->mapped() != nullptr;
  }
  // Also where it is made to look like hardware.
  bool runs_on_software() const {
    return physical_.properties.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ||
           std::getenv("SOKR_SIM_PROFILE") != nullptr;
  }

  Result<std::uint64_t> capability(const std::vector<std::uint8_t>& ir) {
    SokrCapabilityQuery query{};
    query.ir_format = SOKR_IR_SPIRV;
    query.ir_data = ir.data();
    query.ir_data_len = ir.size();
    return substrate_->capability(query);
  }
  Result<std::uint64_t> dispatch(const std::vector<std::uint8_t>& ir, const SokrLaunch& launch) {
    std::vector<unsigned char> params(sokr_launch_size(&launch));
    sokr_launch_write(&launch, params.data(), params.size());
    SokrDispatchRequest request{};
    request.substrate_id = 1;
    request.ir_data = ir.data();
    request.ir_data_len = ir.size();
    request.params = params.data();
    request.params_len = params.size();
    return substrate_->dispatch(request);
  }
  // Dispatches, waits and expects success.
  void run(const std::vector<std::uint8_t>& ir, const SokrLaunch& launch) {
    auto token = dispatch(ir, launch);
    ASSERT_TRUE(token) << token.failure().sentence;
    const auto answer = substrate_->completion(*token, UINT64_MAX);
    EXPECT_EQ(answer.signal, SOKR_COMPLETION_COMPLETE) << substrate_->completion_error(*token);
  }

 private:
  std::unique_ptr<TestHost> host_;
  Options options_;
  Instances::Kept* kept_ = nullptr;
  std::shared_ptr<Instance> instance_;
  std::uint64_t messages_before_ = 0;
  PhysicalDevice physical_;
  std::unique_ptr<VulkanSubstrate> substrate_;
};

template <class T>
SokrBinding host_binding(std::uint32_t set, std::uint32_t binding, std::vector<T>& data,
                         std::uint32_t access = SOKR_ACCESS_READ_WRITE, std::uint32_t index = 0) {
  return {set,
          binding,
          index,
          SOKR_BINDING_HOST,
          access,
          0,
          reinterpret_cast<std::uintptr_t>(data.data()),
          0,
          data.size() * sizeof(T)};
}

inline SokrBinding buffer_binding(std::uint32_t set, std::uint32_t binding, SokrBuffer buffer,
                                  std::uint64_t size, std::uint64_t offset = 0,
                                  std::uint32_t access = SOKR_ACCESS_READ_WRITE) {
  return {set, binding, 0, SOKR_BINDING_BUFFER, access, 0, buffer, offset, size};
}

// A kernel that runs until it is told to end, or has had its rounds: the work that keeps a device
// busy for as long as a test wants. On software its workgroups run one after the other, each for
// some 50 ms at most, on hardware at once. Its substrate is to be made with options().
class Gate {
 public:
  // Nothing is measured, so that dispatch does not wait for a first part.
  static OptionList options(OptionList more = {}) {
    more.emplace_back("vulkan.slice_ms", "0");
    return more;
  }
  static constexpr std::uint32_t kRounds = 8;  // on hardware: half a second of an H200
  explicit Gate(Bench& bench, std::uint32_t groups = 2'000, std::uint32_t rounds = kRounds)
      : bench_(bench), rounds_{0, 4, rounds} {
    auto made = bench_->memory().create(sizeof(std::uint32_t), SOKR_BUFFER_HOST_VISIBLE);
    EXPECT_TRUE(made) << made.failure().sentence;
    if (!made) return;
    auto mapped = bench_->memory().map(*made);
    EXPECT_TRUE(mapped) << mapped.failure().sentence;
    if (mapped) flag_ = static_cast<std::uint32_t*>(*mapped);
    launch.groups[0] = bench.runs_on_software() ? groups : 16;
    if (!bench.runs_on_software()) {
      launch.specializations = &rounds_;
      launch.specialization_count = 1;
    }
    launch.groups[1] = launch.groups[2] = 1;
    out.resize(launch.groups[0]);
    bindings = {buffer_binding(0, 0, *made, sizeof(std::uint32_t)), host_binding(0, 1, out)};
    launch.bindings = bindings.data();
    launch.binding_count = 2;
  }
  ~Gate() { open(); }
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  std::uint64_t start() {
    auto token = bench_.dispatch(shader("gate"), launch);
    EXPECT_TRUE(token) << token.failure().sentence;
    return token ? *token : 0;
  }
  // All that runs and all that is started later end at once. The substrate is still there.
  void open() {
    if (flag_) std::atomic_ref(*flag_).store(1);
    flag_ = nullptr;
  }
  // Each workgroup writes its number, from 1 on. -1 = it did.
  long wrong() const {
    for (std::size_t i = 0; i < out.size(); ++i)
      if (out[i] != i + 1) return static_cast<long>(i);
    return -1;
  }

  std::vector<std::uint32_t> out;
  std::vector<SokrBinding> bindings;  // the flag, and `out`
  SokrLaunch launch{};

 private:
  Bench& bench_;
  std::uint32_t* flag_ = nullptr;
  SokrSpecialization rounds_;
};

// y = a * x + y over n floats, 64 at a time.
struct SaxpyPush {
  float a;
  std::uint32_t n;
};

struct Saxpy {
  std::vector<float> x, y;
  SaxpyPush push{};
  std::vector<SokrBinding> bindings;
  SokrSpecialization local{0, 4, 64};
  SokrLaunch launch{};

  explicit Saxpy(std::size_t n, float a = 2.0f)
      : x(n), y(n), push{a, static_cast<std::uint32_t>(n)} {
    for (std::size_t i = 0; i < n; ++i) {
      x[i] = static_cast<float>(i % 1000);
      y[i] = 1.0f;
    }
    bindings = {host_binding(0, 0, x, SOKR_ACCESS_READ), host_binding(0, 1, y)};
    launch.groups[0] = static_cast<std::uint32_t>((n + 63) / 64);
    launch.groups[1] = launch.groups[2] = 1;
    launch.bindings = bindings.data();
    launch.binding_count = 2;
    launch.push = &push;
    launch.push_size = sizeof push;
    launch.specializations = &local;
    launch.specialization_count = 1;
  }
  Saxpy(const Saxpy&) = delete;
  Saxpy& operator=(const Saxpy&) = delete;
  // The first element that is not `times` applications of it; -1 if none.
  long wrong(int times = 1) const {
    for (std::size_t i = 0; i < y.size(); ++i) {
      if (y[i] != 1.0f + static_cast<float>(times) * push.a * static_cast<float>(i % 1000)) {
        return static_cast<long>(i);
      }
    }
    return -1;
  }
};

}  // namespace sokr::vulkan::test

#endif  // SOKR_TESTS_VULKAN_SUPPORT_HPP_
