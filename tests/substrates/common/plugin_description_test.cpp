// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include <sokr/substrate/plugin_description.hpp>
#include <stdexcept>

namespace sokr::substrate {
namespace {

struct Log {
  std::vector<std::pair<std::uint32_t, std::string>> lines;
  static void take(void* context, std::uint32_t level, const char* line) {
    static_cast<Log*>(context)->lines.emplace_back(level, line);
  }
};

SokrHostInfo host_info(Log* log, std::uint32_t level, const std::vector<SokrFact>& options) {
  return {sizeof(SokrHostInfo),
          SOKR_COMPUTE_VERSION,
          log ? &Log::take : nullptr,
          log,
          level,
          static_cast<std::uint32_t>(options.size()),
          options.data(),
          sizeof(SokrFact)};
}

TEST(Host, FormatsOnlyWhatIsWanted) {
  Log log;
  const SokrHostInfo info = host_info(&log, SOKR_LOG_INFO, {});
  const Host host(&info);
  host.log_debug("not wanted {}", 1);
  host.log_info("found {} devices", 2);
  host.log_error("bad");
  ASSERT_EQ(log.lines.size(), 2u);
  EXPECT_EQ(log.lines[0],
            (std::pair<std::uint32_t, std::string>{SOKR_LOG_INFO, "found 2 devices"}));
  EXPECT_EQ(log.lines[1].first, static_cast<std::uint32_t>(SOKR_LOG_ERROR));
  const SokrHostInfo silent = host_info(nullptr, SOKR_LOG_DEBUG, {});
  Host(&silent).log_error("nobody listens");
  Host().log_error("nobody is there");
}

TEST(Host, ReadsOptions) {
  const std::vector<SokrFact> options{
      {"cpu.threads", "4"}, {"cpu.jit", "off"}, {"bad", "4x"}, {nullptr, nullptr}};
  SokrHostInfo info = host_info(nullptr, 0, options);
  const Host host(&info);
  EXPECT_EQ(host.option("cpu.threads"), "4");
  EXPECT_FALSE(host.option("cpu"));
  EXPECT_EQ(*host.number_option("cpu.threads", 1, 1, 64), 4u);
  EXPECT_EQ(*host.number_option("absent", 7, 1, 64), 7u);
  EXPECT_EQ(host.number_option("bad", 1, 1, 64).failure().sentence,
            "option bad is \"4x\"; it must be a whole number from 1 to 64");
  EXPECT_FALSE(host.number_option("cpu.threads", 1, 5, 64));
  EXPECT_FALSE(*host.flag_option("cpu.jit", true));
  EXPECT_TRUE(*host.flag_option("absent", true));
  EXPECT_FALSE(host.flag_option("bad", true));
  EXPECT_FALSE(Host().option("x"));
  info.struct_size = offsetof(SokrHostInfo, option_count);  // an older host
  EXPECT_FALSE(host.option("cpu.threads"));
}

// As hosts of other versions write them.
TEST(Host, ReadsOptionsOfEverySize) {
  struct Longer {
    SokrFact known;
    std::uint64_t more[3];
  };
  const std::vector<Longer> options{{{"a", "1"}, {1, 2, 3}}, {{"b", "2"}, {4, 5, 6}}};
  SokrHostInfo info = host_info(nullptr, 0, {});
  info.options = &options[0].known;
  info.option_count = 2;
  info.option_size = sizeof(Longer);
  EXPECT_EQ(Host(&info).option("b"), "2");
  const std::vector<SokrFact> first{{"a", "1"}, {"b", "2"}};
  info = host_info(nullptr, 0, first);
  info.option_size = 1;  // it does not reach so far
  info.struct_size = offsetof(SokrHostInfo, option_size);
  EXPECT_EQ(Host(&info).option("b"), "2");
}

TEST(PluginMain, RefusesOptionsWithoutTheirSize) {
  const std::vector<SokrFact> options{{"a", "1"}};
  SokrHostInfo info = host_info(nullptr, 0, options);
  for (const std::uint32_t size : {0u, 8u}) {
    info.option_size = size;
    const SokrPlugin* plugin =
        plugin_main(&info, "test", "1", [](const Host&, PluginDescription&) -> Result<void> {
          ADD_FAILURE() << "the options cannot be read";
          return {};
        });
    ASSERT_NE(plugin, nullptr);
    ASSERT_EQ(plugin->unavailable_count, 1u);
    EXPECT_EQ(plugin->unavailable[0].reason,
              fmt::format("its SokrFact of an option is said to be {} bytes long; it is at least "
                          "16",
                          size));
  }
}

TEST(PluginMain, DescribesWithStableAddresses) {
  static const SokrSubstratePlugin vtable{};
  const SokrPlugin* plugin =
      plugin_main(nullptr, "test", "1.2", [](const Host&, PluginDescription& p) -> Result<void> {
        for (int i = 0; i < 40; ++i) {
          SubstrateDescription s;
          s.name = "test:" + std::to_string(i);
          s.description = "a device";
          s.kind = SOKR_KIND_CPU;
          s.ir_formats = {SOKR_IR_SPIRV};
          s.facts = {{"cores", std::to_string(i)}};
          s.limits = SokrComputeLimits{};
          Exported exported;
          exported.plugin = &vtable;
          p.add(std::move(s), exported);
        }
        p.add_unavailable("test:40", "it is missing");
        return {};
      });
  ASSERT_NE(plugin, nullptr);
  EXPECT_EQ(plugin->struct_size, sizeof(SokrPlugin));
  EXPECT_EQ(plugin->compute_version, SOKR_COMPUTE_VERSION);
  EXPECT_STREQ(plugin->name, "test");
  EXPECT_STREQ(plugin->version, "1.2");
  ASSERT_EQ(plugin->substrate_count, 40u);
  for (int i = 0; i < 40; ++i) {
    const SokrSubstrateInfo& info = *plugin->substrates[i];
    EXPECT_EQ(info.struct_size, sizeof(SokrSubstrateInfo));
    EXPECT_EQ(info.name, "test:" + std::to_string(i));
    EXPECT_STREQ(info.facts[0].key, "cores");
    EXPECT_EQ(info.facts[0].value, std::to_string(i));
    EXPECT_EQ(info.plugin, &vtable);
    EXPECT_EQ(info.ir_formats[0], SOKR_IR_SPIRV);
    EXPECT_EQ(info.limits->struct_size, sizeof(SokrComputeLimits));
    EXPECT_EQ(info.memory, nullptr);
  }
  ASSERT_EQ(plugin->unavailable_count, 1u);
  EXPECT_STREQ(plugin->unavailable[0].reason, "it is missing");
  EXPECT_EQ(plugin->unavailable_size, sizeof(SokrUnavailable));
  EXPECT_EQ(plugin->substrates[0]->fact_size, sizeof(SokrFact));
}

TEST(PluginMain, FailuresBecomeReasons) {
  const SokrPlugin* failed =
      plugin_main(nullptr, "test", "1", [](const Host&, PluginDescription&) -> Result<void> {
        return fail(SOKR_DISPATCH_FAILED, "no driver");
      });
  ASSERT_NE(failed, nullptr);
  EXPECT_EQ(failed->substrate_count, 0u);
  ASSERT_EQ(failed->unavailable_count, 1u);
  EXPECT_STREQ(failed->unavailable[0].name, "test");
  EXPECT_STREQ(failed->unavailable[0].reason, "no driver");
  const SokrPlugin* thrown = plugin_main(
      nullptr, "test", "1",
      [](const Host&, PluginDescription&) -> Result<void> { throw std::runtime_error("boom"); });
  ASSERT_NE(thrown, nullptr);
  EXPECT_STREQ(thrown->unavailable[0].reason, "boom");
}

TEST(PluginMain, RefusesAHostOfAnotherMajorVersion) {
  SokrHostInfo info = host_info(nullptr, 0, {});
  bool called = false;
  const auto find = [&](const Host&, PluginDescription&) -> Result<void> {
    called = true;
    return {};
  };
  info.compute_version = SOKR_COMPUTE_VERSION + 0x10000;
  EXPECT_EQ(plugin_main(&info, "t", "1", find), nullptr);
  EXPECT_FALSE(called);
  info.compute_version = SOKR_COMPUTE_VERSION + 1;
  EXPECT_NE(plugin_main(&info, "t", "1", find), nullptr);
}

}  // namespace
}  // namespace sokr::substrate
