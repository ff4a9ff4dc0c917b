// SPDX-License-Identifier: MIT OR Apache-2.0
//
// PoCL through OpenCL, loaded at run time: the same kernels in OpenCL C, on host memory that
// the buffers use in place.
#define CL_TARGET_OPENCL_VERSION 120
#include <CL/cl.h>
#include <dlfcn.h>
#include <fmt/format.h>

#include <cstring>
#include <stdexcept>
#include <system_error>

#include "peer.hpp"

namespace sokr::bench {
namespace {

// clang-format off
#define SOKR_BENCH_CL_FUNCTIONS(X)                                                          \
  X(clGetPlatformIDs) X(clGetPlatformInfo) X(clGetDeviceIDs) X(clGetDeviceInfo)             \
  X(clCreateContext) X(clReleaseContext) X(clCreateCommandQueue) X(clReleaseCommandQueue)   \
  X(clCreateBuffer) X(clReleaseMemObject) X(clCreateProgramWithSource) X(clBuildProgram)    \
  X(clGetProgramBuildInfo) X(clReleaseProgram) X(clCreateKernel) X(clReleaseKernel)         \
  X(clSetKernelArg) X(clEnqueueNDRangeKernel) X(clFinish) X(clEnqueueMapBuffer)             \
  X(clEnqueueUnmapMemObject)
// clang-format on

struct OpenCl {
#define X(name) decltype(&::name) name = nullptr;
  SOKR_BENCH_CL_FUNCTIONS(X)
#undef X

  // False if the library is missing or is no OpenCL 1.2. Stays loaded.
  bool load() {
    void* library = dlopen("libOpenCL.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!library) return false;
    bool complete = true;
#define X(function)                                                           \
  function = reinterpret_cast<decltype(function)>(dlsym(library, #function)); \
  complete = complete && function;
    SOKR_BENCH_CL_FUNCTIONS(X)
#undef X
    return complete;
  }
};

void expect(cl_int result, const char* what) {
  if (result != CL_SUCCESS)
    throw std::runtime_error(fmt::format("{} on PoCL failed with {}", what, result));
}

struct Device {
  OpenCl cl;
  cl_device_id id = nullptr;
  cl_context context = nullptr;
  cl_command_queue queue = nullptr;
  std::string description;

  Device() = default;
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;
  ~Device() {
    if (queue) cl.clReleaseCommandQueue(queue);
    if (context) cl.clReleaseContext(context);
  }
};

class PoclRunner final : public Runner {
 public:
  PoclRunner(const Device& device, const Workload& workload, const std::string& source)
      : device_(device), cl_(device.cl) {
    for (std::size_t i = 0; i < 3; ++i) {
      local_[i] = workload.local[i];
      global_[i] = std::size_t{workload.groups[i]} * workload.local[i];
    }
    try {
      for (const BufferSpec& spec : workload.buffers) create_buffer(spec.initial.size());
      create_kernel(workload, source);
    } catch (...) {
      destroy();
      throw;
    }
  }
  ~PoclRunner() override { destroy(); }

  void launch() override {
    expect(cl_.clEnqueueNDRangeKernel(device_.queue, kernel_, 3, nullptr, global_, local_, 0,
                                      nullptr, nullptr),
           "clEnqueueNDRangeKernel");
    expect(cl_.clFinish(device_.queue), "clFinish");
  }
  void write(std::size_t buffer, std::span<const std::byte> bytes) override {
    with_mapped(buffer, CL_MAP_WRITE,
                [&](void* mapped) { std::memcpy(mapped, bytes.data(), bytes.size()); });
  }
  Bytes read(std::size_t buffer) override {
    Bytes bytes(memory_[buffer].bytes().size());
    with_mapped(buffer, CL_MAP_READ,
                [&](void* mapped) { std::memcpy(bytes.data(), mapped, bytes.size()); });
    return bytes;
  }

 private:
  void create_buffer(std::size_t size) {
    std::span<std::byte> bytes = memory_.emplace_back(size).bytes();
    cl_int result = CL_SUCCESS;
    buffers_.push_back(cl_.clCreateBuffer(device_.context, CL_MEM_READ_WRITE | CL_MEM_USE_HOST_PTR,
                                          bytes.size(), bytes.data(), &result));
    expect(result, "clCreateBuffer");
  }

  void create_kernel(const Workload& workload, const std::string& source) {
    cl_int result = CL_SUCCESS;
    const char* text = source.c_str();
    program_ = cl_.clCreateProgramWithSource(device_.context, 1, &text, nullptr, &result);
    expect(result, "clCreateProgramWithSource");
    // What Vulkan allows a SPIR-V compiler by default: sums of products may be fused.
    if (cl_.clBuildProgram(program_, 1, &device_.id, "-cl-std=CL3.0 -cl-mad-enable", nullptr,
                           nullptr) != CL_SUCCESS) {
      std::string log(16384, '\0');
      cl_.clGetProgramBuildInfo(program_, device_.id, CL_PROGRAM_BUILD_LOG, log.size(), log.data(),
                                nullptr);
      throw std::runtime_error(
          fmt::format("PoCL does not compile {}.cl: {}", workload.name, log.c_str()));
    }
    kernel_ = cl_.clCreateKernel(program_, workload.name.c_str(), &result);
    expect(result, "clCreateKernel");
    cl_uint argument = 0;
    for (cl_mem buffer : buffers_)
      expect(cl_.clSetKernelArg(kernel_, argument++, sizeof buffer, &buffer), "clSetKernelArg");
    for (std::size_t at = 0; at < workload.push.size(); at += 4)
      expect(cl_.clSetKernelArg(kernel_, argument++, 4, &workload.push[at]), "clSetKernelArg");
  }

  template <class Use>
  void with_mapped(std::size_t buffer, cl_map_flags flags, Use use) {
    cl_int result = CL_SUCCESS;
    void* mapped =
        cl_.clEnqueueMapBuffer(device_.queue, buffers_[buffer], CL_TRUE, flags, 0,
                               memory_[buffer].bytes().size(), 0, nullptr, nullptr, &result);
    expect(result, "clEnqueueMapBuffer");
    use(mapped);
    expect(
        cl_.clEnqueueUnmapMemObject(device_.queue, buffers_[buffer], mapped, 0, nullptr, nullptr),
        "clEnqueueUnmapMemObject");
    expect(cl_.clFinish(device_.queue), "clFinish");
  }

  void destroy() {
    if (kernel_) cl_.clReleaseKernel(kernel_);
    if (program_) cl_.clReleaseProgram(program_);
    for (cl_mem buffer : buffers_)
      if (buffer) cl_.clReleaseMemObject(buffer);
  }

  const Device& device_;
  const OpenCl& cl_;
  std::size_t global_[3], local_[3];
  std::vector<HostMemory> memory_;
  std::vector<cl_mem> buffers_;
  cl_program program_ = nullptr;
  cl_kernel kernel_ = nullptr;
};

class PoclPeer final : public Peer {
 public:
  PoclPeer(std::unique_ptr<Device> device, std::filesystem::path sources)
      : device_(std::move(device)), sources_(std::move(sources)) {}
  std::string description() const override { return device_->description; }
  std::unique_ptr<Runner> prepare(const Workload& workload, std::span<const std::byte>) override {
    const std::vector<std::byte> file = read_file(sources_ / (workload.name + ".cl"));
    return std::make_unique<PoclRunner>(
        *device_, workload, std::string(reinterpret_cast<const char*>(file.data()), file.size()));
  }

 private:
  std::unique_ptr<Device> device_;
  std::filesystem::path sources_;
};

// Where it is installed; empty if it is not.
std::string pocl_driver() {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/etc/OpenCL/vendors", ignored))
    if (entry.path().filename().string().starts_with("pocl")) return entry.path();
  return {};
}

bool choose_device(Device& device) {
  const OpenCl& cl = device.cl;
  cl_uint count = 0;
  if (cl.clGetPlatformIDs(0, nullptr, &count) != CL_SUCCESS) return false;
  std::vector<cl_platform_id> platforms(count);
  expect(cl.clGetPlatformIDs(count, platforms.data(), nullptr), "clGetPlatformIDs");
  for (cl_platform_id platform : platforms) {
    char name[128] = "", version[256] = "";
    cl.clGetPlatformInfo(platform, CL_PLATFORM_NAME, sizeof name, name, nullptr);
    if (!std::strstr(name, "Portable Computing Language")) continue;
    if (cl.clGetDeviceIDs(platform, CL_DEVICE_TYPE_CPU, 1, &device.id, nullptr) != CL_SUCCESS)
      continue;
    cl.clGetPlatformInfo(platform, CL_PLATFORM_VERSION, sizeof version, version, nullptr);
    device.description = version;
    return true;
  }
  return false;
}

}  // namespace

std::unique_ptr<Peer> make_pocl_peer(const std::filesystem::path& sources, std::string& reason) {
  auto device = std::make_unique<Device>();
  if (!device->cl.load()) {
    reason = "there is no OpenCL loader (libOpenCL.so.1, ocl-icd-libopencl1)";
    return nullptr;
  }
  if (!choose_device(*device)) {
    reason = "no OpenCL platform is PoCL (pocl-opencl-icd)";
    if (const std::string driver = pocl_driver(); !driver.empty())
      throw std::runtime_error(fmt::format("{}, although there is {}", reason, driver));
    return nullptr;
  }
  cl_int result = CL_SUCCESS;
  device->context = device->cl.clCreateContext(nullptr, 1, &device->id, nullptr, nullptr, &result);
  expect(result, "clCreateContext");
  device->queue = device->cl.clCreateCommandQueue(device->context, device->id, 0, &result);
  expect(result, "clCreateCommandQueue");
  return std::make_unique<PoclPeer>(std::move(device), sources);
}

}  // namespace sokr::bench
