// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a command buffer holds: commands in the order in which they are executed, each finished
// before the next begins, so that barriers have nothing to do.
#ifndef SOKR_ICD_RECORDING_HPP_
#define SOKR_ICD_RECORDING_HPP_

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "descriptors.hpp"
#include "pipeline.hpp"
#include "query.hpp"
#include "sync.hpp"

namespace sokr::icd {

struct Recording;

// What is transferred between two looks at the clock: some tens of microseconds of it.
inline constexpr VkDeviceSize kPieceBytes = 65536;

namespace command {
struct Dispatch {
  std::uint32_t state;  // index in Recording::states
  std::array<std::uint32_t, 3> base, groups;
};
struct DispatchIndirect {
  std::uint32_t state;
  Slice groups;  // three u32
};
struct Copy {
  Slice from, to;  // as many bytes as both have
};
struct Fill {
  Slice to;
  std::uint32_t data;
};
struct Update {
  Slice to;
  std::size_t from;  // in Recording::bytes
};
struct SetEvent {
  std::shared_ptr<EventState> event;
  bool to;
};
struct WaitEvent {
  std::shared_ptr<EventState> event;
};
struct WriteQuery {
  std::shared_ptr<QueryStates> pool;
  std::uint32_t query;
  bool timestamp;  // else 0: what is counted here never happens
};
struct ResetQueries {
  std::shared_ptr<QueryStates> pool;
  std::uint32_t first, count;
};
struct CopyQueries {
  std::shared_ptr<QueryStates> pool;
  std::uint32_t first, count;
  Slice to;
  VkDeviceSize stride;
  VkQueryResultFlags flags;
};
// Of VK_EXT_debug_utils, for the trace alone.
struct Label {
  enum class What { Begin, End, Insert } what;
  std::string name;
};
// Texels that are copied or cleared in steps, one after the other, of which a piece takes a moment.
struct OnImages {
  using Run = std::function<void(VkDeviceSize first, VkDeviceSize count)>;
  VkDeviceSize steps, piece;
  std::shared_ptr<const Run> run;
};
}  // namespace command

using Command =
    std::variant<command::Dispatch, command::DispatchIndirect, command::Copy, command::Fill,
                 command::Update, command::SetEvent, command::WaitEvent, command::WriteQuery,
                 command::ResetQueries, command::CopyQueries, command::Label, command::OnImages>;

struct BoundSet {
  std::shared_ptr<SetContents> contents;
  std::uint32_t first_offset = 0;  // in Recording::offsets, of its dynamic buffers
  std::uint32_t offset_count = 0;
};

struct DispatchState;

// A launch of a state as it was written last: as good as new while no memory was freed and none of
// its sets was updated. Of the thread that executes.
struct WrittenLaunch {
  const DispatchState* state = nullptr;  // null: of none
  std::uint64_t freed = 0, updates = 0;  // counts of both at that time
  std::array<std::uint32_t, 3> base{};
  std::vector<unsigned char> params;
  std::size_t size = 0;  // bytes of params
};

// What a dispatch finds bound.
struct DispatchState {
  std::shared_ptr<const Program> program;
  std::uint32_t first_set = 0, set_count = 0;  // in Recording::sets
  std::size_t push = 0;                        // in Recording::bytes; program->push_size bytes
  mutable WrittenLaunch written;  // from the second execution on: most are executed once
};

struct Recording {
  std::vector<Command> commands;
  std::vector<DispatchState> states;
  std::vector<BoundSet> sets;
  std::vector<std::uint32_t> offsets;
  std::vector<std::byte> bytes;
  mutable std::uint32_t executions = 0;  // begun; of the thread that executes

  // All of another one behind this.
  void append(const Recording& other);
};

}  // namespace sokr::icd

#endif  // SOKR_ICD_RECORDING_HPP_
