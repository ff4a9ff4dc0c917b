// SPDX-License-Identifier: MIT OR Apache-2.0
#include "element.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <iterator>
#include <limits>
#include <regex>
#include <set>
#include <spirv-tools/libspirv.hpp>
#include <stdexcept>

namespace sokr::differential {
namespace {

// Adds the declarations of the types and constants that a text names, each once, what
// they need first.
class Declarations {
 public:
  void scan(const std::string& text) {
    static const std::regex name(
        R"(%((c_)?(v[234])?(u8|i8|u16|i16|u32|i32|u64|i64|f16|f32|f64|bool)(_m?[0-9]+(p[0-9]+)?)?)\b)");
    for (auto at = std::sregex_iterator(text.begin(), text.end(), name);
         at != std::sregex_iterator(); ++at) {
      const std::string scalar = (*at)[4], vector = (*at)[3], literal = (*at)[5];
      type(scalar);
      if ((*at)[2].matched) {
        constant(scalar, literal);
      } else if (!vector.empty() && known_.insert(vector + scalar).second) {
        text_ += fmt::format("%{0}{1} = OpTypeVector %{1} {2}\n", vector, scalar, vector[1]);
      }
    }
  }
  const std::string& text() const { return text_; }
  const std::string& capabilities() const { return capabilities_; }

 private:
  void type(const std::string& name) {
    if (!known_.insert(name).second) return;
    if (name == "bool") {
      text_ += "%bool = OpTypeBool\n";
      return;
    }
    const std::string bits = name.substr(1);
    if (name[0] == 'f') {
      text_ += fmt::format("%{} = OpTypeFloat {}\n", name, bits);
    } else {
      text_ += fmt::format("%{} = OpTypeInt {} {}\n", name, bits, name[0] == 'i' ? 1 : 0);
    }
    if (bits == "32") return;
    capability((name[0] == 'f' ? "Float" : "Int") + bits);
    if (bits != "64") capability(fmt::format("StorageBuffer{}BitAccess", bits));
  }

  void capability(const std::string& name) {
    if (known_.insert("OpCapability " + name).second)
      capabilities_ += fmt::format("OpCapability {}\n", name);
  }

  void constant(const std::string& scalar, const std::string& literal) {
    const std::string name = fmt::format("c_{}{}", scalar, literal);
    if (!known_.insert(name).second) return;
    std::string value = literal.substr(1);
    if (value[0] == 'm') value[0] = '-';
    std::ranges::replace(value, 'p', '.');
    text_ += fmt::format("%{} = OpConstant %{} {}\n", name, scalar, value);
  }

  std::set<std::string> known_;
  std::string text_, capabilities_;
};

struct FloatFormat {
  int digits, min_exponent;  // of the smallest normal number, 2^min_exponent
  unsigned width;
};

FloatFormat format_of(const std::string& type) {
  if (type == "f16") return {11, -14, 16};
  if (type == "f32") return {24, -126, 32};
  return {53, -1022, 64};
}

// Orders floats: neighbours differ by one; both zeros are equal.
std::int64_t rank(const std::string& type, Bits bits) {
  const unsigned width = width_of(type);
  const Bits sign = Bits{1} << (width - 1);
  const auto magnitude = static_cast<std::int64_t>(bits & (sign - 1));
  return bits & sign ? -magnitude : magnitude;
}

}  // namespace

unsigned width_of(const std::string& type) {
  return static_cast<unsigned>(std::stoul(type.substr(1)));
}

double to_number(const std::string& type, Bits bits) {
  if (type == "f64") return std::bit_cast<double>(bits);
  if (type == "f32") return std::bit_cast<float>(static_cast<std::uint32_t>(bits));
  const double sign = bits & 0x8000 ? -1 : 1;
  const int exponent = static_cast<int>(bits >> 10 & 0x1F);
  const auto fraction = static_cast<double>(bits & 0x3FF);
  if (exponent == 31) {
    return fraction != 0 ? std::numeric_limits<double>::quiet_NaN()
                         : sign * std::numeric_limits<double>::infinity();
  }
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

bool is_ordinary(const std::string& type, Bits bits) {
  const double number = to_number(type, bits);
  return number == 0 || (std::isfinite(number) &&
                         std::fabs(number) >= std::ldexp(1.0, format_of(type).min_exponent));
}

Bits to_bits(const std::string& type, double value) {
  if (type == "f64") return std::bit_cast<Bits>(value);
  if (type == "f32") return std::bit_cast<std::uint32_t>(static_cast<float>(value));
  const FloatFormat format = format_of(type);
  const Bits sign = std::signbit(value) ? 0x8000 : 0;
  if (std::isnan(value)) return 0x7E00;
  value = std::fabs(value);
  if (value == 0) return sign;
  if (std::isinf(value)) return sign | 0x7C00;
  const int exponent = std::max(std::ilogb(value), format.min_exponent);
  // In units of the last place; nearbyint rounds to nearest even.
  const double units = std::nearbyint(std::ldexp(value, format.digits - 1 - exponent));
  const Bits magnitude =
      static_cast<Bits>(units) + (static_cast<Bits>(exponent - format.min_exponent) << 10);
  return sign | std::min<Bits>(magnitude, 0x7C00);
}

std::vector<Bits> values_of(const std::string& type, bool edges) {
  std::vector<Bits> values;
  const unsigned width = width_of(type);
  const Bits mask = width == 64 ? ~Bits{0} : (Bits{1} << width) - 1;
  if (is_float_type(type)) {
    for (const double x : {1.0, -1.0, 2.0, 0.5, -0.75, 3.0, 10.0, -7.5, 100.25, 1.0 / 3})
      values.push_back(to_bits(type, x));
    if (!edges) return values;
    const FloatFormat format = format_of(type);
    const Bits infinity = to_bits(type, std::numeric_limits<double>::infinity());
    const Bits sign = Bits{1} << (format.width - 1);
    for (const Bits bits :
         {Bits{0}, sign, infinity, infinity | sign, infinity | Bits{1} << (format.digits - 2),
          infinity - 1, Bits{1}, sign | 5, Bits{1} << (format.digits - 1)})
      values.push_back(bits);
    return values;
  }
  for (const Bits x : {1, 2, 3, 5, 7, 31, 100, 113}) values.push_back(x);
  if (!edges) return values;
  const Bits top = Bits{1} << (width - 1);
  for (const Bits x : {Bits{0}, ~Bits{0}, ~Bits{0} - 1, top, top - 1, top + 1, Bits{width},
                       Bits{width} - 1, Bits{width} + 1, Bits{0xAAAAAAAAAAAAAAAA}})
    values.push_back(x & mask);
  return values;
}

bool agrees(const std::string& type, Bits expected, Bits got, int ulp) {
  if (expected == got) return true;
  if (!is_float_type(type)) return false;
  const double a = to_number(type, expected), b = to_number(type, got);
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  const std::int64_t x = rank(type, expected), y = rank(type, got);
  std::int64_t distance = 0;
  if (__builtin_sub_overflow(x, y, &distance)) return false;
  return ulp > 0 && distance >= -ulp && distance <= ulp;
}

std::vector<std::vector<Bits>> combinations(const Row& row, bool edges) {
  std::vector<std::vector<Bits>> operands(row.inputs.size());
  std::vector<std::vector<Bits>> values = row.values;
  if (values.empty())
    for (const std::string& type : row.inputs) values.push_back(values_of(type, edges));
  if (!edges && row.last != Last::kAny) {
    std::erase_if(values.back(), [&](Bits x) {
      return row.last == Last::kNonZero ? x == 0 : x >= width_of(row.inputs[0]);
    });
  }
  std::size_t total = 1;
  for (const auto& list : values) total *= list.size();
  for (std::size_t n = 0; n < total; ++n) {
    std::size_t rest = n;
    for (std::size_t i = 0; i < values.size(); ++i) {
      operands[i].push_back(values[i][rest % values[i].size()]);
      rest /= values[i].size();
    }
  }
  return operands;
}

const char* name_of(Operands operands) {
  constexpr const char* kNames[] = {"Element", "Uniform", "Mixed"};
  return kNames[static_cast<std::size_t>(operands)];
}

std::size_t source_of(Operands operands, std::uint32_t local_size, std::size_t n,
                      std::size_t input) {
  return operands == Operands::kMixed && input == 0 ? n / local_size * local_size : n;
}

std::uint32_t groups_for(Operands operands, std::uint32_t local_size, std::size_t count) {
  const auto elements = static_cast<std::uint32_t>(count);
  return operands == Operands::kUniform ? elements : (elements + local_size - 1) / local_size;
}

std::string element_module(const Row& row, std::uint32_t local_size, std::uint32_t count,
                           Operands operands) {
  std::vector<std::string> types = row.inputs;
  types.push_back(row.output);
  Declarations declarations;
  std::string decorations, variables, interface, loads;
  for (std::size_t i = 0; i < types.size(); ++i) {
    declarations.scan("%" + types[i]);
    decorations += fmt::format(
        "OpDecorate %array{0} ArrayStride {1}\nOpDecorate %block{0} Block\n"
        "OpMemberDecorate %block{0} 0 Offset 0\nOpDecorate %buffer{0} DescriptorSet 0\n"
        "OpDecorate %buffer{0} Binding {0}\n",
        i, width_of(types[i]) / 8);
    variables += fmt::format(
        "%array{0} = OpTypeRuntimeArray %{1}\n%block{0} = OpTypeStruct %array{0}\n"
        "%block_pointer{0} = OpTypePointer StorageBuffer %block{0}\n"
        "%pointer{0} = OpTypePointer StorageBuffer %{1}\n"
        "%buffer{0} = OpVariable %block_pointer{0} StorageBuffer\n",
        i, types[i]);
    interface += fmt::format(" %buffer{}", i);
    if (i == row.inputs.size()) continue;
    loads += fmt::format(
        "%at{0} = OpAccessChain %pointer{0} %buffer{0} %c_u32_0 {3}\n%{2} = OpLoad %{1} %at{0}\n",
        i, types[i], static_cast<char>('a' + i),
        operands == Operands::kMixed && i == 0 ? "%group_first" : "%i");
  }
  const std::string total = fmt::format("%c_u32_{}", count);
  const std::string size = fmt::format("%c_u32_{}", local_size);
  declarations.scan("%v3u32 %bool %c_u32_0 " + total + " " + size + " " + row.globals + " " +
                    row.body);
  // Every variable that the entry point uses is part of its interface.
  static const std::regex variable(R"((%\w+) = OpVariable)");
  for (auto at = std::sregex_iterator(row.globals.begin(), row.globals.end(), variable);
       at != std::sregex_iterator(); ++at)
    interface += " " + (*at)[1].str();
  const bool has_addresses = row.capabilities.find("PhysicalStorageBuffer") != std::string::npos;
  const char* addressing = has_addresses ? "PhysicalStorageBuffer64" : "Logical";
  return fmt::format(
      "OpCapability Shader\n{}%glsl = OpExtInstImport \"GLSL.std.450\"\n"
      "OpMemoryModel {} GLSL450\nOpEntryPoint GLCompute %main \"main\" %id %group{}\n"
      "OpExecutionMode %main LocalSize {} 1 1\nOpDecorate %id BuiltIn GlobalInvocationId\n"
      "OpDecorate %group BuiltIn WorkgroupId\n{}"
      "%void = OpTypeVoid\n%main_type = OpTypeFunction %void\n{}{}{}"
      "%id_pointer = OpTypePointer Input %v3u32\n%id = OpVariable %id_pointer Input\n"
      "%group = OpVariable %id_pointer Input\n"
      "%main = OpFunction %void None %main_type\n%entry = OpLabel\n"
      "%id3 = OpLoad %v3u32 {}\n%i = OpCompositeExtract %u32 %id3 0\n"
      "%group3 = OpLoad %v3u32 %group\n%group0 = OpCompositeExtract %u32 %group3 0\n"
      "%group_first = OpIMul %u32 %group0 {}\n%inside = OpULessThan %bool %i {}\nOpSelectionMerge "
      "%end "
      "None\n"
      "OpBranchConditional %inside %work %end\n%work = OpLabel\n{}{}\n"
      "%out = OpAccessChain %pointer{} %buffer{} %c_u32_0 %i\nOpStore %out %r\nOpBranch %end\n"
      "%end = OpLabel\nOpReturn\nOpFunctionEnd\n",
      declarations.capabilities() + row.capabilities, addressing, interface, local_size,
      decorations + row.decorations, declarations.text(), variables, row.globals,
      operands == Operands::kUniform ? "%group" : "%id", size, total, loads, row.body,
      row.inputs.size(), row.inputs.size());
}

std::vector<std::uint32_t> assemble(const std::string& text) {
  spvtools::SpirvTools tools(SPV_ENV_VULKAN_1_3);
  std::string wrong;
  tools.SetMessageConsumer(
      [&](spv_message_level_t, const char*, const spv_position_t& at, const char* message) {
        wrong = fmt::format("line {}: {}", at.line + 1, message);
      });
  std::vector<std::uint32_t> words;
  if (!tools.Assemble(text, &words)) throw std::runtime_error(wrong + "\n" + text);
  return words;
}

std::vector<Row> all_rows() {
  std::vector<Row> rows;
  for (auto make : {integer_rows, bit_rows, conversion_rows, float_rows, extended_rows,
                    function_rows, composite_rows, memory_rows, control_rows, flow_rows}) {
    std::vector<Row> more = make();
    rows.insert(rows.end(), std::make_move_iterator(more.begin()),
                std::make_move_iterator(more.end()));
  }
  return rows;
}

}  // namespace sokr::differential
