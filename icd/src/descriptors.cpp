// SPDX-License-Identifier: MIT OR Apache-2.0
#include "descriptors.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>

#include "device.hpp"
#include "entry_points.hpp"
#include "facts.hpp"

namespace sokr::icd {
namespace {

constexpr VkDescriptorType kInline = VK_DESCRIPTOR_TYPE_INLINE_UNIFORM_BLOCK;

// Null, with the reason in the log, for a layout that is over the limits.
std::shared_ptr<const SetShape> shape_of(const VkDescriptorSetLayoutCreateInfo& info) {
  auto shape = std::make_shared<SetShape>();
  shape->push = (info.flags & VK_DESCRIPTOR_SET_LAYOUT_CREATE_PUSH_DESCRIPTOR_BIT_KHR) != 0;
  shape->late = (info.flags & VK_DESCRIPTOR_SET_LAYOUT_CREATE_UPDATE_AFTER_BIND_POOL_BIT) != 0;
  const auto* flags = find<VkDescriptorSetLayoutBindingFlagsCreateInfo>(info.pNext);
  std::uint64_t elements = 0, bytes = 0;
  for (std::uint32_t i = 0; i < info.bindingCount; ++i) {
    const VkDescriptorSetLayoutBinding& binding = info.pBindings[i];
    const bool is_inline = binding.descriptorType == kInline;
    elements += is_inline ? 1 : binding.descriptorCount;
    bytes += is_inline ? binding.descriptorCount : 0;
    if (flags && flags->bindingCount > i &&
        (flags->pBindingFlags[i] & VK_DESCRIPTOR_BINDING_VARIABLE_DESCRIPTOR_COUNT_BIT)) {
      shape->variable = true;
    }
    shape->places.push_back({binding.binding, binding.descriptorType, 0, binding.descriptorCount});
  }
  if (elements > kMaxDescriptors || bytes > UINT64_C(64) * kMaxInlineBytes) return nullptr;
  std::sort(shape->places.begin(), shape->places.end(),
            [](const auto& a, const auto& b) { return a.binding < b.binding; });
  for (BindingPlace& place : shape->places) {
    place.first = shape->elements;
    place.first_byte = shape->bytes;
    place.first_dynamic = shape->dynamic;
    shape->elements += place.type == kInline ? 1 : place.count;
    if (place.type == kInline) shape->bytes += place.count;
    if (is_dynamic(place.type)) shape->dynamic += place.count;
  }
  return shape;
}

// Elements and bytes that a set of this shape takes from its pool.
std::uint64_t weight(const SetShape& shape, std::uint32_t variable) {
  std::uint64_t all = std::uint64_t{shape.elements} + shape.bytes;
  if (shape.variable && !shape.places.empty()) {
    const std::uint32_t most = shape.places.back().count;
    all -= most - std::min(variable, most);
  }
  return all;
}

Descriptor descriptor_of(const VkDescriptorBufferInfo& info) {
  const Buffer* buffer = of(info.buffer);
  if (!buffer) return {};
  Descriptor d;
  d.memory = buffer->part(info.offset, info.range);
  const VkDeviceSize end = info.offset + d.memory.size;
  d.rest = end < buffer->memory.size ? buffer->memory.size - end : 0;
  return d;
}

// While there is one, nobody else reads or writes elements of the set. It is counted when it is
// over: who counted before and read behind it reads once more than needed.
class Update {
 public:
  explicit Update(SetContents& set) : set_(set), lock_(set.mutex) {}
  ~Update() { set_.updates.fetch_add(1, std::memory_order_release); }
  Update(const Update&) = delete;
  Update& operator=(const Update&) = delete;

 private:
  SetContents& set_;
  std::lock_guard<std::mutex> lock_;
};

// The elements from `binding`, `element` on, over into the bindings that follow, as long as they
// are of the same type.
template <class Take>
void for_each_element(SetContents& to, std::uint32_t binding, std::uint32_t element,
                      std::uint32_t count, Take&& take) {
  const BindingPlace* place = to.shape->find(binding);
  const BindingPlace* end = to.shape->places.data() + to.shape->places.size();
  if (!place || place->type == kInline) return;  // which has bytes in place of elements
  const VkDescriptorType type = place->type;
  for (std::uint32_t i = 0; i < count; ++i, ++element) {
    while (place != end && element >= to.count(*place)) {
      element -= to.count(*place);
      ++place;
    }
    if (place == end || place->type != type) return;
    take(i, to.elements[place->first + element]);
  }
}

struct TypeName {
  VkDescriptorType type;
  const char* name;
};
#define SOKR_ICD_TYPE(name) {VK_DESCRIPTOR_TYPE_##name, "VK_DESCRIPTOR_TYPE_" #name}
constexpr TypeName kUseless[] = {SOKR_ICD_TYPE(SAMPLER),
                                 SOKR_ICD_TYPE(COMBINED_IMAGE_SAMPLER),
                                 SOKR_ICD_TYPE(SAMPLED_IMAGE),
                                 SOKR_ICD_TYPE(STORAGE_IMAGE),
                                 SOKR_ICD_TYPE(INPUT_ATTACHMENT),
                                 SOKR_ICD_TYPE(UNIFORM_TEXEL_BUFFER),
                                 SOKR_ICD_TYPE(STORAGE_TEXEL_BUFFER)};
#undef SOKR_ICD_TYPE

// Of a type that is neither a buffer nor an inline block.
void report_useless(VkInstance of, VkDescriptorType type, std::uint32_t binding) {
  const char* name = "type that is none of Vulkan 1.3";
  for (const TypeName& row : kUseless) {
    if (row.type == type) name = row.name;
  }
  std::array<char, 256> sentence{};
  std::snprintf(sentence.data(), sentence.size(),
                "a descriptor of binding %u is written with a %s: no kernel can use images, texel "
                "buffers or samplers here, and the descriptor stays empty",
                binding, name);
  report(of, SOKR_LOG_WARNING, sentence.data());
}

void write_inline(SetContents& to, std::uint32_t binding, std::uint32_t offset, std::uint32_t size,
                  const void* from) {
  const BindingPlace* place = to.shape->find(binding);
  if (!place || place->type != kInline || !from) return;
  const std::uint32_t room = to.count(*place);
  if (size == 0 || offset >= room) return;
  std::memcpy(to.bytes.data() + place->first_byte + offset, from, std::min(size, room - offset));
}

void copy(const VkCopyDescriptorSet& info) {
  SetContents& from = *of(info.srcSet)->contents;
  SetContents& to = *of(info.dstSet)->contents;
  const BindingPlace* place = from.shape->find(info.srcBinding);
  if (place && place->type == kInline) {
    const std::uint32_t room = from.count(*place);
    if (info.srcArrayElement > room) return;
    std::vector<std::byte> taken(std::min(info.descriptorCount, room - info.srcArrayElement));
    {
      const std::lock_guard lock(from.mutex);
      const auto start = from.bytes.begin() + place->first_byte + info.srcArrayElement;
      std::copy_n(start, taken.size(), taken.begin());
    }
    const Update update(to);
    write_inline(to, info.dstBinding, info.dstArrayElement,
                 static_cast<std::uint32_t>(taken.size()), taken.data());
    return;
  }
  std::vector<Descriptor> taken;
  {
    const std::lock_guard lock(from.mutex);
    for_each_element(from, info.srcBinding, info.srcArrayElement, info.descriptorCount,
                     [&](std::uint32_t, Descriptor& d) { taken.push_back(d); });
  }
  const Update update(to);
  for_each_element(to, info.dstBinding, info.dstArrayElement,
                   static_cast<std::uint32_t>(taken.size()),
                   [&](std::uint32_t i, Descriptor& d) { d = taken[i]; });
}

void free_set(DescriptorPool& pool, DescriptorSet* set) {
  if (!set) return;
  pool.used -= weight(*set->contents->shape, set->contents->variable_count);
  const std::uint32_t index = set->index;
  pool.sets.back()->index = index;
  std::swap(pool.sets[index], pool.sets.back());
  pool.sets.pop_back();
}

}  // namespace

const BindingPlace* SetShape::find(std::uint32_t binding) const {
  const auto place =
      std::lower_bound(places.begin(), places.end(), binding,
                       [](const BindingPlace& a, std::uint32_t b) { return a.binding < b; });
  return place != places.end() && place->binding == binding ? &*place : nullptr;
}

SetContents::SetContents(std::shared_ptr<const SetShape> of, std::uint32_t variable)
    : shape(std::move(of)), bytes(shape->bytes), variable_count(variable) {
  std::uint32_t count = shape->elements;
  if (shape->variable && !shape->places.empty() && shape->places.back().type != kInline) {
    variable_count = std::min(variable, shape->places.back().count);
    count -= shape->places.back().count - variable_count;
  }
  elements.resize(count);
}

std::uint32_t SetContents::count(const BindingPlace& place) const {
  const bool last = &place == &shape->places.back();
  return last && shape->variable && place.type != kInline ? variable_count : place.count;
}

void write(VkInstance of, SetContents& to, const VkWriteDescriptorSet& write) {
  if (write.descriptorType != kInline && !is_buffer(write.descriptorType)) {
    return report_useless(of, write.descriptorType, write.dstBinding);
  }
  const Update update(to);
  if (write.descriptorType == kInline) {
    const auto* block = find<VkWriteDescriptorSetInlineUniformBlock>(write.pNext);
    if (block) {
      write_inline(to, write.dstBinding, write.dstArrayElement, block->dataSize, block->pData);
    }
    return;
  }
  for_each_element(
      to, write.dstBinding, write.dstArrayElement, write.descriptorCount,
      [&](std::uint32_t i, Descriptor& d) { d = descriptor_of(write.pBufferInfo[i]); });
}

void write(VkInstance of, SetContents& to, const UpdateTemplate& by, const void* data) {
  for (const TemplateEntry& entry : by.entries) {  // not while the set is locked
    if (entry.type != kInline && !is_buffer(entry.type)) {
      report_useless(of, entry.type, entry.binding);
    }
  }
  const auto* bytes = static_cast<const std::byte*>(data);
  const Update update(to);
  for (const TemplateEntry& entry : by.entries) {
    if (entry.type == kInline) {
      write_inline(to, entry.binding, entry.element, entry.count, bytes + entry.offset);
    } else if (is_buffer(entry.type)) {
      for_each_element(to, entry.binding, entry.element, entry.count,
                       [&](std::uint32_t i, Descriptor& d) {
                         VkDescriptorBufferInfo info;
                         std::memcpy(&info, bytes + entry.offset + i * entry.stride, sizeof info);
                         d = descriptor_of(info);
                       });
    }
  }
}

VKAPI_ATTR VkResult VKAPI_CALL
vkCreateDescriptorSetLayout(VkDevice device, const VkDescriptorSetLayoutCreateInfo* info,
                            const VkAllocationCallbacks* callbacks, VkDescriptorSetLayout* out) {
  *out = VK_NULL_HANDLE;
  return guarded([&]() -> VkResult {
    auto shape = shape_of(*info);
    if (!shape) {
      report(instance_of(device), SOKR_LOG_ERROR,
             "vkCreateDescriptorSetLayout: the layout has more descriptors than "
             "maxPerSetDescriptors");
      return VK_ERROR_OUT_OF_HOST_MEMORY;
    }
    return create<SetLayout>(callbacks, out, std::move(shape));
  });
}
VKAPI_ATTR void VKAPI_CALL vkDestroyDescriptorSetLayout(VkDevice, VkDescriptorSetLayout handle,
                                                        const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR void VKAPI_CALL vkGetDescriptorSetLayoutSupport(
    VkDevice, const VkDescriptorSetLayoutCreateInfo* info, VkDescriptorSetLayoutSupport* out) {
  std::shared_ptr<const SetShape> shape;
  (void)guarded([&] {
    shape = shape_of(*info);
    return VK_SUCCESS;
  });
  out->supported = shape ? VK_TRUE : VK_FALSE;
  using Variable = VkDescriptorSetVariableDescriptorCountLayoutSupport;
  if (auto* variable = find_out<Variable>(out->pNext)) {
    variable->maxVariableDescriptorCount = 0;
    if (shape && shape->variable) {
      const BindingPlace& last = shape->places.back();
      variable->maxVariableDescriptorCount =
          last.type == kInline ? kMaxInlineBytes : kMaxDescriptors - (shape->elements - last.count);
    }
  }
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDescriptorPool(VkDevice,
                                                      const VkDescriptorPoolCreateInfo* info,
                                                      const VkAllocationCallbacks* callbacks,
                                                      VkDescriptorPool* out) {
  const VkResult result = create<DescriptorPool>(callbacks, out);
  if (result != VK_SUCCESS) return result;
  DescriptorPool& pool = *of(*out);
  pool.max_sets = info->maxSets;
  for (std::uint32_t i = 0; i < info->poolSizeCount; ++i) {
    pool.capacity += info->pPoolSizes[i].descriptorCount;
  }
  const auto* blocks = find<VkDescriptorPoolInlineUniformBlockCreateInfo>(info->pNext);
  if (blocks) pool.capacity += blocks->maxInlineUniformBlockBindings;
  return VK_SUCCESS;
}
VKAPI_ATTR void VKAPI_CALL vkDestroyDescriptorPool(VkDevice, VkDescriptorPool handle,
                                                   const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR VkResult VKAPI_CALL vkResetDescriptorPool(VkDevice, VkDescriptorPool handle,
                                                     VkDescriptorPoolResetFlags) {
  of(handle)->sets.clear();
  of(handle)->used = 0;
  return VK_SUCCESS;
}

VKAPI_ATTR VkResult VKAPI_CALL vkAllocateDescriptorSets(VkDevice,
                                                        const VkDescriptorSetAllocateInfo* info,
                                                        VkDescriptorSet* out) {
  DescriptorPool& pool = *of(info->descriptorPool);
  const auto* counts = find<VkDescriptorSetVariableDescriptorCountAllocateInfo>(info->pNext);
  std::fill_n(out, info->descriptorSetCount, VkDescriptorSet{VK_NULL_HANDLE});
  const std::size_t before = pool.sets.size();
  const VkResult result = guarded([&]() -> VkResult {
    for (std::uint32_t i = 0; i < info->descriptorSetCount; ++i) {
      const auto& shape = of(info->pSetLayouts[i])->shape;
      const std::uint32_t variable =
          counts && counts->descriptorSetCount > i ? counts->pDescriptorCounts[i] : 0;
      const std::uint64_t needed = weight(*shape, variable);
      if (pool.sets.size() >= pool.max_sets || needed > pool.capacity - pool.used) {
        return VK_ERROR_OUT_OF_POOL_MEMORY;
      }
      auto set = std::make_unique<DescriptorSet>();
      set->contents = std::make_shared<SetContents>(shape, variable);
      set->pool = &pool;
      set->index = static_cast<std::uint32_t>(pool.sets.size());
      pool.sets.push_back(std::move(set));
      pool.used += needed;
      out[i] = reinterpret_cast<VkDescriptorSet>(pool.sets.back().get());
    }
    return VK_SUCCESS;
  });
  if (result != VK_SUCCESS) {
    while (pool.sets.size() > before) free_set(pool, pool.sets.back().get());
    std::fill_n(out, info->descriptorSetCount, VkDescriptorSet{VK_NULL_HANDLE});
  }
  return result;
}
VKAPI_ATTR VkResult VKAPI_CALL vkFreeDescriptorSets(VkDevice, VkDescriptorPool pool,
                                                    std::uint32_t count,
                                                    const VkDescriptorSet* sets) {
  for (std::uint32_t i = 0; i < count; ++i) free_set(*of(pool), of(sets[i]));
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL vkUpdateDescriptorSets(VkDevice device, std::uint32_t write_count,
                                                  const VkWriteDescriptorSet* writes,
                                                  std::uint32_t copy_count,
                                                  const VkCopyDescriptorSet* copies) {
  if (is_forked()) return;  // a thread of the parent may hold the mutex of a set
  for (std::uint32_t i = 0; i < write_count; ++i) {
    write(instance_of(device), *of(writes[i].dstSet)->contents, writes[i]);
  }
  (void)guarded([&] {
    for (std::uint32_t i = 0; i < copy_count; ++i) copy(copies[i]);
    return VK_SUCCESS;
  });
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateDescriptorUpdateTemplate(
    VkDevice, const VkDescriptorUpdateTemplateCreateInfo* info,
    const VkAllocationCallbacks* callbacks, VkDescriptorUpdateTemplate* out) {
  *out = VK_NULL_HANDLE;
  return guarded([&]() -> VkResult {
    UpdateTemplate made;
    made.is_compute =
        info->templateType != VK_DESCRIPTOR_UPDATE_TEMPLATE_TYPE_PUSH_DESCRIPTORS_KHR ||
        info->pipelineBindPoint == VK_PIPELINE_BIND_POINT_COMPUTE;
    for (std::uint32_t i = 0; i < info->descriptorUpdateEntryCount; ++i) {
      const VkDescriptorUpdateTemplateEntry& e = info->pDescriptorUpdateEntries[i];
      made.entries.push_back({e.dstBinding, e.dstArrayElement, e.descriptorCount, e.descriptorType,
                              e.offset, e.stride});
    }
    return create<UpdateTemplate>(callbacks, out, std::move(made));
  });
}
VKAPI_ATTR void VKAPI_CALL vkDestroyDescriptorUpdateTemplate(
    VkDevice, VkDescriptorUpdateTemplate handle, const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}
VKAPI_ATTR void VKAPI_CALL vkUpdateDescriptorSetWithTemplate(VkDevice device, VkDescriptorSet set,
                                                             VkDescriptorUpdateTemplate by,
                                                             const void* data) {
  if (!is_forked()) write(instance_of(device), *of(set)->contents, *of(by), data);
}

VKAPI_ATTR VkResult VKAPI_CALL vkCreateSampler(VkDevice, const VkSamplerCreateInfo*,
                                               const VkAllocationCallbacks* callbacks,
                                               VkSampler* out) {
  return create<Sampler>(callbacks, out);
}
VKAPI_ATTR void VKAPI_CALL vkDestroySampler(VkDevice, VkSampler handle,
                                            const VkAllocationCallbacks* callbacks) {
  destroy(callbacks, of(handle));
}

}  // namespace sokr::icd
