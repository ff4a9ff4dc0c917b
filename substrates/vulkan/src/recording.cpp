// SPDX-License-Identifier: MIT OR Apache-2.0
#include "recording.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>
#include <cstring>

namespace sokr::vulkan {
namespace {

constexpr std::uint64_t kOwnBlock = 1 << 20;  // from this size on, a binding has its own block

// What is before it in the same submission: launches, copies and counts of indirect ones.
void wait_for_all(const VolkDeviceTable& vk, VkCommandBuffer commands) {
  constexpr VkPipelineStageFlags kWork =
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  barrier(vk, commands, kWork, VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
          kWork | VK_PIPELINE_STAGE_DRAW_INDIRECT_BIT,
          VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT |
              VK_ACCESS_TRANSFER_READ_BIT | VK_ACCESS_TRANSFER_WRITE_BIT |
              VK_ACCESS_INDIRECT_COMMAND_READ_BIT);
}

Result<DescriptorSets::Taken> take_sets(DescriptorSets& from, const Pipeline& pipeline) {
  std::vector<VkDescriptorSetLayout> layouts;
  for (const Pipeline::Set& set : pipeline.sets()) layouts.push_back(set.layout);
  return from.take(layouts, {static_cast<std::uint32_t>(layouts.size()),
                             pipeline.storage_descriptors(), pipeline.uniform_descriptors()});
}

// What `sets` are bound to; `buffers` in the order of the launch's bindings.
void update_sets(Device& device, const RecordRequest& request,
                 std::span<const VkDescriptorSet> sets,
                 std::span<const VkDescriptorBufferInfo> buffers) {
  const Pipeline& pipeline = *request.pipeline;
  const ir::EntryReflection& entry = pipeline.reflection();
  std::vector<VkWriteDescriptorSet> writes;
  std::size_t set = 0;
  for (std::size_t r = 0; r < entry.bindings.size(); ++r) {
    const ir::Binding& binding = entry.bindings[r];
    while (pipeline.sets()[set].number != binding.set) ++set;
    const std::uint32_t first = request.launch->first[r];
    const std::uint32_t count = request.launch->first[r + 1] - first;
    if (count == 0) continue;
    VkWriteDescriptorSet write{VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET};
    write.dstSet = sets[set];
    write.dstBinding = binding.binding;
    write.descriptorCount = count;
    write.descriptorType = binding.kind == SOKR_IR_UNIFORM_BUFFER
                               ? VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER
                               : VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
    write.pBufferInfo = &buffers[first];
    writes.push_back(write);
  }
  if (!writes.empty())
    device.vk().vkUpdateDescriptorSets(device.handle(), static_cast<std::uint32_t>(writes.size()),
                                       writes.data(), 0, nullptr);
}

// Of kernels, for copies and the host.
void show_results(const VolkDeviceTable& vk, VkCommandBuffer commands) {
  barrier(vk, commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
          VK_PIPELINE_STAGE_HOST_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
          VK_ACCESS_HOST_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT);
}

Result<void> begin_commands(Device& device, VkCommandBuffer commands) {
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  return device.check(device.vk().vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
}

Result<void> end_commands(Device& device, VkCommandBuffer commands) {
  const VkResult result = device.vk().vkEndCommandBuffer(commands);
  if (result != VK_SUCCESS)
    (void)device.vk().vkResetCommandBuffer(commands, 0);  // to be used again
  return device.check(result, "vkEndCommandBuffer");
}

template <class T>
void append(RecordKey& key, const T& value) {
  key.bytes.append(reinterpret_cast<const std::uint8_t*>(&value), sizeof value);
}

}  // namespace

RecordKey record_key(const RecordRequest& request) {
  RecordKey key;
  append(key, request.pipeline);
  if (request.indirect) {
    append(key, request.indirect_handle);
    append(key, request.indirect_offset);
  } else {
    append(key, request.launch->groups);
    append(key, request.launch->base_groups);
  }
  append(key, request.cut.parts);
  append(key, static_cast<std::uint8_t>(request.profile | (request.indirect ? 2 : 0)));
  for (const Bound& bound : request.bound) {
    append(key, static_cast<std::uint8_t>(bound.source));
    append(key, static_cast<std::uint8_t>(bound.download));
    append(key, bound.size);
    append(key, bound.handle);
    append(key, bound.offset);
  }
  key.hash = XXH3_64bits(key.bytes.data(), key.bytes.size());
  return key;
}

Recording::Recording(Device& device, RecordingPool& pool)
    : device_(device), pool_(pool), command_pool_(pool.command_pools().next()) {}

Recording::~Recording() {
  give_blocks();
  if (queries_) device_.vk().vkDestroyQueryPool(device_.handle(), queries_, nullptr);
  pool_.descriptor_sets().give(sets_);
  const auto lock = command_pool_.lock();
  command_pool_.free(buffers_);
}

void Recording::give_blocks() noexcept {
  for (auto& block : host_blocks_) pool_.host_blocks().give(std::move(block));
  for (auto& block : device_blocks_) pool_.device_blocks().give(std::move(block));
  host_blocks_.clear();
  device_blocks_.clear();
  regions_.clear();
  pool_.device_blocks().give(std::move(copied_block_));
  copied_.clear();
}

void Recording::keep_one_buffer() noexcept {
  used_ = done_ = 0;
  if (buffers_.size() < 2) return;
  const auto lock = command_pool_.lock();
  command_pool_.free(std::span(buffers_).subspan(1));
  buffers_.resize(1);
}

std::uint64_t Recording::staged_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& block : host_blocks_) bytes += block->size();
  for (const auto& block : device_blocks_) bytes += block->size();
  if (copied_block_) bytes += copied_block_->size();
  return bytes;
}

// With the lock of the command pool held.
Result<VkCommandBuffer> Recording::next_buffer() {
  if (used_ == buffers_.size()) {
    buffers_.reserve(used_ + 1);
    SOKR_ASSIGN(const VkCommandBuffer made, command_pool_.allocate());
    buffers_.push_back(made);
  }
  return buffers_[used_];
}

Result<void> Recording::stage(const RecordRequest& request) {
  const VkPhysicalDeviceLimits& limits = device_.physical().properties.limits;
  const std::uint64_t alignment =
      std::max({limits.minStorageBufferOffsetAlignment, limits.minUniformBufferOffsetAlignment,
                limits.nonCoherentAtomSize, VkDeviceSize{64}});
  const ir::EntryReflection& entry = request.pipeline->reflection();
  std::vector<std::uint64_t> sizes;
  std::uint64_t shared_size = 0;
  constexpr std::uint32_t kShared = UINT32_MAX;
  for (std::size_t r = 0; r < entry.bindings.size(); ++r) {
    for (std::uint32_t i = request.launch->first[r]; i < request.launch->first[r + 1]; ++i) {
      const Bound& bound = request.bound[i];
      StagedRegion region;
      region.binding = i;
      if (bound.source == BindSource::kStaged) {
        region.size = bound.size;
        region.download = bound.download;
      } else if (bound.source == BindSource::kNull && !pool_.has_null_descriptor()) {
        region.size = bound.size;
        region.zero = true;
      } else {
        continue;
      }
      if (region.size >= kOwnBlock) {
        region.block = static_cast<std::uint32_t>(sizes.size());
        sizes.push_back(region.size);
      } else {
        region.block = kShared;
        region.offset = shared_size;
        shared_size += (region.size + alignment - 1) / alignment * alignment;
      }
      regions_.push_back(region);
    }
  }
  for (StagedRegion& region : regions_) {
    if (region.block == kShared) region.block = static_cast<std::uint32_t>(sizes.size());
  }
  if (shared_size != 0) sizes.push_back(shared_size);
  coherent_ = true;
  for (std::uint64_t size : sizes) {
    SOKR_ASSIGN(auto block, pool_.host_blocks().take(size));
    coherent_ &= block->is_coherent();
    host_blocks_.push_back(std::move(block));
    if (!pool_.copies()) continue;
    SOKR_ASSIGN(auto device_block, pool_.device_blocks().take(size));
    device_blocks_.push_back(std::move(device_block));
  }
  return place_copied(request, alignment);
}

Result<void> Recording::place_copied(const RecordRequest& request, std::uint64_t alignment) {
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < request.bound.size(); ++i) {
    const Bound& bound = request.bound[i];
    if (bound.source != BindSource::kCopied) continue;
    copied_.push_back({i, bound.buffer, bound.offset, total, bound.size, bound.download});
    total += (bound.size + alignment - 1) / alignment * alignment;
  }
  if (total == 0) return {};
  SOKR_ASSIGN(copied_block_, pool_.device_blocks().take(total));
  return {};
}

// Those of the same pipeline are written anew.
Result<void> Recording::prepare_descriptors(Pipeline& pipeline) {
  if (sets_of_.get() == &pipeline) return {};
  pool_.descriptor_sets().give(sets_);
  sets_of_.reset();
  SOKR_ASSIGN(sets_, take_sets(pool_.descriptor_sets(), pipeline));
  sets_of_ = pipeline.shared_from_this();
  return {};
}

Result<void> Recording::bind(const RecordRequest& request) {
  shared_ = request.sets ? request.sets->shared_from_this() : nullptr;
  if (shared_) return {};
  SOKR_TRY(prepare_descriptors(*request.pipeline));
  std::vector<VkDescriptorBufferInfo> buffers(request.bound.size());
  for (std::size_t i = 0; i < request.bound.size(); ++i) {
    const Bound& bound = request.bound[i];
    if (bound.source == BindSource::kBuffer) {
      buffers[i] = {bound.buffer, bound.offset, bound.size};
    } else {
      buffers[i] = {VK_NULL_HANDLE, 0, VK_WHOLE_SIZE};
    }
  }
  for (const StagedRegion& region : regions_) {
    const auto& blocks = pool_.copies() ? device_blocks_ : host_blocks_;
    buffers[region.binding] = {blocks[region.block]->handle(), region.offset, region.size};
  }
  for (const CopiedRegion& region : copied_) {
    buffers[region.binding] = {copied_block_->handle(), region.offset, region.size};
  }
  update_sets(device_, request, sets_.sets, buffers);
  return {};
}

Result<void> Recording::prepare_queries() {
  if (queries_) return {};
  VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = 2;
  const VkResult result =
      device_.vk().vkCreateQueryPool(device_.handle(), &info, nullptr, &queries_);
  if (result != VK_SUCCESS) queries_ = VK_NULL_HANDLE;
  return device_.check(result, "vkCreateQueryPool");
}

void Recording::copy(VkCommandBuffer commands, bool in) const {
  for (const StagedRegion& region : regions_) {
    if (!in && !region.download) continue;
    const VkBufferCopy where{region.offset, region.offset, region.size};
    VkBuffer host = host_blocks_[region.block]->handle();
    VkBuffer device = device_blocks_[region.block]->handle();
    device_.vk().vkCmdCopyBuffer(commands, in ? host : device, in ? device : host, 1, &where);
  }
}

// What other launches do to the buffers comes before or after all of this one: it would be undone
// by what is copied back.
void Recording::copy_ranges(VkCommandBuffer commands, bool in) const {
  const VolkDeviceTable& vk = device_.vk();
  constexpr VkPipelineStageFlags kStages =
      VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT;
  constexpr VkAccessFlags kAccess = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT |
                                    VK_ACCESS_UNIFORM_READ_BIT | VK_ACCESS_TRANSFER_READ_BIT |
                                    VK_ACCESS_TRANSFER_WRITE_BIT;
  constexpr VkAccessFlags kWrites = VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT;
  if (copied_.empty()) return;
  barrier(vk, commands, kStages, kWrites, kStages, kAccess);
  for (const CopiedRegion& region : copied_) {
    if (!in && !region.back) continue;
    const VkBufferCopy where{in ? region.from : region.offset, in ? region.offset : region.from,
                             region.size};
    vk.vkCmdCopyBuffer(commands, in ? region.buffer : copied_block_->handle(),
                       in ? copied_block_->handle() : region.buffer, 1, &where);
  }
  // The host may have the buffer mapped.
  if (in)
    barrier(vk, commands, kStages, kWrites, kStages, kAccess);
  else
    barrier(vk, commands, kStages, kWrites, kStages | VK_PIPELINE_STAGE_HOST_BIT,
            kAccess | VK_ACCESS_HOST_READ_BIT);
}

// Regions begin at whole atoms, so no two share one.
Result<void> Recording::carry(bool to_device) {
  if (coherent_) return {};
  std::vector<VkMappedMemoryRange> ranges;
  for (const StagedRegion& region : regions_) {
    const Buffer& block = *host_blocks_[region.block];
    if (block.is_coherent() || (!to_device && !region.download)) continue;
    ranges.push_back(block.atoms(region.offset, region.size));
  }
  if (ranges.empty()) return {};
  const VolkDeviceTable& vk = device_.vk();
  const auto count = static_cast<std::uint32_t>(ranges.size());
  if (to_device) {
    return device_.check(vk.vkFlushMappedMemoryRanges(device_.handle(), count, ranges.data()),
                         "vkFlushMappedMemoryRanges");
  }
  return device_.check(vk.vkInvalidateMappedMemoryRanges(device_.handle(), count, ranges.data()),
                       "vkInvalidateMappedMemoryRanges");
}

// Of a sliced pipeline: as much at once as the device takes.
void Recording::dispatch_limited(VkCommandBuffer commands, const Part& part) const {
  const VolkDeviceTable& vk = device_.vk();
  const spirv::SlicedModule& sliced = *pipeline_->sliced();
  std::vector<std::uint32_t> push = recipe_.push;
  const auto &groups = recipe_.groups, &base = recipe_.base_groups;
  const auto& most = device_.physical().properties.limits.maxComputeWorkGroupCount;
  if (sliced.counts) std::ranges::copy(groups, std::span(push).subspan(*sliced.counts / 4).begin());
  std::array<std::uint64_t, 3> begin{}, end{groups[0], groups[1], groups[2]}, at{};
  begin[recipe_.axis] = part.begin;
  end[recipe_.axis] = part.end;
  for (at[2] = begin[2]; at[2] < end[2]; at[2] += most[2]) {
    for (at[1] = begin[1]; at[1] < end[1]; at[1] += most[1]) {
      for (at[0] = begin[0]; at[0] < end[0]; at[0] += most[0]) {
        std::array<std::uint32_t, 3> count{};
        for (std::size_t i = 0; i < 3; ++i) {
          count[i] = static_cast<std::uint32_t>(std::min<std::uint64_t>(end[i] - at[i], most[i]));
          if (sliced.origin)
            push[*sliced.origin / 4 + i] = static_cast<std::uint32_t>(base[i] + at[i]);
        }
        if (!push.empty())
          vk.vkCmdPushConstants(commands, pipeline_->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                                static_cast<std::uint32_t>(push.size() * 4), push.data());
        vk.vkCmdDispatch(commands, count[0], count[1], count[2]);
      }
    }
  }
}

void Recording::dispatch(VkCommandBuffer commands, const Part& part) const {
  const VolkDeviceTable& vk = device_.vk();
  if (pipeline_->sliced()) return dispatch_limited(commands, part);
  const std::vector<std::uint32_t>& push = recipe_.push;
  if (!push.empty()) {
    vk.vkCmdPushConstants(commands, pipeline_->layout(), VK_SHADER_STAGE_COMPUTE_BIT, 0,
                          static_cast<std::uint32_t>(push.size() * 4), push.data());
  }
  if (recipe_.indirect) {
    return vk.vkCmdDispatchIndirect(commands, recipe_.indirect, recipe_.indirect_offset);
  }
  std::array<std::uint32_t, 3> groups = recipe_.groups, begin = recipe_.base_groups;
  const bool is_all = part.first && part.last;
  if (is_all && begin == std::array<std::uint32_t, 3>{})
    return vk.vkCmdDispatch(commands, groups[0], groups[1], groups[2]);
  if (!is_all) {
    begin[recipe_.axis] += part.begin;
    groups[recipe_.axis] = part.end - part.begin;
  }
  vk.vkCmdDispatchBase(commands, begin[0], begin[1], begin[2], groups[0], groups[1], groups[2]);
}

Result<void> Recording::write_parts(std::uint32_t begin, std::uint32_t parts) {
  const auto lock = command_pool_.lock();
  const std::uint64_t left = recipe_.groups[recipe_.axis] - std::uint64_t{begin};
  for (std::uint64_t i = 0; i < parts; ++i) {
    const auto from = static_cast<std::uint32_t>(begin + left * i / parts);
    const auto to = static_cast<std::uint32_t>(begin + left * (i + 1) / parts);
    SOKR_TRY(write_part({from, to, from == 0 && i == 0, i + 1 == parts}));
  }
  return {};
}

Result<void> Recording::write() {
  if (is_written()) return {};
  Result<void> written = write_parts(0, recipe_.parts);
  if (!written) used_ = 0;  // some of the parts are no launch
  return written;
}

Result<void> Recording::record_next(std::uint32_t begin, std::uint32_t size) {
  done_ = used_;
  const auto lock = command_pool_.lock();
  return write_part({begin, begin + size, false, false});
}

Result<void> Recording::record_rest(std::uint32_t begin, std::uint32_t parts) {
  done_ = used_;
  return write_parts(begin, parts);
}

// With the lock of the command pool held.
Result<void> Recording::write_part(const Part& part) {
  SOKR_ASSIGN(const VkCommandBuffer commands, next_buffer());
  SOKR_TRY(begin_commands(device_, commands));
  BoundState nothing;
  write_commands(commands, part, nothing);
  if (!has_copies() || !part.last) show_results(device_.vk(), commands);
  SOKR_TRY(end_commands(device_, commands));
  ++used_;
  return {};
}

bool Recording::has_copies() const {
  return pool_.copies() && !regions_.empty();
}

// All of it but what makes its results visible to the host where it copies none.
void Recording::write_commands(VkCommandBuffer commands, const Part& part,
                               BoundState& state) const {
  const VolkDeviceTable& vk = device_.vk();
  const Pipeline& pipeline = *pipeline_;
  if (recipe_.behind && part.first) wait_for_all(vk, commands);
  if (profiled_ && part.first) vk.vkCmdResetQueryPool(commands, queries_, 0, 2);
  if (part.first) copy_ranges(commands, true);
  if (has_copies() && part.first) {
    copy(commands, true);
    barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
            VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_UNIFORM_READ_BIT);
  }
  const VkDescriptorSet first_set = sets().empty() ? VK_NULL_HANDLE : sets().front();
  const bool is_bound = state.pipeline == &pipeline;
  if (!is_bound) vk.vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.handle());
  for (std::size_t i = 0; i < sets().size() && !(is_bound && state.first_set == first_set); ++i) {
    vk.vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline.layout(),
                               pipeline.sets()[i].number, 1, &sets()[i], 0, nullptr);
  }
  state = {&pipeline, first_set};
  if (profiled_ && part.first) {
    vk.vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, queries_, 0);
  }
  dispatch(commands, part);
  if (profiled_ && part.last) {
    vk.vkCmdWriteTimestamp(commands, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, queries_, 1);
  }
  if (part.last) copy_ranges(commands, false);
  if (!has_copies() || !part.last) return;
  show_results(vk, commands);
  copy(commands, false);
  barrier(vk, commands, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
          VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

void Recording::note_recipe(const RecordRequest& request) {
  recipe_.groups = request.launch->groups;
  recipe_.base_groups = request.launch->base_groups;
  recipe_.axis = request.cut.axis;
  recipe_.parts = request.cut.parts;
  // The bytes of a launch may be unaligned and fewer than the block's; Vulkan wants words.
  recipe_.push.assign(request.pipeline->push_size() / 4, 0);
  std::ranges::copy(request.push, reinterpret_cast<std::uint8_t*>(recipe_.push.data()));
  recipe_.indirect = request.indirect;
  recipe_.indirect_offset = request.indirect_offset;
  recipe_.behind = request.behind;
}

Result<void> Recording::record(const RecordRequest& request) {
  key_.clear();
  give_blocks();
  pipeline_ = request.pipeline->shared_from_this();
  used_ = done_ = 0;
  SOKR_TRY(stage(request));
  SOKR_TRY(bind(request));
  profiled_ = request.profile && device_.physical().queue.timestampValidBits != 0;
  if (profiled_) SOKR_TRY(prepare_queries());
  note_recipe(request);
  const GridCut& cut = request.cut;
  is_whole_ = cut.first == 0 && cut.parts == 1;
  if (is_whole_) return {};
  if (cut.first == 0) return write();
  const auto lock = command_pool_.lock();
  return write_part({0, cut.first, true, false});
}

Batch::~Batch() {
  if (!commands_) return;
  const auto lock = pool_.lock();
  pool_.free({&commands_, 1});
}

Result<void> Batch::write(std::span<const Recording* const> recordings) {
  const auto lock = pool_.lock();
  if (!commands_) {
    SOKR_ASSIGN(commands_, pool_.allocate());
  }
  SOKR_TRY(begin_commands(device_, commands_));
  Recording::BoundState state;
  for (const Recording* recording : recordings)
    recording->write_commands(commands_, recording->whole(), state);
  show_results(device_.vk(), commands_);
  return end_commands(device_, commands_);
}

std::optional<substrate::Timing> Recording::timing() const {
  if (!profiled_) return std::nullopt;
  std::array<std::uint64_t, 2> ticks{};
  if (device_.vk().vkGetQueryPoolResults(device_.handle(), queries_, 0, 2, sizeof ticks,
                                         ticks.data(), sizeof ticks[0],
                                         VK_QUERY_RESULT_64_BIT) != VK_SUCCESS) {
    return std::nullopt;
  }
  return device_.clock().timing(ticks[0], ticks[1]);
}

Result<std::shared_ptr<const BoundSets>> RecordingPool::make_sets(const RecordRequest& request) {
  constexpr std::uint32_t kMost = 64;  // descriptors of one launch: many are kept
  if (request.pipeline->storage_descriptors() + request.pipeline->uniform_descriptors() > kMost)
    return std::shared_ptr<const BoundSets>();
  std::vector<VkDescriptorBufferInfo> buffers;
  for (const Bound& bound : request.bound) {
    const bool is_null = bound.source == BindSource::kNull && has_null_descriptor();
    if (bound.source != BindSource::kBuffer && !is_null) return std::shared_ptr<const BoundSets>();
    buffers.push_back(is_null ? VkDescriptorBufferInfo{VK_NULL_HANDLE, 0, VK_WHOLE_SIZE}
                              : VkDescriptorBufferInfo{bound.buffer, bound.offset, bound.size});
  }
  SOKR_ASSIGN(DescriptorSets::Taken taken, take_sets(descriptor_sets_, *request.pipeline));
  update_sets(device_, request, taken.sets, buffers);
  return std::shared_ptr<const BoundSets>(
      std::make_shared<BoundSets>(descriptor_sets_, std::move(taken)));
}

}  // namespace sokr::vulkan
