// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Does a substrate do what docs/contract.md says? Asks its tables what a host may ask, and things
// that no host should, and says which rule it broke.
//
// A plugin that crashes takes its caller along, one that never returns keeps it, and some rules
// destroy the substrate: each rule is checked in a process of its own.
#ifndef SOKR_SUBSTRATE_CONFORMANCE_HPP_
#define SOKR_SUBSTRATE_CONFORMANCE_HPP_

#include <sokr/compute.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sokr::substrate {

// A computation that the substrate takes, and a launch of it.
struct Sample {
  std::string name;
  std::uint32_t format = 0;
  std::vector<std::uint8_t> ir;
  std::vector<std::uint8_t> params;  // empty = none
  bool takes_long = false;           // so that somebody may see it unfinished
  bool fails = false;                // its launch ends as FAILED
  // What the launch binds; stays as long as the process.
  std::shared_ptr<std::vector<std::byte>> memory;
};

struct Subject {
  SokrPluginMainFn main = nullptr;
  const SokrHostInfo* host = nullptr;  // what `main` was given
  const SokrPlugin* plugin = nullptr;  // what it returned
  std::uint32_t index = 0;             // of the substrate in it
  std::vector<Sample> samples;         // of its formats; rules that need one are left out without
  // Told what is called before it is, as a text that ends with 0, for who finds a dead process.
  // May be empty.
  std::span<char> doing;
};

struct Rule {
  const char* group;  // "completion"
  const char* id;     // "COM-8", as in docs/contract.md
  const char* says;   // in one sentence, what is right
};

struct Outcome {
  std::vector<std::string> found;  // what was seen instead; a few of them
  std::string not_tried;           // why it could not be tried; empty if it was
};

// All rules, in the order in which they are best checked. If one of the group "loading" is broken,
// nothing else can be asked.
std::span<const Rule> conformance_rules();

// Checks one rule. Registers substrates with the core; starts threads, which have ended when it
// returns. Throws std::bad_alloc.
Outcome check_rule(const Subject& subject, std::size_t rule);

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_CONFORMANCE_HPP_
