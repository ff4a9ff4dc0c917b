// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Any bytes as the file that pipelines are kept in: it is passed over and replaced, or read by
// the driver; the device works afterwards. The first byte chooses what the rest is: the file, or
// what the driver gets of an intact file; as it is, or as changes to what a run left there.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <sokr/substrate/launch_view.hpp>

#include "fuzzing.hpp"
#include "instance.hpp"
#include "launch_builder.hpp"
#include "pipeline.hpp"
#include "pipeline_cache.hpp"

namespace {

namespace fs = std::filesystem;
using namespace sokr;
using namespace sokr::vulkan;
using fuzzing::require;

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kEntryHeader = 32;  // of disk_cache.hpp: magic, two sizes, checksum

class Bench {
 public:
  static Bench& get() {
    static Bench one;
    return one;
  }

  // What a cache says of the file that is there: did the driver get it?
  bool is_read() {
    was_read_ = false;
    PipelineCache cache(*device_, disk_.get(), host_);
    require(cache.handle() != nullptr);
    return was_read_;
  }
  // Reads what is there, makes a pipeline, and keeps it.
  void make_pipeline() {
    PipelineCache cache(*device_, disk_.get(), host_);
    substrate::testing_support::LaunchBuilder builder;
    const Bytes params = builder.bytes();
    const auto launch = substrate::LaunchView::parse(params.data(), params.size());
    const auto module = spirv::decode(kernel_, {.any_values = true});
    require(launch && module);
    auto plan = plan_pipeline(kernel_, **module, *launch, *launch, device_->physical());
    require(plan.ok(), "the kernel does not suit the device");
    const auto pipeline = Pipeline::create(*device_, cache.handle().get(), *std::move(plan));
    require(pipeline.ok(), pipeline ? "" : pipeline.failure().sentence);
    cache.note_compiled();
  }

  void write(const Bytes& bytes) const {
    const int file = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    require(file >= 0 &&
            ::write(file, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()));
    ::close(file);
  }
  bool exists() const { return ::access(path_.c_str(), F_OK) == 0; }

  // An intact file with another value for the driver.
  void store(std::span<const std::uint8_t> value) {
    require(disk_->store(key(), value), "the value is not kept");
  }
  const Bytes& file() const { return file_; }
  std::span<const std::uint8_t> value() const {
    return std::span(file_).subspan(kEntryHeader + key().size());
  }

 private:
  Bench() {
    std::string name = (fs::temp_directory_path() / "sokr-fuzz-pipelines-XXXXXX").string();
    require(::mkdtemp(name.data()) != nullptr);
    folder_ = name;
    info_ = {sizeof info_, SOKR_COMPUTE_VERSION, log, this, SOKR_LOG_DEBUG, 0, nullptr};
    host_ = substrate::Host(&info_);
    options_ = read_options(host_);
    auto instance = Instance::create(options_, host_);
    require(instance.ok(), instance ? "" : instance.failure().sentence);
    instance_ = *std::move(instance);
    const auto found = instance_->devices();
    require(found && !found->usable.empty(), "there is no Vulkan device");
    auto device = Device::create(found->usable[0], options_);
    require(device.ok(), device ? "" : device.failure().sentence);
    device_ = *std::move(device);
    disk_ = std::make_unique<substrate::DiskCache>(
        substrate::DiskCacheOptions{folder_, std::uint64_t{64} << 20, std::uint64_t{16} << 20});
    std::ifstream kernel(SOKR_FUZZ_KERNEL, std::ios::binary);
    kernel_.assign(std::istreambuf_iterator<char>(kernel), {});
    make_pipeline();
    for (const auto& entry : fs::directory_iterator(folder_)) path_ = entry.path();
    std::ifstream file(path_, std::ios::binary);
    file_.assign(std::istreambuf_iterator<char>(file), {});
    require(file_.size() > kEntryHeader, "no pipeline is kept");
  }
  ~Bench() { fs::remove_all(folder_); }

  static void log(void* self, std::uint32_t, const char* line) {
    if (std::string_view(line).find("bytes of pipelines from") != std::string_view::npos) {
      static_cast<Bench*>(self)->was_read_ = true;
    }
  }
  std::span<const std::uint8_t> key() const {
    std::uint64_t size = 0;
    std::memcpy(&size, file_.data() + 8, sizeof size);
    return std::span(file_).subspan(kEntryHeader, size);
  }

  fs::path folder_, path_;
  SokrHostInfo info_{};
  substrate::Host host_;
  Options options_;
  std::shared_ptr<Instance> instance_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<substrate::DiskCache> disk_;
  Bytes kernel_, file_;
  bool was_read_ = false;
};

// Three bytes are a change: two say where, the third is what is there then.
Bytes changed(std::span<const std::uint8_t> from, std::span<const std::uint8_t> changes) {
  Bytes bytes(from.begin(), from.end());
  for (std::size_t i = 0; i + 3 <= changes.size() && !bytes.empty(); i += 3) {
    bytes[(changes[i] | changes[i + 1] << 8) % bytes.size()] ^= changes[i + 2];
  }
  if (changes.size() % 3 == 1) bytes.resize(bytes.size() * changes.back() / 255);
  return bytes;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  (void)Bench::get();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bench& bench = Bench::get();
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  const std::uint8_t choice = data[0] % 4;
  if (choice < 2) {
    const Bytes file = choice == 0 ? Bytes(rest.begin(), rest.end()) : changed(bench.file(), rest);
    bench.write(file);
    // Intact means unchanged: a checksum is over all of it.
    const bool intact = file == bench.file();
    require(bench.is_read() == intact && bench.exists() == intact);
    if (data[0] >= 240) {
      bench.make_pipeline();
      require(bench.is_read(), "the file is not replaced");
    }
  } else {
    const Bytes value =
        choice == 2 ? Bytes(rest.begin(), rest.end()) : changed(bench.value(), rest);
    bench.store(value);
    require(bench.is_read());
  }
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  const Bench& bench = Bench::get();
  const auto text = [](char choice, std::span<const std::uint8_t> bytes) {
    return choice + std::string(bytes.begin(), bytes.end());
  };
  const auto start = bench.value().first(std::min<std::size_t>(bench.value().size(), 256));
  return {{text(0, bench.file()), "\x01", std::string("\x01\0\0\x01", 4), text(2, bench.value()),
           "\x03", std::string("\x03\0\0\x01", 4), "\x02", std::string("\xf0"), "\xf1"},
          {text('\x02', start), std::string("\x20\0\0\0\x01\0\0\0", 8), "SOKRDC01"}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
