// SPDX-License-Identifier: MIT OR Apache-2.0
//
// What a compilation tells of itself, for people and filetests: what each stage made, and in the
// plan what was decided for each access and each construct, with the reason. Texts depend on the
// kernel and the options alone. One Trace serves one compilation at a time.
#ifndef SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_TRACE_HPP_
#define SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_TRACE_HPP_

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <sokr/cpu/compiler.hpp>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sokr::cpu {

struct Program;
struct Inst;

// In the order in which they run.
enum class Stage : std::uint8_t {
  kLower,
  kAggregates,
  kPromote,
  kIfConvert,
  kUnroll,
  kContract,
  kTables,
  kUniformity,
  kRanges,
  kPlan,
  kEmit,
  kOptimise,
};
inline constexpr std::uint8_t kStages = 12;

const char* stage_name(Stage stage);  // "lower", "if-convert"
std::optional<Stage> stage_named(std::string_view name);

// Parts of the compiler that make code quicker and can be left out: the rows of parts.def.
enum class Part : std::uint8_t {
#define SOKR_PART(part, name) part,
#include "compiler/analysis/parts.def"
#undef SOKR_PART
};
inline constexpr std::uint8_t kParts = 0
#define SOKR_PART(part, name) +1
#include "compiler/analysis/parts.def"
#undef SOKR_PART
    ;
static_assert(kParts < 8 * sizeof(CompileOptions::without), "a bit for each");

const char* part_name(Part part);  // "promote", "table-rows"
std::optional<Part> part_named(std::string_view name);

inline bool has_part(const CompileOptions& options, Part part) {
  return (options.without >> static_cast<unsigned>(part) & 1) == 0;
}

class Trace {
 public:
  // Receives each wanted text, `function` being the entry point's name or that of a shared
  // function.
  using Sink = std::function<void(Stage, std::string_view function, std::string_view text)>;
  Trace(std::span<const Stage> wanted, Sink sink);

  bool wants(Stage stage) const { return (wanted_ >> static_cast<unsigned>(stage) & 1) != 0; }
  // `text` is called if the stage is wanted.
  void stage(Stage stage, std::string_view function, const std::function<std::string()>& text);

  // ---- The plan of one function, noted while it is emitted. Nothing is kept if it is not wanted.
  // What follows is about this instruction.
  void at(std::uint32_t block, const Inst& inst);
  void access(std::string decision);
  void construct(std::uint32_t construct, std::string decision);
  void variable(std::uint32_t id, std::string decision);
  // The text of all that was noted, which is then forgotten.
  std::string take_plan(const Program& program);

 private:
  // Equal decisions are one: code is emitted once for all together and once with masks.
  using Decisions = std::vector<std::pair<std::string, unsigned>>;
  static void add(Decisions& to, std::string decision);
  static std::string text_of(const Decisions& decisions, std::string_view indent);

  std::uint32_t wanted_ = 0;
  Sink sink_;
  std::uint32_t block_ = 0;
  const Inst* inst_ = nullptr;
  std::map<std::uint32_t, Decisions> variables_, constructs_;
  std::map<std::pair<std::uint32_t, const Inst*>, Decisions> accesses_;
};

}  // namespace sokr::cpu

#endif  // SOKR_SUBSTRATES_CPU_COMPILER_ANALYSIS_TRACE_HPP_
