// SPDX-License-Identifier: MIT OR Apache-2.0
//
// How many threads a launch may use.
#ifndef SOKR_SUBSTRATES_CPU_RUNTIME_THREADS_HPP_
#define SOKR_SUBSTRATES_CPU_RUNTIME_THREADS_HPP_

#include <filesystem>
#include <functional>
#include <sokr/base/result.hpp>
#include <sokr/substrate/plugin_description.hpp>
#include <string>
#include <string_view>

namespace sokr::cpu {

// Processors that this process may run on: its affinity mask, and the processor time that
// its control group grants, rounded up. At least 1.
unsigned available_processors();

// What the control groups that `membership` (/proc/self/cgroup) lists grant, with their
// hierarchies mounted in `mounts` (/sys/fs/cgroup): the tightest quota up to the root,
// rounded up. 4096 if there is none.
unsigned cgroup_processors(const std::filesystem::path& membership,
                           const std::filesystem::path& mounts);

// The same for the text of `membership`, with a reader of the files below `mounts`, which gives
// an empty text for what it cannot read. It is asked at most twice for each byte of the text.
using ReadText = std::function<std::string(const std::string& path)>;
unsigned cgroup_processors(std::string_view membership, const std::string& mounts,
                           const ReadText& read);

// The option cpu.threads, else SOKR_CPU_THREADS, else available_processors().
// SOKR_INVALID_INPUT for anything but a number from 1 to 4096.
Result<unsigned> thread_count(const substrate::Host& host);

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_RUNTIME_THREADS_HPP_
