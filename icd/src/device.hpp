// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_ICD_DEVICE_HPP_
#define SOKR_ICD_DEVICE_HPP_

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "instance.hpp"
#include "memory.hpp"
#include "modules.hpp"

namespace sokr::icd {

class Queue;

// What threads wait for on one device: fences, semaphores, events, queries, queues. Their states
// change under one mutex, rarely and for a moment.
struct Monitor {
  std::mutex mutex;
  std::condition_variable changed;
  unsigned waiting = 0;  // threads in wait(), under the mutex

  // Under the mutex.
  void notify() {
    if (waiting) changed.notify_all();
  }
  // Waits until `ready` is true; false if the deadline came first. A null deadline never comes.
  template <class Ready>
  bool wait(std::unique_lock<std::mutex>& lock,
            const std::chrono::steady_clock::time_point* deadline, Ready&& ready) {
    while (!ready()) {
      ++waiting;
      const bool in_time = !deadline
                               ? (changed.wait(lock), true)
                               : changed.wait_until(lock, *deadline) == std::cv_status::no_timeout;
      --waiting;
      if (!in_time) return ready();
    }
    return true;
  }
};

struct Device : Dispatchable {
  Device(PhysicalDevice* of, const Extensions& enabled);
  ~Device();

  PhysicalDevice* const physical;
  const SubstrateInUse& substrate;
  const Extensions extensions;
  Monitor monitor;
  MemoryTable memory;
  ReadModules modules;
  std::atomic<bool> lost{false}, ending{false};
  Queue* queue;  // the only one

  // Nothing more will be done. So it is in a child of the process: the threads are in the parent,
  // and mutexes may be locked for ever.
  bool is_lost() const { return lost.load(std::memory_order_acquire) || is_forked(); }
  // Says why, and lets every wait end. Needs no memory: want of it may be why.
  void lose(const char* why) noexcept;
  void lose(const std::string& why) noexcept { lose(why.c_str()); }
};
SOKR_ICD_OBJECT(VkDevice, Device)

// What sentences about something of the device are told to.
inline VkInstance instance_of(const Device& device) {
  return reinterpret_cast<VkInstance>(device.physical->instance);
}
inline VkInstance instance_of(VkDevice device) {
  return instance_of(*of(device));
}

// The end of a wait of so many nanoseconds from now; false if it never comes.
bool deadline_of(std::uint64_t timeout, std::chrono::steady_clock::time_point& out);

}  // namespace sokr::icd

#endif  // SOKR_ICD_DEVICE_HPP_
