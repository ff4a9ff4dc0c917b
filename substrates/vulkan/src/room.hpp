// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What goes before anything is refused for want of memory: Session::make_room() gives it up a step
// at a time, and whoever found none asks for it and tries again.
#ifndef SOKR_VULKAN_ROOM_HPP_
#define SOKR_VULKAN_ROOM_HPP_

#include <cstdint>
#include <functional>
#include <optional>

namespace sokr::vulkan {

// How far one who found no memory has come.
struct Shortage {
  bool dropped = false;                // what is kept for reuse has gone
  std::optional<std::uint64_t> until;  // of the timeline: what comes later is not waited for
  bool ended = false;                  // all launches up to it have been waited for
};

// False if there is nothing left to give up. Called without any lock that a callback may want: it
// may end launches.
using MakeRoom = std::function<bool(Shortage&)>;

// What `take` returns, once there is room for it or there can be none. Only for what may fail for
// want of memory: everything else would wait in vain.
template <class Take>
auto with_room(const MakeRoom& make_room, const Take& take) {
  auto taken = take();
  for (Shortage shortage; !taken && make_room(shortage);) taken = take();
  return taken;
}

}  // namespace sokr::vulkan

#endif  // SOKR_VULKAN_ROOM_HPP_
