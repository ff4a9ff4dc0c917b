// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Does an IR plugin do what sokr/ir.h says? Asks a table everything that a host may ask, with
// kernels that its author gives, and says which rule it broke.
//
// A plugin that crashes takes its caller along, and one that never returns keeps it: who looks at
// strangers calls this in a child process.
#ifndef SOKR_IR_CONFORMANCE_HPP_
#define SOKR_IR_CONFORMANCE_HPP_

#include <sokr/ir.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sokr::ir {

// A kernel that is valid.
struct Sample {
  std::string name;
  std::vector<std::uint8_t> bytes;
  // The first of its bytes that make a whole kernel, as a text without what follows its last
  // bracket. Fewer are refused. SIZE_MAX: all of them are needed.
  std::size_t whole_from = SIZE_MAX;
  // Values that it takes, other than its own.
  std::vector<SokrIrSpecValue> specializations;
};

struct Subject {
  const SokrIrPlugin* plugin = nullptr;
  std::vector<Sample> samples;
  // Plugins that read what it lowers to. What nobody here reads is lowered, and not looked at.
  std::vector<const SokrIrPlugin*> readers;
  // Told what is called before it is, as a text that ends with 0, for who finds a dead process.
  // May be empty.
  std::span<char> doing;
};

struct Rule {
  const char* name;  // "truncation"
  const char* says;  // in one sentence
};

struct Finding {
  std::string rule;    // a Rule's name
  std::string sample;  // empty if it is of no sample
  std::string what;    // what was done, and what came of it
};

// All rules, in the order in which they are checked.
std::span<const Rule> conformance_rules();

// What was broken; empty if nothing was. At most a few findings of each rule. Starts threads, which
// have ended when it returns. Throws std::bad_alloc.
std::vector<Finding> check_conformance(const Subject& subject);

// The same for one rule, by its number in conformance_rules(). If the first is broken, nothing else
// can be asked, and the others find nothing.
std::vector<Finding> check_rule(const Subject& subject, std::size_t rule);

// What a launch has to know of a reflection, a fact in each line: names of entry points, sizes,
// places, types, constants. Two kernels that are launched alike have the same.
std::string launch_facts(const SokrIrReflection& reflection);

}  // namespace sokr::ir

#endif  // SOKR_IR_CONFORMANCE_HPP_
