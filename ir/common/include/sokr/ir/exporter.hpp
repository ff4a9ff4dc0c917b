// SPDX-License-Identifier: MIT OR Apache-2.0
//
// From a C++ class to the C table of an IR plugin, all functions of all versions. A plugin is
// then
//
//     class Mine {
//      public:
//       static constexpr const char* kName = "mine";
//       static constexpr const char* kVersion = "1.0";
//       static constexpr std::uint32_t kFormat = 0x454E494D;
//       static constexpr std::size_t kRecognised = 4;  // bytes that recognise looks at
//       static bool recognise(std::span<const std::uint8_t> first);  // at most so many
//       static Result<std::string> validate(const Request&);         // a remark, or nothing
//       static Result<Reflection> reflect(const Request&);
//       // And may have
//       static constexpr std::array<std::uint32_t, 1> kTargets{SOKR_IR_SPIRV};
//       static Result<std::vector<std::uint8_t>> lower(const Request&);  // to one of kTargets
//     };
//
//     SOKR_IR_PLUGIN_DECLARE(Mine::kFormat);
//     extern "C" SOKR_IR_PLUGIN_EXPORT const SokrIrPlugin* sokr_ir_plugin_main(void) {
//       return &sokr::ir::Exporter<Mine>::kTable;
//     }
//
// The functions are called by any thread, several at once, and keep nothing. What a host passes
// is checked before (request.hpp): null pointers, sizes, versions, a target that is none. A failure
// becomes its code and sentence, an exception SOKR_DISPATCH_FAILED; nothing leaves a function
// otherwise, and on failure *out is null. What was given out belongs to the plugin until the
// host's call of free_reflection or free_lowered.
#ifndef SOKR_IR_EXPORTER_HPP_
#define SOKR_IR_EXPORTER_HPP_

#include <sokr/ir.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <sokr/base/result.hpp>
#include <sokr/base/sentence.hpp>
#include <sokr/ir/reflection.hpp>
#include <sokr/ir/request.hpp>
#include <span>
#include <string>
#include <utility>
#include <vector>

#define SOKR_IR_PLUGIN_EXPORT __attribute__((visibility("default")))

namespace sokr::ir {

namespace detail {

template <class P>
concept Lowers = requires(const Request& request) { P::lower(request); };

// Runs `body`, which returns Result<std::string>: what to say although all is well.
template <class Body>
SokrResult guarded(char* sentence, std::size_t capacity, Body&& body) noexcept {
  Failure failure;
  try {
    Result<std::string> said = body();
    if (said) {
      write_sentence(*said, sentence, capacity);
      return SOKR_OK;
    }
    failure = std::move(said).failure();
  } catch (...) {
    failure = failure_from_exception();
  }
  if (failure.sentence.empty()) {
    write_sentence(kOutOfMemory, sentence, capacity);
  } else {
    write_sentence(failure.sentence, sentence, capacity);
  }
  return failure.code == SOKR_OK ? SOKR_DISPATCH_FAILED : failure.code;
}

// SOKR_INVALID_INPUT unless it is one of them. The sentence lists those that there are.
Result<void> check_target(std::uint32_t target, std::span<const std::uint32_t> targets);

}  // namespace detail

template <class P>
class Exporter {
  static constexpr bool kLowers = detail::Lowers<P>;

  static Result<std::string> reflect_into(const Result<Request>& request, const TableSizes& sizes,
                                          const SokrIrReflection** out) {
    if (!request) return request.failure();
    SOKR_ASSIGN(auto reflection, P::reflect(*request));
    *out = new_reflection(std::move(reflection), sizes);
    return std::string();
  }

  static Result<std::string> lower_into(const Result<Request>& request, std::uint8_t** out,
                                        std::size_t* out_size) {
    if (!request) return request.failure();
    SOKR_TRY(detail::check_target(request->target, P::kTargets));
    SOKR_ASSIGN(const std::vector<std::uint8_t> bytes, P::lower(*request));
    auto owned = std::make_unique<std::uint8_t[]>(std::max<std::size_t>(bytes.size(), 1));
    std::copy(bytes.begin(), bytes.end(), owned.get());
    *out_size = bytes.size();
    *out = owned.release();
    return std::string();
  }

  static int recognise(const std::uint8_t* data, std::size_t size) noexcept {
    if (data == nullptr) return 0;
    try {
      return P::recognise({data, std::min(size, P::kRecognised)}) ? 1 : 0;
    } catch (...) {
      return 0;
    }
  }

  static SokrResult validate(const std::uint8_t* data, std::size_t size, char* sentence,
                             std::size_t capacity) noexcept {
    const SokrResult result = validate_with(data, size, nullptr, 0, sentence, capacity);
    if (result == SOKR_OK) write_sentence("", sentence, capacity);
    return result;
  }
  static SokrResult validate_with(const std::uint8_t* data, std::size_t size,
                                  const SokrIrOption* options, std::uint32_t option_count,
                                  char* sentence, std::size_t capacity) noexcept {
    return detail::guarded(sentence, capacity, [&]() -> Result<std::string> {
      SOKR_ASSIGN(const Request request,
                  read_arguments({data, size}, options, option_count, nullptr, 0, nullptr));
      return P::validate(request);
    });
  }
  static SokrResult validate_request(const SokrIrRequest* asked, char* sentence,
                                     std::size_t capacity) noexcept {
    return detail::guarded(sentence, capacity, [&]() -> Result<std::string> {
      SOKR_ASSIGN(const Request request, read_request(asked));
      return P::validate(request);
    });
  }

  static Failure no_place() {
    return {SOKR_INVALID_INPUT, "the place for the result is a null pointer"};
  }

  static SokrResult reflect(const std::uint8_t* data, std::size_t size,
                            const SokrIrSpecValue* specializations,
                            std::uint32_t specialization_count, const std::uint32_t* local_size,
                            const SokrIrReflection** out, char* sentence,
                            std::size_t capacity) noexcept {
    return detail::guarded(sentence, capacity, [&]() -> Result<std::string> {
      if (out == nullptr) return no_place();
      *out = nullptr;
      return reflect_into(read_arguments({data, size}, nullptr, 0, specializations,
                                         specialization_count, local_size),
                          kSizes1_0, out);
    });
  }
  static SokrResult reflect_request(const SokrIrRequest* asked, const SokrIrReflection** out,
                                    char* sentence, std::size_t capacity) noexcept {
    return detail::guarded(sentence, capacity, [&]() -> Result<std::string> {
      if (out == nullptr) return no_place();
      *out = nullptr;
      return reflect_into(read_request(asked), {}, out);
    });
  }

  static SokrResult lower(const std::uint8_t* data, std::size_t size, std::uint32_t target,
                          std::uint8_t** out, std::size_t* out_size, char* sentence,
                          std::size_t capacity) noexcept {
    return detail::guarded(sentence, capacity, [&]() -> Result<std::string> {
      if (out == nullptr || out_size == nullptr) return no_place();
      *out = nullptr;
      *out_size = 0;
      auto request = read_arguments({data, size}, nullptr, 0, nullptr, 0, nullptr);
      if (request) request->target = target;
      return lower_into(request, out, out_size);
    });
  }
  static SokrResult lower_request(const SokrIrRequest* asked, std::uint8_t** out,
                                  std::size_t* out_size, char* sentence,
                                  std::size_t capacity) noexcept {
    return detail::guarded(sentence, capacity, [&]() -> Result<std::string> {
      if (out == nullptr || out_size == nullptr) return no_place();
      *out = nullptr;
      *out_size = 0;
      return lower_into(read_request(asked), out, out_size);
    });
  }
  static void free_lowered(std::uint8_t* lowered) noexcept { delete[] lowered; }
  static void free_reflected(const SokrIrReflection* reflection) noexcept {
    free_reflection(reflection);
  }

  static constexpr SokrIrPlugin make_table() {
    SokrIrPlugin table{};
    table.struct_size = sizeof(SokrIrPlugin);
    table.ir_version = SOKR_IR_VERSION;
    table.name = P::kName;
    table.version = P::kVersion;
    table.format = P::kFormat;
    table.recognise = &recognise;
    table.validate = &validate;
    table.validate_with = &validate_with;
    table.validate_request = &validate_request;
    table.reflect = &reflect;
    table.reflect_request = &reflect_request;
    table.free_reflection = &free_reflected;
    if constexpr (kLowers) {
      table.targets = P::kTargets.data();
      table.target_count = static_cast<std::uint32_t>(P::kTargets.size());
      table.lower = &lower;
      table.lower_request = &lower_request;
      table.free_lowered = &free_lowered;
    }
    return table;
  }

 public:
  // Lives as long as the library.
  static constexpr SokrIrPlugin kTable = make_table();
};

}  // namespace sokr::ir

#endif  // SOKR_IR_EXPORTER_HPP_
