// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The IR plugins of this project, from their files, against the conformance suite.
#include <dlfcn.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sokr/ir/conformance.hpp>

namespace sokr::ir {
namespace {

const SokrIrPlugin* open_plugin(const std::string& path) {
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  EXPECT_NE(library, nullptr) << dlerror();
  if (library == nullptr) return nullptr;
  const auto entry = reinterpret_cast<SokrIrPluginMainFn>(dlsym(library, SOKR_IR_PLUGIN_MAIN));
  EXPECT_NE(entry, nullptr) << path;
  return entry == nullptr ? nullptr : entry();
}

Sample sample(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  Sample read;
  read.name = path.substr(path.rfind('/') + 1);
  read.bytes.assign(std::istreambuf_iterator<char>(file), {});
  return read;
}

void expect_conformant(const Subject& subject) {
  ASSERT_NE(subject.plugin, nullptr);
  for (const Finding& finding : check_conformance(subject)) {
    ADD_FAILURE() << finding.rule << ": " << finding.sample << ": " << finding.what;
  }
}

TEST(IrConformance, Spirv) {
  Subject subject;
  subject.plugin = open_plugin(SOKR_TEST_SPIRV_PLUGIN);
  for (const char* name : {"interface", "saxpy", "spec_constants"}) {
    subject.samples.push_back(sample(std::string(SOKR_TEST_SPV_DIR "/") + name + ".spv"));
  }
  subject.samples[0].specializations = {{20, 4, 128}};
  expect_conformant(subject);
}

TEST(IrConformance, Null) {
  Subject subject;
  subject.plugin = open_plugin(SOKR_TEST_NULL_PLUGIN);
  const std::string_view texts[] = {
      "ports 1\nsaxpy # comment\nin n u32\nin a f64\n\nin x f32[]\ninout y f32[,4]\nend\n",
      "ports 1\n\n\nnothing\nend\n",
      "ports 1\nmany\nout o u8[3,5,7]\nin h f16\nin i i64\nend\n",
  };
  for (const std::string_view text : texts) {
    subject.samples.push_back({std::to_string(subject.samples.size()), {text.begin(), text.end()}});
  }
  expect_conformant(subject);
}

#ifdef SOKR_TEST_WGSL_PLUGIN
TEST(IrConformance, Wgsl) {
  Subject subject;
  subject.plugin = open_plugin(SOKR_TEST_WGSL_PLUGIN);
  subject.readers = {open_plugin(SOKR_TEST_SPIRV_PLUGIN)};
  const std::string kernels = "tests/ir/wgsl/kernels/";
  for (const std::string& name : {std::string("shaders/saxpy"), kernels + "shapes",
                                  kernels + "control", kernels + "sums", kernels + "overrides"}) {
    Sample read = sample(SOKR_SOURCE_DIR "/" + name + ".wgsl");
    const auto last = std::find(read.bytes.rbegin(), read.bytes.rend(), '}');
    read.whole_from = static_cast<std::size_t>(read.bytes.rend() - last);
    subject.samples.push_back(std::move(read));
  }
  // With several entry points, a text is whole where the first of them ends.
  for (const std::size_t i : {2u, 4u}) {
    const std::string text(subject.samples[i].bytes.begin(), subject.samples[i].bytes.end());
    subject.samples[i].whole_from = text.find("\n}\n", text.find("@compute")) + 2;
  }
  subject.samples[3].specializations = {{7, 4, 16}, {0, 4, 5}, {1, 4, 1}};
  subject.samples[4].specializations = {{0, 4, 6}, {1, 4, 1}, {3, 4, 0}};
  expect_conformant(subject);
}
#endif

}  // namespace
}  // namespace sokr::ir
