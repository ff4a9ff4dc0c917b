// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Descriptor set layouts, pools and sets. What a set holds is read when a command is executed.
#ifndef SOKR_ICD_DESCRIPTORS_HPP_
#define SOKR_ICD_DESCRIPTORS_HPP_

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "memory.hpp"
#include "object.hpp"

namespace sokr::icd {

// Where the elements of one binding lie in a set.
struct BindingPlace {
  std::uint32_t binding = 0;
  VkDescriptorType type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
  std::uint32_t first = 0;          // element; of an inline block its only one
  std::uint32_t count = 0;          // elements; of an inline block its bytes
  std::uint32_t first_byte = 0;     // of an inline block, in the bytes of the set
  std::uint32_t first_dynamic = 0;  // of dynamic buffers, in the offsets of the set

  bool operator==(const BindingPlace&) const = default;
};

struct SetShape {
  std::vector<BindingPlace> places;  // sorted by binding
  std::uint32_t elements = 0, bytes = 0, dynamic = 0;
  bool variable = false;  // the last binding has as many elements as the set says
  bool push = false;      // for push descriptors
  bool late = false;      // may be updated until what it is bound in is submitted
  const BindingPlace* find(std::uint32_t binding) const;
  bool operator==(const SetShape&) const = default;  // layouts that are defined alike
};

struct SetLayout {
  std::shared_ptr<const SetShape> shape;
};
SOKR_ICD_OBJECT(VkDescriptorSetLayout, SetLayout)

inline bool is_dynamic(VkDescriptorType type) {
  return type == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER_DYNAMIC ||
         type == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER_DYNAMIC;
}
inline bool is_buffer(VkDescriptorType type) {
  return type == VK_DESCRIPTOR_TYPE_STORAGE_BUFFER || type == VK_DESCRIPTOR_TYPE_UNIFORM_BUFFER ||
         is_dynamic(type);
}

// One element: a piece of a buffer, or nothing. Of a dynamic buffer `rest` is what lies behind the
// piece in the buffer, into which an offset may move it.
struct Descriptor {
  Slice memory;
  VkDeviceSize rest = 0;
};

// What a set holds. Outlives its handle while a recorded command refers to it. Elements that nobody
// uses may be updated while others of the set are executed with.
struct SetContents {
  std::shared_ptr<const SetShape> shape;
  std::mutex mutex;  // of what is in the elements
  std::vector<Descriptor> elements;
  std::vector<std::byte> bytes;           // of inline blocks
  std::uint32_t variable_count = 0;       // elements of the last binding, if that is variable
  std::atomic<std::uint64_t> updates{0};  // that are over: what was read before may be old

  SetContents(std::shared_ptr<const SetShape> of, std::uint32_t variable);
  // Elements of a binding that this set has.
  std::uint32_t count(const BindingPlace& place) const;
};

struct DescriptorPool;
struct DescriptorSet {
  std::shared_ptr<SetContents> contents;
  DescriptorPool* pool = nullptr;
  std::uint32_t index = 0;  // in the pool's list

  DescriptorSet() = default;
  DescriptorSet(const DescriptorSet&) = delete;
  DescriptorSet& operator=(const DescriptorSet&) = delete;
  ~DescriptorSet() { forget_private_data_of(this); }
};
SOKR_ICD_OBJECT(VkDescriptorSet, DescriptorSet)

struct DescriptorPool {
  std::uint32_t max_sets = 0;
  std::uint64_t capacity = 0, used = 0;  // elements of all types, bytes of inline blocks
  std::vector<std::unique_ptr<DescriptorSet>> sets;
};
SOKR_ICD_OBJECT(VkDescriptorPool, DescriptorPool)

struct TemplateEntry {
  std::uint32_t binding, element, count;
  VkDescriptorType type;
  std::size_t offset, stride;
};
struct UpdateTemplate {
  std::vector<TemplateEntry> entries;
  bool is_compute = true;  // or push descriptors of another bind point
};
SOKR_ICD_OBJECT(VkDescriptorUpdateTemplate, UpdateTemplate)

struct Sampler {};
SOKR_ICD_OBJECT(VkSampler, Sampler)

// Writes that name a binding that is not there, or too many elements, are cut off. Those of images,
// texel buffers and samplers, which no kernel can use, leave the descriptor empty: the instance is
// told so.
void write(VkInstance of, SetContents& to, const VkWriteDescriptorSet& write);
void write(VkInstance of, SetContents& to, const UpdateTemplate& by, const void* data);

}  // namespace sokr::icd

#endif  // SOKR_ICD_DESCRIPTORS_HPP_
