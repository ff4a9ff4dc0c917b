// SPDX-License-Identifier: MIT OR Apache-2.0
#include <cstring>
#include <set>

#include "tried.hpp"

namespace sokr::substrate {
namespace {

// No structure comes near; what is larger is no size.
constexpr std::uint32_t kMostSize = 65536;

void expect_size(Check& check, const char* type, std::uint32_t size, std::size_t least) {
  check.expect(size >= least && size <= kMostSize,
               "{} says that its size is {}; version 1.0 has {} bytes", type, size, least);
}

bool is_name(const char* name) {
  if (name == nullptr) return false;
  const std::string_view text = name;
  return !text.empty() && text.size() <= 63 &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789:_.-") == text.npos;
}

void check_facts(Check& check, const SokrSubstrateInfo& info) {
  if (info.fact_count == 0) return;
  if (!check.expect(info.facts != nullptr, "it claims {} facts in a null list", info.fact_count))
    return;
  const bool says_size = SOKR_HAS(SokrSubstrateInfo, &info, fact_size);
  if (says_size) expect_size(check, "fact_size", info.fact_size, SOKR_FACT_SIZE_1_0);
  const std::size_t size = says_size ? info.fact_size : SOKR_FACT_SIZE_1_0;
  if (check.is_done() || size < SOKR_FACT_SIZE_1_0) return;
  std::set<std::string_view> keys;
  for (std::uint32_t i = 0; i < info.fact_count; ++i) {
    const SokrFact* fact = SOKR_ELEMENT(SokrFact, info.facts, size, i);
    if (!check.expect(fact->key && fact->value, "fact {} has a null key or value", i)) continue;
    check.expect(keys.insert(fact->key).second, "the fact '{}' is there twice", fact->key);
  }
}

}  // namespace

void check_structures(Check& check) {
  const SokrPlugin& library = *check.subject.plugin;
  expect_size(check, "SokrPlugin", library.struct_size,
              SOKR_SIZE_THROUGH(SokrPlugin, unavailable_count));
  check.expect(library.compute_version >> 16 == SOKR_COMPUTE_VERSION >> 16,
               "compute_version is {:#x}, of another major version than {:#x}",
               library.compute_version, SOKR_COMPUTE_VERSION);
  check.expect(library.name && *library.name, "the library has no name");
  check.expect(library.version && *library.version, "the library has no version");
  if (SOKR_HAS(SokrPlugin, &library, unavailable_size) && library.unavailable_count > 0)
    expect_size(check, "unavailable_size", library.unavailable_size, SOKR_UNAVAILABLE_SIZE_1_0);
  const SokrSubstrateInfo* from = library.substrates[check.subject.index];
  if (!check.expect(from != nullptr, "the substrate {} is null", check.subject.index)) return;
  // A host reads no more of it than it says.
  expect_size(check, "SokrSubstrateInfo", from->struct_size,
              SOKR_SIZE_THROUGH(SokrSubstrateInfo, plugin));
  const SokrSubstrateInfo& info = check.tried.info();
  check.expect(is_name(info.name), "its name is no name: 1 to 63 of [a-z0-9:_.-] are");
  check.expect(info.kind <= SOKR_KIND_REFERENCE, "its kind is {}", info.kind);
  check.expect(info.ir_format_count == 0 || info.ir_formats, "it claims {} formats in a null list",
               info.ir_format_count);
  for (std::uint32_t i = 0; is_name(info.name) && i < check.subject.index; ++i) {
    const Tried other(library, i);
    check.expect(!is_name(other.info().name) || std::strcmp(other.info().name, info.name) != 0,
                 "two of its substrates are called '{}'", info.name);
  }
  check_facts(check, info);
  if (info.limits)
    expect_size(check, "SokrComputeLimits", info.limits->struct_size,
                SOKR_SIZE_THROUGH(SokrComputeLimits, memory_size));
  if (info.memory)
    expect_size(check, "SokrMemoryTable", info.memory->struct_size,
                SOKR_SIZE_THROUGH(SokrMemoryTable, address));
  if (info.diagnostics)
    expect_size(check, "SokrDiagnosticsTable", info.diagnostics->struct_size,
                SOKR_SIZE_THROUGH(SokrDiagnosticsTable, timing));
  if (info.kernels)
    expect_size(check, "SokrKernelTable", info.kernels->struct_size,
                SOKR_SIZE_THROUGH(SokrKernelTable, release));
}

void check_functions(Check& check) {
  const SokrSubstratePlugin& table = check.tried.table();
  if (!check.expect(check.tried.info().plugin != nullptr, "its vtable is null, or out of reach"))
    return;
  check.expect(table.capability_fn != nullptr, "capability_fn is null");
  check.expect(table.dispatch_fn != nullptr, "dispatch_fn is null");
  check.expect(table.completion_fn != nullptr, "completion_fn is null");
  check.expect(table.destroy_fn != nullptr, "destroy_fn is null");
  if (!check.tried.is_usable()) return;
  std::uint32_t id = 0;
  const SokrResult code = sokr_register_substrate(&table, &id);
  if (check.expect(code == SOKR_OK, "the core answers {}", code_text(code)))
    check.expect(sokr_deregister_substrate(id) == SOKR_OK, "it cannot be deregistered");
}

void check_version(Check& check) {
  if (check.tried.info().plugin == nullptr) return;  // REG-1 says so
  const std::uint32_t major = check.tried.table().version.major;
  check.expect(major == SOKR_VERSION_MAJOR, "version.major is {}, not {}", major,
               SOKR_VERSION_MAJOR);
}

}  // namespace sokr::substrate
