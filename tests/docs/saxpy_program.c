/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A Vulkan program as a project has it, with nothing of SOKR in it: y = a * x + y on the first
 * device that computes.
 *
 * usage: saxpy_program SAXPY.SPV */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <vulkan/vulkan.h>

enum { COUNT = 65536 };

static void check(VkResult result, const char *what) {
  if (result == VK_SUCCESS) return;
  fprintf(stderr, "%s: VkResult %d\n", what, result);
  exit(1);
}

static uint32_t *read_words(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  uint32_t *words = calloc(1, 1 << 20);
  if (!file || !words) {
    fprintf(stderr, "%s cannot be read\n", path);
    exit(1);
  }
  *size = fread(words, 1, 1 << 20, file);
  fclose(file);
  return words;
}

static VkPhysicalDevice physical;
static VkDevice device;

static void open_device(void) {
  const VkApplicationInfo application = {.sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
                                         .apiVersion = VK_API_VERSION_1_2};
  const VkInstanceCreateInfo info = {.sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
                                     .pApplicationInfo = &application};
  const float priority = 1;
  const VkDeviceQueueCreateInfo queue = {.sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
                                         .queueCount = 1,
                                         .pQueuePriorities = &priority};
  const VkDeviceCreateInfo made = {.sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
                                   .queueCreateInfoCount = 1,
                                   .pQueueCreateInfos = &queue};
  VkPhysicalDeviceProperties properties;
  VkInstance instance;
  uint32_t count = 1;
  check(vkCreateInstance(&info, NULL, &instance), "vkCreateInstance");
  vkEnumeratePhysicalDevices(instance, &count, &physical);
  if (count == 0) {
    fprintf(stderr, "there is no Vulkan device\n");
    exit(1);
  }
  vkGetPhysicalDeviceProperties(physical, &properties);
  printf("on %s\n", properties.deviceName);
  check(vkCreateDevice(physical, &made, NULL, &device), "vkCreateDevice");
}

static VkBuffer new_buffer(float **data) {
  const VkBufferCreateInfo info = {.sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
                                   .size = COUNT * sizeof(float),
                                   .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT};
  VkMemoryAllocateInfo allocation = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
  const VkMemoryPropertyFlags wanted =
      VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
  VkPhysicalDeviceMemoryProperties types;
  VkMemoryRequirements needs;
  VkDeviceMemory memory;
  VkBuffer buffer;
  uint32_t i;
  check(vkCreateBuffer(device, &info, NULL, &buffer), "vkCreateBuffer");
  vkGetBufferMemoryRequirements(device, buffer, &needs);
  vkGetPhysicalDeviceMemoryProperties(physical, &types);
  for (i = 0; i < types.memoryTypeCount; ++i) {
    if (needs.memoryTypeBits >> i & 1 && (types.memoryTypes[i].propertyFlags & wanted) == wanted)
      allocation.memoryTypeIndex = i;
  }
  allocation.allocationSize = needs.size;
  check(vkAllocateMemory(device, &allocation, NULL, &memory), "vkAllocateMemory");
  check(vkBindBufferMemory(device, buffer, memory, 0), "vkBindBufferMemory");
  check(vkMapMemory(device, memory, 0, VK_WHOLE_SIZE, 0, (void **)data), "vkMapMemory");
  return buffer;
}

struct kernel {
  VkPipelineLayout layout;
  VkPipeline pipeline;
  VkDescriptorSet set;
};

static struct kernel new_kernel(const char *path, const VkBuffer buffers[2]) {
  const VkDescriptorSetLayoutBinding bindings[2] = {
      {0, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL},
      {1, VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 1, VK_SHADER_STAGE_COMPUTE_BIT, NULL}};
  const VkDescriptorSetLayoutCreateInfo sets = {
      .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
      .bindingCount = 2,
      .pBindings = bindings};
  const VkPushConstantRange range = {VK_SHADER_STAGE_COMPUTE_BIT, 0, 8};
  VkPipelineLayoutCreateInfo layouts = {.sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
                                        .setLayoutCount = 1,
                                        .pushConstantRangeCount = 1,
                                        .pPushConstantRanges = &range};
  VkShaderModuleCreateInfo code = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
  VkComputePipelineCreateInfo info = {.sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO};
  const VkDescriptorPoolSize size = {VK_DESCRIPTOR_TYPE_STORAGE_BUFFER, 2};
  const VkDescriptorPoolCreateInfo pools = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
                                            .maxSets = 1,
                                            .poolSizeCount = 1,
                                            .pPoolSizes = &size};
  VkDescriptorSetAllocateInfo asked = {.sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
                                       .descriptorSetCount = 1};
  VkDescriptorSetLayout set_layout;
  VkDescriptorPool pool;
  VkShaderModule module;
  struct kernel made;
  uint32_t *words = read_words(path, &code.codeSize);
  uint32_t i;
  code.pCode = words;
  check(vkCreateShaderModule(device, &code, NULL, &module), "vkCreateShaderModule");
  check(vkCreateDescriptorSetLayout(device, &sets, NULL, &set_layout), "a set's layout");
  layouts.pSetLayouts = &set_layout;
  check(vkCreatePipelineLayout(device, &layouts, NULL, &made.layout), "vkCreatePipelineLayout");
  info.stage.sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO;
  info.stage.stage = VK_SHADER_STAGE_COMPUTE_BIT;
  info.stage.module = module;
  info.stage.pName = "main";
  info.layout = made.layout;
  check(vkCreateComputePipelines(device, VK_NULL_HANDLE, 1, &info, NULL, &made.pipeline),
        "vkCreateComputePipelines");
  check(vkCreateDescriptorPool(device, &pools, NULL, &pool), "vkCreateDescriptorPool");
  asked.descriptorPool = pool;
  asked.pSetLayouts = &set_layout;
  check(vkAllocateDescriptorSets(device, &asked, &made.set), "vkAllocateDescriptorSets");
  for (i = 0; i < 2; ++i) {
    const VkDescriptorBufferInfo whole = {buffers[i], 0, VK_WHOLE_SIZE};
    const VkWriteDescriptorSet write = {.sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
                                        .dstSet = made.set,
                                        .dstBinding = i,
                                        .descriptorCount = 1,
                                        .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
                                        .pBufferInfo = &whole};
    vkUpdateDescriptorSets(device, 1, &write, 0, NULL);
  }
  free(words);
  return made;
}

static void run(const struct kernel *kernel, float a) {
  const struct {
    uint32_t n;
    float a;
  } push = {COUNT, a};
  const VkCommandPoolCreateInfo pools = {.sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  VkCommandBufferAllocateInfo asked = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
                                       .commandBufferCount = 1};
  const VkCommandBufferBeginInfo begin = {.sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  VkSubmitInfo submit = {.sType = VK_STRUCTURE_TYPE_SUBMIT_INFO, .commandBufferCount = 1};
  VkCommandBuffer commands;
  VkCommandPool pool;
  VkQueue queue;
  vkGetDeviceQueue(device, 0, 0, &queue);
  check(vkCreateCommandPool(device, &pools, NULL, &pool), "vkCreateCommandPool");
  asked.commandPool = pool;
  check(vkAllocateCommandBuffers(device, &asked, &commands), "vkAllocateCommandBuffers");
  check(vkBeginCommandBuffer(commands, &begin), "vkBeginCommandBuffer");
  vkCmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->pipeline);
  vkCmdBindDescriptorSets(commands, VK_PIPELINE_BIND_POINT_COMPUTE, kernel->layout, 0, 1,
                          &kernel->set, 0, NULL);
  vkCmdPushConstants(commands, kernel->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof push, &push);
  vkCmdDispatch(commands, COUNT / 256, 1, 1);
  check(vkEndCommandBuffer(commands), "vkEndCommandBuffer");
  submit.pCommandBuffers = &commands;
  check(vkQueueSubmit(queue, 1, &submit, VK_NULL_HANDLE), "vkQueueSubmit");
  check(vkQueueWaitIdle(queue), "vkQueueWaitIdle");
}

int main(int count, char **words) {
  float *x, *y;
  VkBuffer buffers[2];
  struct kernel kernel;
  int i;
  if (count != 2) return 2;
  open_device();
  buffers[0] = new_buffer(&x);
  buffers[1] = new_buffer(&y);
  for (i = 0; i < COUNT; ++i) {
    x[i] = (float)i;
    y[i] = 1;
  }
  kernel = new_kernel(words[1], buffers);
  run(&kernel, 2);
  for (i = 0; i < COUNT; ++i) {
    if (y[i] == 2 * (float)i + 1) continue;
    fprintf(stderr, "y[%d] is %g\n", i, y[i]);
    return 1;
  }
  printf("%d values are right\n", COUNT);
  return 0;
}
