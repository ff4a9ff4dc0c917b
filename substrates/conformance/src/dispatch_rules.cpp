// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>

#include "tried.hpp"

namespace sokr::substrate {
namespace {

constexpr std::uint32_t kNobodysFormat = 0x3F3F3F3F;
constexpr SokrComputationId kId{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};

// Of no computation: with nothing bound, so that nothing in it is an address.
std::vector<std::uint8_t> plain_params() {
  const std::uint32_t push[4] = {0, 0, 0, 0};
  SokrLaunch launch{};
  launch.groups[0] = launch.groups[1] = launch.groups[2] = 1;
  launch.push = push;
  launch.push_size = sizeof push;
  std::vector<std::uint8_t> params(sokr_launch_size(&launch));
  sokr_launch_write(&launch, params.data(), params.size());
  return params;
}

bool is_sample(const Subject& subject, Bytes bytes) {
  return std::any_of(subject.samples.begin(), subject.samples.end(), [&](const Sample& sample) {
    return std::equal(bytes.begin(), bytes.end(), sample.ir.begin(), sample.ir.end());
  });
}

void expect_refused(Check& check, const char* what, SokrResult code) {
  check.expect(code == SOKR_INVALID_IR || code == SOKR_CAPABILITY_DENIED, "{} is answered with {}",
               what, code_text(code));
}

}  // namespace

// ---- Capability ------------------------------------------------------------------------------

void check_null_capability(Check& check) {
  const SokrSubstratePlugin& table = check.tried.table();
  const SokrCapabilityQuery query{{}, kNobodysFormat, nullptr, 0};
  SokrCapabilityResponse response{};
  check.tried.at("capability_fn of a null query");
  SokrResult code = table.capability_fn(nullptr, &response);
  check.expect(code == SOKR_INVALID_INPUT, "a null query is answered with {}", code_text(code));
  check.tried.at("capability_fn with a null response");
  code = table.capability_fn(&query, nullptr);
  check.expect(code == SOKR_INVALID_INPUT, "a null response is answered with {}", code_text(code));
  for (const std::uint32_t format : check.tried.formats())
    expect_refused(check, "a computation of no bytes", check.tried.capability(format, {}));
}

void check_borrowed_ir(Check& check) {
  for (const std::uint32_t format : check.tried.formats()) {
    for (const auto& bytes : garbage()) {
      const Fenced fenced(bytes);
      (void)check.tried.capability(format, fenced.bytes());
    }
    for (const Sample& sample : check.subject.samples) {
      if (sample.format != format) continue;
      const std::size_t step = std::max<std::size_t>(1, sample.ir.size() / 64);
      for (std::size_t size = 0; size <= sample.ir.size(); size += step) {
        const Fenced fenced(Bytes(sample.ir).first(size));
        (void)check.tried.capability(format, fenced.bytes());
      }
      const Fenced whole(sample.ir);
      const SokrResult code = check.tried.capability(format, whole.bytes());
      check.expect(code == SOKR_OK, "'{}' is refused with {}{}", sample.name, code_text(code),
                   check.tried.reason());
    }
  }
}

void check_promises(Check& check) {
  const Tried& tried = check.tried;
  std::vector<std::vector<std::uint8_t>> all = garbage();
  for (const Sample& sample : check.subject.samples) all.push_back(sample.ir);
  for (const auto& bytes : all) {
    for (const std::uint32_t format : {kNobodysFormat, UINT32_C(0)}) {
      if (tried.takes(format)) continue;
      const SokrResult code = tried.capability(format, bytes);
      check.expect(code == SOKR_CAPABILITY_DENIED,
                   "{} bytes in the format {:#x}, which it does not list, are answered with {}",
                   bytes.size(), format, code_text(code));
    }
    if (is_sample(check.subject, bytes)) continue;
    for (const std::uint32_t format : tried.formats()) {
      const SokrResult code = tried.capability(format, bytes);
      check.expect(code == SOKR_INVALID_IR || code == SOKR_CAPABILITY_DENIED,
                   "{} bytes of no meaning are answered with {}", bytes.size(), code_text(code));
    }
    const Started started = tried.dispatch(bytes, plain_params());
    check.expect(started.code != SOKR_OK, "a dispatch of {} bytes of no meaning is accepted",
                 bytes.size());
  }
  for (const Sample& sample : check.subject.samples) {
    for (int time = 0; time < 2; ++time) {
      const SokrResult code = tried.capability(sample.format, sample.ir);
      check.expect(code == SOKR_OK, "'{}', which it runs, is answered with {}{}", sample.name,
                   code_text(code), tried.reason());
      if (!sample.takes_long) check.run(sample);
    }
  }
}

// ---- Dispatch --------------------------------------------------------------------------------

void check_null_dispatch(Check& check) {
  const SokrSubstratePlugin& table = check.tried.table();
  const SokrDispatchRequest request{};
  SokrDispatchResponse response{};
  check.tried.at("dispatch_fn of a null request");
  SokrResult code = table.dispatch_fn(nullptr, &response);
  check.expect(code == SOKR_INVALID_INPUT, "a null request is answered with {}", code_text(code));
  check.tried.at("dispatch_fn with a null response");
  code = table.dispatch_fn(&request, nullptr);
  check.expect(code == SOKR_INVALID_INPUT, "a null response is answered with {}", code_text(code));
  check.expect(check.tried.dispatch({}, {}).code != SOKR_OK, "a dispatch of nothing is accepted");
}

void check_token_range(Check& check) {
  if (!check.quick()) return;
  for (const Sample& sample : check.subject.samples) {
    const auto token = check.start(sample);
    if (!token) continue;
    check.expect(*token >= 1 && *token <= SOKR_PLUGIN_TOKEN_MAX, "the token {:#x} was given out",
                 *token);
    if (!sample.takes_long) (void)check.tried.wait(*token);
  }
}

void check_unique_tokens(Check& check) {
  const Sample* sample = check.quick();
  if (!sample) return;
  constexpr int kThreads = 2, kLaunches = 150;
  std::mutex mutex;
  std::set<std::uint64_t> seen;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kLaunches; ++i) {
          const Started started = check.tried.dispatch(*sample);
          if (started.code == SOKR_OK) (void)check.tried.wait(started.token);
          const std::scoped_lock lock(mutex);
          check.expect(started.code == SOKR_OK, "a launch is refused with {}",
                       code_text(started.code));
          if (started.code != SOKR_OK) return;
          check.expect(seen.insert(started.token).second, "the token {:#x} was given out twice",
                       started.token);
        }
      });
    }
  }
}

void check_computation_id(Check& check) {
  const Sample* sample = check.quick();
  if (!sample) return;
  const Tried& tried = check.tried;
  const std::vector<std::uint8_t> other(64, 0xFF);
  for (int time = 0; time < 2; ++time) {
    SokrResult code = tried.capability(sample->format, sample->ir, kId);
    check.expect(code == SOKR_OK, "with an id, '{}' is answered with {}", sample->name,
                 code_text(code));
    const Started started = tried.dispatch(sample->ir, sample->params, kId);
    if (check.expect(started.code == SOKR_OK, "with an id, '{}' is refused with {}", sample->name,
                     code_text(started.code)))
      (void)tried.wait(started.token);
    code = tried.capability(sample->format, other, kId);
    check.expect(code != SOKR_OK, "bytes of no meaning with the id of '{}' are accepted",
                 sample->name);
    check.expect(tried.dispatch(other, sample->params, kId).code != SOKR_OK,
                 "bytes of no meaning with the id of '{}' are run", sample->name);
  }
}

void check_bounds(Check& check) {
  const Sample* sample = check.quick();
  if (!sample) return;
  constexpr int kLaunches = 500;
  for (int i = 0; i < kLaunches && !check.is_done(); ++i) {
    const Started started = check.tried.dispatch(*sample);
    if (started.code == SOKR_OK) continue;
    check.expect(!check.tried.diagnostics() || !check.tried.last_error().empty(),
                 "launch {} is refused with {}, and no sentence", i, code_text(started.code));
  }
  check.run(*sample);
}

void check_params(Check& check) {
  const Sample* sample = check.quick();
  if (!sample) return;
  const Tried& tried = check.tried;
  const auto refused = [&](Bytes params, auto describe) {
    const Started started = tried.dispatch(sample->ir, params);
    if (started.code != SOKR_OK) return;
    (void)tried.wait(started.token);
    describe();
  };
  for (std::size_t size = 1; size < sample->params.size() && !check.is_done(); ++size) {
    const Fenced cut(Bytes(sample->params).first(size));
    refused(cut.bytes(), [&] {
      check.found("the first {} bytes of {} of parameters are accepted", size,
                  sample->params.size());
    });
  }
  struct Field {
    const char* name;
    std::size_t offset;
    bool is_decided;  // any other value than its own is wrong, but
    std::uint32_t allowed = 0;
  };
#define SOKR_FIELD(name, is_decided) {#name, offsetof(SokrLaunchHeader, name), is_decided}
  constexpr Field kFields[] = {
      SOKR_FIELD(magic, true),
      SOKR_FIELD(version, true),
      SOKR_FIELD(total_size, true),
      SOKR_FIELD(header_size, true),
      {"flags", offsetof(SokrLaunchHeader, flags), true, SOKR_LAUNCH_PROFILE},
      SOKR_FIELD(entry_offset, false),
      SOKR_FIELD(entry_size, true),
      SOKR_FIELD(binding_offset, false),
      SOKR_FIELD(binding_count, true),
      SOKR_FIELD(push_offset, false),
      SOKR_FIELD(push_size, true),
      SOKR_FIELD(specialization_offset, false),
      SOKR_FIELD(specialization_count, true),
      SOKR_FIELD(wait_offset, false),
      SOKR_FIELD(wait_count, true)};
#undef SOKR_FIELD
  // A header of version 1 and nothing else: sections that it is said to have would lie in it.
  const std::vector<std::uint8_t> good = plain_params();
  for (const Field& field : kFields) {
    for (const std::uint32_t value : {0u, 1u, 3u, 7u, 8u, 96u, 0x7FFFFFF8u, 0xFFFFFFF8u, ~0u}) {
      std::vector<std::uint8_t> params = good;
      std::uint32_t before = 0;
      std::memcpy(&before, params.data() + field.offset, sizeof before);
      if (before == value) continue;
      std::memcpy(params.data() + field.offset, &value, sizeof value);
      const Fenced fenced(params);
      refused(fenced.bytes(), [&] {
        if (field.is_decided && value != field.allowed)
          check.found("parameters whose {} is {} are accepted", field.name, value);
      });
    }
  }
}

// ---- Prepared kernels ------------------------------------------------------------------------

namespace {

Bytes bytes_of(const SokrPreparedIr& ir) {
  return {reinterpret_cast<const std::uint8_t*>(&ir), sizeof ir};
}

SokrKernelInfo info_of(const Sample& sample) {
  SokrKernelInfo info{};
  info.struct_size = sizeof info;
  info.ir_format = sample.format;
  info.ir_data = sample.ir.data();
  info.ir_size = sample.ir.size();
  info.specialization_size = sizeof(SokrSpecialization);
  return info;
}

void expect_unknown(Check& check, const char* what, SokrKernel kernel, Bytes params) {
  const SokrPreparedIr ir = sokr_prepared_ir(kernel);
  const Started started = check.tried.dispatch(bytes_of(ir), params);
  check.expect(started.code == SOKR_NOT_FOUND, "a dispatch of {} is answered with {}", what,
               code_text(started.code));
  const SokrResult code = check.tried.kernels()->release(kernel);
  check.expect(code == SOKR_NOT_FOUND, "the release of {} is answered with {}", what,
               code_text(code));
}

}  // namespace

void check_handles(Check& check) {
  const Tried& tried = check.tried;
  if (!tried.kernels()) return check.not_tried("it has no kernel table");
  const SokrKernelTable& table = *tried.kernels();
  tried.at("the kernel table");
  for (const SokrKernel kernel : {UINT64_C(0), UINT64_C(1) << 40, UINT64_MAX})
    expect_unknown(check, "a handle that was never given out", kernel, plain_params());
  SokrKernel handles[2] = {1, 1};
  check.expect(table.prepare(nullptr, 1, handles) != SOKR_OK, "it prepares a null list");
  const std::vector<std::uint8_t> nothing(64, 0xFF);
  Sample bad;
  bad.format = tried.formats().empty() ? 0 : tried.formats()[0];
  bad.ir = nothing;
  const SokrKernelInfo bad_info = info_of(bad);
  const SokrKernelInfo* bad_list[] = {&bad_info};
  handles[0] = 1;
  check.expect(table.prepare(bad_list, 1, handles) != SOKR_OK && handles[0] == 0,
               "it prepares bytes of no meaning, or leaves a handle that is not 0");
  const Sample* sample = check.quick();
  if (!sample) return;
  const SokrKernelInfo info = info_of(*sample);
  const SokrKernelInfo* list[] = {&info, &info};
  const SokrResult code = table.prepare(list, 2, handles);
  if (!check.expect(code == SOKR_OK, "it does not prepare '{}': {}{}", sample->name,
                    code_text(code), tried.reason()))
    return;
  check.expect(handles[0] != 0 && handles[0] != handles[1], "two kernels have the handle {:#x}",
               handles[0]);
  const SokrPreparedIr ir = sokr_prepared_ir(handles[0]);
  check.expect(tried.capability(SOKR_IR_PREPARED, bytes_of(ir)) == SOKR_OK,
               "capability refuses a kernel that is prepared");
  const Started started = tried.dispatch(bytes_of(ir), sample->params);
  if (check.expect(started.code == SOKR_OK, "a prepared kernel is refused with {}{}",
                   code_text(started.code), tried.reason()))
    check.expect(tried.wait(started.token) == Completed{SOKR_OK, SOKR_COMPLETION_COMPLETE},
                 "a prepared kernel does not complete");
  check.expect(table.release(handles[0]) == SOKR_OK, "a handle cannot be released");
  expect_unknown(check, "a handle that was released", handles[0], sample->params);
  check.expect(table.release(handles[1]) == SOKR_OK, "the other handle cannot be released");
}

}  // namespace sokr::substrate
