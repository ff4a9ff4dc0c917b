// SPDX-License-Identifier: MIT OR Apache-2.0
#include <array>

#include "tried.hpp"

namespace sokr::substrate {
namespace {

struct Row {
  Rule rule;
  void (*check)(Check&);
};

constexpr Row kRows[] = {
    {{"loading", "ABI-6",
      "structures say their size, at least that of version 1.0, and arrays of structures that of "
      "an element"},
     check_structures},
    {{"loading", "REG-1", "the four functions are there, and the core registers the table"},
     check_functions},
    {{"loading", "REG-2", "version.major is that of sokr/sokr.h"}, check_version},
    {{"capability", "CAP-1",
      "a null query or response is SOKR_INVALID_INPUT, and no bytes are a computation or none"},
     check_null_capability},
    {{"capability", "CAP-5", "the bytes of a query are only read, and only as far as they go"},
     check_borrowed_ir},
    {{"capability", "CAP-6",
      "SOKR_OK means that it runs; other formats are SOKR_CAPABILITY_DENIED, and what is "
      "malformed SOKR_INVALID_IR, also at dispatch"},
     check_promises},
    {{"dispatch", "DIS-1", "a null request or response is SOKR_INVALID_INPUT"},
     check_null_dispatch},
    {{"dispatch", "DIS-4", "a token is 1 to 2^48 - 1"}, check_token_range},
    {{"dispatch", "DIS-7", "no token is given out twice"}, check_unique_tokens},
    {{"dispatch", "DIS-8", "the same computation_id with other bytes is another computation"},
     check_computation_id},
    {{"dispatch", "DIS-9",
      "launches that nobody waits for run, wait their turn or are refused with a sentence, and "
      "those after them run"},
     check_bounds},
    {{"dispatch", "DIS-10",
      "a kernel handle that was not given out, or was released, is SOKR_NOT_FOUND"},
     check_handles},
    {{"dispatch", "DIS-11",
      "all of the parameters is checked before any of it is used; what is cut off or of another "
      "kind is refused"},
     check_params},
    {{"completion", "COM-1", "a null query or signal is SOKR_INVALID_INPUT"},
     check_null_completion},
    {{"completion", "COM-3", "a timeout of 0 does not block, and others no longer than they say"},
     check_blocking},
    {{"completion", "COM-5",
      "finished is SOKR_OK with COMPLETE or FAILED; unfinished is SOKR_OK with PENDING from a "
      "poll, and SOKR_TIMEOUT with TIMEDOUT from a wait"},
     check_signals},
    {{"completion", "COM-8", "asked again, by any thread, a terminal answer is the same"},
     check_sticky},
    {{"completion", "COM-9", "every wait ends, those of several threads for one token too"},
     check_waits_end},
    {{"completion", "COM-10", "a token that was never given out is SOKR_NOT_FOUND, at once"},
     check_unknown_tokens},
    {{"diagnostics", "DIA-1", "every refusal leaves a sentence of one line"}, check_sentences},
    {{"diagnostics", "DIA-2",
      "a sentence stays within its memory, ends with 0, and its whole length is returned"},
     check_sentence_memory},
    {{"diagnostics", "DIA-3", "a sentence is of the calling thread's own last failure"},
     check_sentence_threads},
    {{"diagnostics", "DIA-4",
      "of a token that was never given out there is no sentence and no time; counters have names, "
      "always the same"},
     check_unknown_diagnostics},
    {{"memory", "MEM-1", "a new buffer is zeros, and holds what is written or copied to it"},
     check_buffers},
    {{"memory", "MEM-2",
      "a bad handle, range or null pointer is refused, and nothing is read or written"},
     check_bad_buffers},
    {{"memory", "MEM-3", "no handle is given out twice, and one that was freed is dead"},
     check_buffer_handles},
    {{"threads", "THR-3", "all functions may be called by any threads at once"}, check_threads},
    {{"life", "LIF-6",
      "destroy_fn ends what is under way, and leaves no thread behind, unless the library stays "
      "loaded (-z nodelete)"},
     check_left_threads},
    {{"life", "LIF-8",
      "with SOKR_RETIRES, waits that are inside end when the substrate is deregistered"},
     check_retires},
    {{"life", "LIF-9", "in a child of fork every call answers at once, with SOKR_DISPATCH_FAILED"},
     check_forked},
    {{"life", "LIF-10",
      "once a substrate is destroyed, the functions beside the core are SOKR_NOT_FOUND"},
     check_gone},
    {{"life", "PLG-6",
      "when everything was destroyed it can be asked again, offers the same, and gives out other "
      "tokens"},
     check_again},
};

constexpr auto kRules = [] {
  std::array<Rule, std::size(kRows)> rules{};
  for (std::size_t i = 0; i < rules.size(); ++i) rules[i] = kRows[i].rule;
  return rules;
}();

}  // namespace

std::span<const Rule> conformance_rules() {
  return kRules;
}

Outcome check_rule(const Subject& subject, std::size_t rule) {
  Outcome outcome;
  Check check(subject, outcome);
  kRows[rule].check(check);
  return outcome;
}

}  // namespace sokr::substrate
