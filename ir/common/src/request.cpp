// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <sokr/ir/request.hpp>

namespace sokr::ir {
namespace {

Result<void> check_options(const Elements<SokrIrOption>& options) {
  for (std::uint32_t i = 0; i < options.size(); ++i) {
    const SokrIrOption option = options[i];
    if (option.key == nullptr || option.value == nullptr)
      return fail(SOKR_INVALID_INPUT, "the key or value of option {} is a null pointer", i);
  }
  return {};
}

// Elements that a caller says to have, of the size that it says.
template <class T>
Result<Elements<T>> read_elements(const T* from, std::uint32_t count, std::size_t size,
                                  std::size_t first_size, const char* type, const char* what) {
  if (from == nullptr && count != 0)
    return fail(SOKR_INVALID_INPUT, "the {} are a null pointer", what);
  SOKR_ASSIGN(auto all, Elements<T>::of(from, count, size, first_size, type));
  if (all.fits()) return all;
  return fail(SOKR_CAPABILITY_DENIED, "one of the {} has something that this plugin does not know",
              what);
}

Result<std::optional<SokrIrLimits>> read_limits(const SokrIrLimits* limits) {
  if (limits == nullptr) return std::optional<SokrIrLimits>();
  SokrIrLimits known;
  if (limits->struct_size < sizeof limits->struct_size) {
    return fail(SOKR_INVALID_INPUT, "the limits have {} bytes, too few to say how many",
                limits->struct_size);
  }
  if (sokr_copy_sized(&known, sizeof known, limits, limits->struct_size) == 0) {
    return fail(SOKR_CAPABILITY_DENIED,
                "the limits have {} bytes, of which this plugin knows {}, and say something behind "
                "them",
                limits->struct_size, sizeof known);
  }
  return std::optional<SokrIrLimits>(known);
}

}  // namespace

std::optional<std::string_view> Request::option(std::string_view key) const {
  for (std::uint32_t i = options.size(); i-- > 0;) {
    if (key == options[i].key) return options[i].value;
  }
  return {};
}

Result<Request> read_request(const SokrIrRequest* request) {
  if (request == nullptr) return fail(SOKR_INVALID_INPUT, "the request is a null pointer");
  if (!SOKR_HAS(SokrIrRequest, request, local_size)) {
    return fail(SOKR_INVALID_INPUT, "the request has {} bytes; it has at least {}",
                request->struct_size, SOKR_SIZE_THROUGH(SokrIrRequest, local_size));
  }
  SokrIrRequest known;
  if (sokr_copy_sized(&known, sizeof known, request, request->struct_size) == 0) {
    return fail(SOKR_CAPABILITY_DENIED,
                "the request has {} bytes, of which this plugin knows {}, and asks for something "
                "behind them",
                request->struct_size, sizeof known);
  }
  if (known.ir_version >> 16 != SOKR_IR_VERSION >> 16) {
    return fail(SOKR_VERSION_MISMATCH,
                "the request is of version {}.{} of sokr/ir.h; this plugin reads {}.x",
                known.ir_version >> 16, known.ir_version & 0xFFFF, SOKR_IR_VERSION >> 16);
  }
  if (known.data == nullptr) return fail(SOKR_INVALID_INPUT, "the module is a null pointer");
  Request read;
  read.bytes = {known.data, known.size};
  SOKR_ASSIGN(read.options, read_elements(known.options, known.option_count, known.option_size,
                                          SOKR_IR_OPTION_SIZE_1_0, "SokrIrOption", "options"));
  SOKR_TRY(check_options(read.options));
  SOKR_ASSIGN(
      read.specializations,
      read_elements(known.specializations, known.specialization_count, known.specialization_size,
                    SOKR_IR_SPEC_VALUE_SIZE_1_0, "SokrIrSpecValue", "specializations"));
  std::copy_n(known.local_size, 3, read.local_size.begin());
  read.subgroup_size = known.subgroup_size;
  SOKR_ASSIGN(read.limits, read_limits(known.limits));
  read.target = known.target;
  return read;
}

Result<Request> read_arguments(std::span<const std::uint8_t> bytes, const SokrIrOption* options,
                               std::uint32_t option_count, const SokrIrSpecValue* specializations,
                               std::uint32_t specialization_count,
                               const std::uint32_t* local_size) {
  if (bytes.data() == nullptr) return fail(SOKR_INVALID_INPUT, "the module is a null pointer");
  Request read;
  read.bytes = bytes;
  SOKR_ASSIGN(read.options, read_elements(options, option_count, SOKR_IR_OPTION_SIZE_1_0,
                                          SOKR_IR_OPTION_SIZE_1_0, "SokrIrOption", "options"));
  SOKR_TRY(check_options(read.options));
  SOKR_ASSIGN(read.specializations,
              read_elements(specializations, specialization_count, SOKR_IR_SPEC_VALUE_SIZE_1_0,
                            SOKR_IR_SPEC_VALUE_SIZE_1_0, "SokrIrSpecValue", "specializations"));
  if (local_size != nullptr) std::copy_n(local_size, 3, read.local_size.begin());
  return read;
}

}  // namespace sokr::ir
