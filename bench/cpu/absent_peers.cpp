// SPDX-License-Identifier: MIT OR Apache-2.0
//
// In place of the peers whose headers were missing at build time.
#include "peer.hpp"

namespace sokr::bench {

#if !SOKR_BENCH_HAS_VULKAN
std::unique_ptr<Peer> make_lavapipe_peer(std::string& reason) {
  reason = "this program was built without volk.h (libvulkan-volk-dev)";
  return nullptr;
}
std::unique_ptr<Peer> make_swiftshader_peer(std::string& reason) {
  return make_lavapipe_peer(reason);
}
#endif

#if !SOKR_BENCH_HAS_ISPC
std::unique_ptr<Peer> make_ispc_peer(std::string& reason) {
  reason = "this program was built without ispc, a compiler";
  return nullptr;
}
#endif

#if !SOKR_BENCH_HAS_OPENCL
std::unique_ptr<Peer> make_pocl_peer(const std::filesystem::path&, std::string& reason) {
  reason = "this program was built without CL/cl.h (opencl-c-headers)";
  return nullptr;
}
#endif

}  // namespace sokr::bench
