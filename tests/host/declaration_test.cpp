// SPDX-License-Identifier: MIT OR Apache-2.0
// Plugin files that declare what they may offer: they are opened when that is wanted, and
// no answer is another one for it.
#include <elf.h>
#include <sokr/host.h>

#include <cstdio>
#include <cstring>
#include <thread>

#include "mocks.hpp"

namespace sokr::tests {
namespace {

// What the mocks record while this exists.
class Recorded {
 public:
  Recorded() { ::setenv("SOKR_MOCK_LOG", path().c_str(), 1); }
  ~Recorded() { ::unsetenv("SOKR_MOCK_LOG"); }
  std::string text() const { return contents(path()); }

 private:
  std::filesystem::path path() const { return folder_.path() / "log"; }
  TemporaryFolder folder_;
};

template <class Call>
std::string trace_of(Call call) {
  ::setenv("SOKR_LOG", "debug", 1);
  testing::internal::CaptureStderr();
  call();
  ::unsetenv("SOKR_LOG");
  return testing::internal::GetCapturedStderr();
}

TEST(Declaration, ANameOpensOnlyWhatMayOfferIt) {
  const Recorded recorded;
  {
    const Context context(mocks({"declared_mix", "declared_cpu", "declared_oracle"}));
    EXPECT_EQ(recorded.text(), "");
    EXPECT_EQ(context.substrate("oracle").name(), "oracle");
    EXPECT_EQ(context.substrate("oracle").name(), "oracle");
    EXPECT_EQ(recorded.text(), "oracle main\n");
    EXPECT_TRUE(offers(context, "own:0"));
    EXPECT_TRUE(offers(context, "mix:0"));
    EXPECT_EQ(recorded.text(), "oracle main\nmix:0 main\nown:0 main\n");
  }
  EXPECT_EQ(recorded.text(),
            "oracle main\nmix:0 main\nown:0 main\nown:0 destroy\nmix:0 destroy\noracle destroy\n");
}

TEST(Declaration, TheOrderIsTheSameWhateverWasOpenedFirst) {
  const auto names_after = [](const char* first) {
    const Context context(
        mocks({"software", "declared_oracle", "declared_mix", "add", "declared_cpu", "add_two"}));
    EXPECT_EQ(context.substrate(first).name(), first);
    std::vector<std::string> names;
    for (const Substrate& substrate : context.substrates()) names.emplace_back(substrate.name());
    return names;
  };
  const std::vector<std::string> names = names_after("mock:add");
  EXPECT_GE(names.size(), 6u);
  for (const char* first : {"oracle", "mix:0", "own:0", "mock:software"}) {
    EXPECT_EQ(names_after(first), names) << first;
  }
}

TEST(Declaration, AnUnknownNameListsAll) {
  const Context context(mocks({"declared_cpu", "declared_mix"}));
  try {
    (void)context.substrate("own:1");
    FAIL();
  } catch (const Error& error) {
    const std::string sentence = error.what();
    EXPECT_NE(sentence.find("there is no substrate 'own:1'; there is "), std::string::npos);
    EXPECT_NE(sentence.find("own:0"), std::string::npos) << sentence;
    EXPECT_NE(sentence.find("mix:0"), std::string::npos) << sentence;
  }
}

TEST(Declaration, ChoosingOpensNoWorseKinds) {
  const Recorded recorded;
  const Context context(mocks({"declared_oracle", "declared_cpu", "declared_mix", "ir"}));
  const Substrate best = context.choose(mock_kernel(context));
  EXPECT_EQ(best.name(), "own:0");
  // "mix" may offer a discrete GPU.
  EXPECT_EQ(recorded.text(), "mix:0 main\nown:0 main\n");
  const std::vector<Substrate> failed{best};
  EXPECT_EQ(context.choose(mock_kernel(context), failed).name(), "oracle");
  EXPECT_EQ(recorded.text(), "mix:0 main\nown:0 main\noracle main\n");
}

TEST(Declaration, WhenNobodyCanEveryReasonIsThere) {
  const Context context(mocks({"ir_declared", "declared_deny", "add", "declared_mix"}));
  const Kernel empty = context.kernel(bytes_of("MOCK"));
  try {
    (void)context.choose(empty);
    FAIL();
  } catch (const Error& error) {
    const std::string sentence = error.what();
    EXPECT_EQ(error.code(), SOKR_NO_CAPABLE_SUBSTRATE);
    for (const char* name : {"no:0: ", "mock:add: ", "mix:0: "}) {
      EXPECT_NE(sentence.find(name), std::string::npos) << sentence;
    }
  }
}

TEST(Declaration, WhatIsNotDeclaredIsPassedOver) {
  const Context context(mocks({"other_family", "other_kind"}));
  EXPECT_FALSE(offers(context, "own:0"));
  std::string reasons;
  for (const Unavailable& missing : context.unavailable()) reasons += missing.reason + "\n";
  EXPECT_NE(reasons.find("its substrate 'own:0' is not what its file declares: substrates mix"),
            std::string::npos)
      << reasons;
  EXPECT_NE(reasons.find("its substrate 'own:0' is of kind 1, which its file does not declare"),
            std::string::npos)
      << reasons;
}

// The declared one comes first in the order of files, and is opened later.
TEST(Declaration, ANameIsTheFirstFiles) {
  const Context context(mocks({"declared_add", "same_name", "ir"}));
  std::array<std::uint8_t, 4> data{};
  Launch launch;
  launch.groups(1).bind(0, 0, write(data));
  context.substrate("mock:add").dispatch(mock_kernel(context), launch).wait();
  EXPECT_EQ(data[0], 3);
}

TEST(Declaration, AnIrPluginIsOpenedForAKernel) {
  const std::string trace = trace_of([] {
    const Context context(mocks({"ir_declared", "declared_cpu"}));
    EXPECT_EQ(context.substrate("own:0").name(), "own:0");
    std::fputs("now the kernel\n", stderr);
    EXPECT_EQ(mock_kernel(context).ir_format(), 0x4D4F434Bu);
  });
  const auto kernel = trace.find("now the kernel");
  const auto opened = trace.find("ir_declared.so: trying");
  EXPECT_NE(opened, std::string::npos) << trace;
  EXPECT_LT(kernel, opened) << trace;
}

TEST(Declaration, TracesWhatStaysClosedAndWhy) {
  const std::string trace = trace_of([] {
    const Context context(
        mocks({"declared_cpu", "declared_mix", "declared_oracle", "ir_declared"}));
    EXPECT_EQ(context.substrate("own:0").name(), "own:0");
    (void)context.choose(mock_kernel(context));
  });
  for (const char* line :
       {"declared_mix.so: declares substrates mix, other",
        "ir_declared.so: declares an IR plugin for format 0x4d4f434b",
        "declared_mix.so: not opened: 'own:0' was asked for, and it declares substrates mix, other",
        "declared_cpu.so: trying", "declared_oracle.so: not opened: 'own:0' was asked for",
        "declared_mix.so: trying", "was chosen before, and it declares substrates oracle"}) {
    EXPECT_NE(trace.find(line), std::string::npos) << line << "\n" << trace;
  }
  EXPECT_EQ(trace.find("declared_oracle.so: trying"), std::string::npos) << trace;
}

TEST(Declaration, AProgramInCHasAllOfThemInTheCore) {
  const Recorded recorded;
  SokrHost* const host = sokr_host_open(
      (mock("declared_cpu").string() + ":" + mock("declared_oracle").string()).c_str());
  EXPECT_EQ(recorded.text(), "own:0 main\noracle main\n");
  std::array<std::uint32_t, 64> ids{};
  std::size_t count = 0;
  EXPECT_EQ(sokr_list_substrates(ids.data(), ids.size(), &count), SOKR_OK);
  EXPECT_EQ(count, sokr_host_count(host));
  sokr_host_close(host);
}

TEST(Declaration, ManyThreadsOpenOnDemand) {
  for (int round = 0; round < 20; ++round) {
    const Context context(
        mocks({"declared_cpu", "declared_mix", "declared_oracle", "ir_declared"}));
    std::vector<std::thread> threads;
    for (const char* name : {"own:0", "mix:0", "oracle", "own:0"}) {
      threads.emplace_back([&context, name] {
        std::array<std::uint8_t, 8> data{};
        Launch launch;
        launch.groups(1).bind(0, 0, write(data));
        context.substrate(name).dispatch(mock_kernel(context), launch).wait();
        EXPECT_EQ(data[7], 1);
        EXPECT_TRUE(offers(context, name));
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
}

// ---- Notes of other shapes ------------------------------------------------------------

// A copy of the declared mock whose note was changed: three words, the owner, the kinds.
class ChangedNote {
 public:
  explicit ChangedNote(std::size_t word, std::uint32_t value) {
    std::string library = contents(mock("declared_cpu"));
    const std::string pattern("\x05\0\0\0\x40\0\0\0\x01\0\0\0SOKR\0", 17);
    const std::size_t at = library.find(pattern);
    if (at == std::string::npos) ADD_FAILURE() << "the mock has no note";
    std::memcpy(library.data() + at + 4 * word, &value, sizeof value);
    store(folder_.path() / "changed.so", library);
  }
  ContextOptions options() const {
    ContextOptions options;
    options.plugin_paths = {folder_.path()};
    return options;
  }

 private:
  TemporaryFolder folder_;
};

TEST(Declaration, ANoteWithoutRoomIsDamage) {
  const ChangedNote changed(1, 4);
  const Context context(changed.options());
  EXPECT_EQ(why_unavailable(context, "changed.so"),
            "its declaration of substrates has 4 bytes; kinds and names are longer");
}

TEST(Declaration, NotesThatAreNotOursDeclareNothing) {
  // Another type, another owner's size, a descriptor and an owner beyond the end.
  const std::pair<std::size_t, std::uint32_t> changes[] = {
      {2, 77}, {0, 4}, {1, 0x7FFFFFFF}, {1, 0xFFFFFFFF}, {0, 0xFFFFFFFD}};
  for (const auto& [word, value] : changes) {
    const ChangedNote changed(word, value);
    const Recorded recorded;
    const Context context(changed.options());
    EXPECT_EQ(recorded.text(), "own:0 main\n") << word << " " << value;
    EXPECT_EQ(context.substrate("own:0").name(), "own:0");
  }
}

// A library of this machine with nothing but segments of notes, all of them the same bytes.
std::string many_note_segments(std::size_t segments, std::string families) {
  Elf64_Ehdr header{};
  std::memcpy(&header, contents(mock("declared_cpu")).data(), sizeof header);
  header.e_phoff = sizeof header;
  header.e_phnum = static_cast<std::uint16_t>(segments);
  families.resize((families.size() + 4) / 4 * 4);  // with a byte of zero, and padding
  const std::uint32_t note[] = {5, static_cast<std::uint32_t>(4 + families.size()),
                                SOKR_NOTE_SUBSTRATES};
  std::string notes(reinterpret_cast<const char*>(note), sizeof note);
  notes.append("SOKR\0\0\0\0\x10\0\0\0", 12).append(families);
  Elf64_Phdr segment{};
  segment.p_type = PT_NOTE;
  segment.p_align = 4;
  segment.p_offset = sizeof header + segments * sizeof segment;
  segment.p_filesz = notes.size();
  std::string library(reinterpret_cast<const char*>(&header), sizeof header);
  for (std::size_t i = 0; i < segments; ++i) {
    library.append(reinterpret_cast<const char*>(&segment), sizeof segment);
  }
  return library + notes;
}

// A file of some kilobytes whose segments overlap would else declare gigabytes.
TEST(Declaration, NotesOfAllSegmentsTogetherAreBounded) {
  const TemporaryFolder folder;
  const auto declared = [&](std::size_t segments, const std::string& families) {
    store(folder.path() / "many.so", many_note_segments(segments, families));
    return trace_of([&] {
      ContextOptions options;
      options.plugin_paths = {folder.path()};
      const Context context(options);
    });
  };
  EXPECT_NE(declared(2, "own").find("declares substrates own, own\n"), std::string::npos);
  std::string families;
  for (int i = 0; i < 30000; ++i) families += "f,";
  EXPECT_LT(declared(400, families).size(), std::size_t{1} << 20);
}

TEST(Declaration, KindsOfALaterHeaderCountAsOther) {
  const ChangedNote changed(5, UINT32_C(1) << 30);
  const Context context(changed.options());
  EXPECT_FALSE(offers(context, "own:0"));  // it is of kind CPU
}

}  // namespace
}  // namespace sokr::tests
