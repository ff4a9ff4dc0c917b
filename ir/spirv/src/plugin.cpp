// SPDX-License-Identifier: MIT OR Apache-2.0
//
// The IR plugin: SPIR-V behind the table of sokr/ir.h.
#include <sokr/ir.h>

#include <algorithm>
#include <sokr/ir/exporter.hpp>
#include <sokr/spirv/allowed.hpp>
#include <sokr/spirv/reflection.hpp>

namespace {

using sokr::Result;
using sokr::ir::Reflection;
using sokr::ir::Request;

class Spirv {
 public:
  static constexpr const char* kName = "spirv";
  static constexpr const char* kVersion = "0.1.1";
  static constexpr std::uint32_t kFormat = SOKR_IR_SPIRV;
  static constexpr std::size_t kRecognised = 4;

  static bool recognise(std::span<const std::uint8_t> first) {
    constexpr std::uint8_t kLittle[kRecognised] = {0x03, 0x02, 0x23, 0x07};
    constexpr std::uint8_t kBig[kRecognised] = {0x07, 0x23, 0x02, 0x03};
    return std::ranges::equal(first, kLittle) || std::ranges::equal(first, kBig);
  }

  static Result<std::string> validate(const Request& request) {
    std::string remark;
    const auto checked = [&]() -> Result<void> {
      SOKR_ASSIGN(const sokr::spirv::Strictness strictness,
                  sokr::spirv::strictness_from(request.option("spirv.validate")));
      return sokr::spirv::validate(request.bytes, {strictness, &remark});
    };
    Result<void> result = checked();
    // What no substrate here would take has a better reason than the validator's.
    if (result.code() == SOKR_INVALID_IR)
      if (Result<void> allowed = sokr::spirv::check_allowed(request.bytes); !allowed)
        result = allowed;
    SOKR_TRY(result);
    return remark;
  }

  static Result<Reflection> reflect(const Request& request) {
    std::vector<SokrIrSpecValue> values;
    for (std::uint32_t i = 0; i < request.specializations.size(); ++i)
      values.push_back(request.specializations[i]);
    sokr::spirv::DecodeOptions options;
    options.specializations = values;
    options.local_size = request.local_size;
    auto decoded = sokr::spirv::decode(request.bytes, options);
    if (!decoded && !request.is_specialized()) {
      // The module's own values may be of no use, and the caller's still to come.
      options.any_values = true;
      if (auto open = sokr::spirv::decode(request.bytes, options)) decoded = std::move(open);
    }
    SOKR_ASSIGN(const auto module, std::move(decoded));
    return sokr::spirv::reflect(*module);
  }
};

}  // namespace

SOKR_IR_PLUGIN_DECLARE(SOKR_IR_SPIRV);

extern "C" SOKR_IR_PLUGIN_EXPORT const SokrIrPlugin* sokr_ir_plugin_main(void) {
  return &sokr::ir::Exporter<Spirv>::kTable;
}
