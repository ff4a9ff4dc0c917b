// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <deque>
#include <memory>
#include <sokr/base/elements.hpp>
#include <sokr/ir/reflection.hpp>
#include <utility>

namespace sokr::ir {
namespace {

template <class T>
const T* data_or_null(const std::vector<T>& all) {
  return all.empty() ? nullptr : all.data();
}

template <class T>
std::uint32_t count(const std::vector<T>& all) {
  return static_cast<std::uint32_t>(all.size());
}

// ---- To the C tables ---------------------------------------------------------------------

// What the tables of an entry point lie in. Names and shapes stay in its EntryReflection.
struct EntryArrays {
  explicit EntryArrays(const TableSizes& sizes)
      : bindings(sizes.binding), push_members(sizes.push_member) {}
  ElementArray<SokrIrBinding> bindings;
  ElementArray<SokrIrPushMember> push_members;
  std::vector<SokrIrPort> ports;
  std::vector<std::uint32_t> binding_scalars, push_read_ends;
};

SokrIrBinding to_table(const Binding& binding) {
  return {binding.set,
          binding.binding,
          binding.count,
          static_cast<std::uint32_t>(binding.kind),
          binding.access,
          binding.runtime_stride,
          binding.min_size,
          binding.name.c_str(),
          binding.image_flags,
          static_cast<std::uint32_t>(binding.dimension),
          static_cast<std::uint32_t>(binding.image_format),
          static_cast<std::uint32_t>(binding.sampled_type),
          0};
}

SokrIrPort to_table(const Port& port) {
  return {port.name.c_str(),
          data_or_null(port.shape),
          count(port.shape),
          static_cast<std::uint32_t>(port.direction),
          static_cast<std::uint32_t>(port.kind),
          static_cast<std::uint32_t>(port.type),
          port.set,
          port.binding,
          port.offset,
          0};
}

// The C tables point into the reflection and the arrays that lie beside them.
class OwnedReflection : public SokrIrReflection {
 public:
  OwnedReflection(Reflection given, const TableSizes& sizes)
      : SokrIrReflection{},
        source_(std::move(given)),
        sizes_(sizes),
        entries_(sizes.entry_point),
        constants_(sizes.spec_constant) {
    for (const EntryReflection& entry : source_.entry_points) add(entry);
    for (const SpecConstantReflection& c : source_.spec_constants) {
      constants_.push_back({c.id, static_cast<std::uint32_t>(c.type), c.default_value,
                            c.declarations, 0, c.name.c_str()});
    }
    for (const std::string& name : source_.capabilities) capabilities_.push_back(name.c_str());
    for (const std::string& name : source_.extensions) extensions_.push_back(name.c_str());
    fill();
  }
  OwnedReflection(const OwnedReflection&) = delete;
  OwnedReflection& operator=(const OwnedReflection&) = delete;

 private:
  void add(const EntryReflection& entry) {
    EntryArrays& own = arrays_.emplace_back(sizes_);
    for (const Binding& binding : entry.bindings) {
      own.bindings.push_back(to_table(binding));
      own.binding_scalars.push_back(entry.knows_scalars ? binding.scalars : 0);
    }
    for (const PushConstantMember& member : entry.push_constants) {
      own.push_members.push_back(
          {member.name.c_str(), member.type.c_str(), member.offset, member.size});
      if (entry.knows_reads) own.push_read_ends.push_back(member.read_end);
    }
    for (const Port& port : entry.ports) own.ports.push_back(to_table(port));
    SokrIrEntryPoint out{};
    out.name = entry.name.c_str();
    std::ranges::copy(entry.local_size, out.local_size);
    out.local_size_source = entry.local_size_source;
    std::ranges::copy(entry.local_size_spec_ids, out.local_size_spec_ids);
    out.workgroup_bytes = entry.workgroup_bytes;
    out.push_size = entry.push_constant_size;
    out.bindings = own.bindings.data();
    out.binding_count = own.bindings.count();
    out.binding_size = own.bindings.element_size();
    out.push_members = own.push_members.data();
    out.push_member_count = own.push_members.count();
    out.push_member_size = own.push_members.element_size();
    out.ports = data_or_null(own.ports);
    out.port_count = count(own.ports);
    out.port_size = sizeof(SokrIrPort);
    entries_.push_back(out);
    types_.push_back({data_or_null(own.binding_scalars), data_or_null(entry.push_scalars),
                      count(entry.push_scalars), sizeof(SokrIrPushScalar),
                      data_or_null(own.push_read_ends)});
  }

  void fill() {
    struct_size = static_cast<std::uint32_t>(sizes_.reflection);
    entry_points = entries_.data();
    entry_point_count = entries_.count();
    entry_point_size = entries_.element_size();
    spec_constants = constants_.data();
    spec_constant_count = constants_.count();
    spec_constant_size = constants_.element_size();
    // One for each entry point, or none at all: what is known of some only is not said.
    const bool known =
        std::ranges::all_of(source_.entry_points, [](const auto& e) { return e.knows_scalars; });
    entry_types = known ? data_or_null(types_) : nullptr;
    entry_types_size = sizeof(SokrIrEntryTypes);
    capabilities = data_or_null(capabilities_);
    capability_count = count(capabilities_);
    extensions = data_or_null(extensions_);
    extension_count = count(extensions_);
  }

  const Reflection source_;
  const TableSizes sizes_;
  ElementArray<SokrIrEntryPoint> entries_;
  std::deque<EntryArrays> arrays_;
  std::vector<SokrIrEntryTypes> types_;
  ElementArray<SokrIrSpecConstant> constants_;
  std::vector<const char*> capabilities_, extensions_;
};

// ---- From the C tables ---------------------------------------------------------------------

// The first header had no reflections without these, and no later one may be shorter.
constexpr std::size_t kLeastReflection = SOKR_SIZE_THROUGH(SokrIrReflection, entry_points);
constexpr std::size_t kLeastEntryTypes = SOKR_SIZE_THROUGH(SokrIrEntryTypes, push_scalar_size);
constexpr std::size_t kLeastPushScalar = SOKR_SIZE_THROUGH(SokrIrPushScalar, type);
constexpr std::size_t kLeastPort = SOKR_SIZE_THROUGH(SokrIrPort, offset);

Result<std::string> text(const char* from, const char* of, std::size_t index,
                         const char* what = "name") {
  if (from == nullptr) return fail(SOKR_INVALID_INPUT, "its {} {} has no {}", of, index, what);
  return std::string(from);
}

Result<std::vector<std::string>> texts(const char* const* from, std::uint32_t count,
                                       const char* what) {
  std::vector<std::string> all;
  for (std::uint32_t i = 0; from != nullptr && i < count; ++i) {
    SOKR_ASSIGN(all.emplace_back(), text(from[i], what, i));
  }
  return all;
}

// A number of an enumeration whose members are `least` to `most`.
template <class Enum>
Result<Enum> number(std::uint32_t value, std::uint32_t least, std::uint32_t most, const char* of,
                    std::size_t index, const char* what) {
  if (value >= least && value <= most) return static_cast<Enum>(value);
  return fail(SOKR_INVALID_INPUT, "its {} {} has the {} {}, which is none", of, index, what, value);
}

Result<SokrIrScalar> scalar(std::uint32_t value, const char* of, std::size_t index,
                            const char* what = "type") {
  return number<SokrIrScalar>(value, SOKR_IR_BOOL, SOKR_IR_F64, of, index, what);
}

Result<SokrImageFormat> image_format(std::uint32_t value, std::size_t index) {
  const bool is_of_spirv = value <= SOKR_IMAGE_R64I;
  return number<SokrImageFormat>(
      value, is_of_spirv ? SOKR_IMAGE_FORMAT_NONE : SOKR_IMAGE_RGBA8_SRGB,
      is_of_spirv ? SOKR_IMAGE_R64I : SOKR_IMAGE_D32F, "binding", index, "image format");
}

class Reader {
 public:
  explicit Reader(const SokrIrReflection& table) : table_(table) {}

  Result<Reflection> read() {
    const bool says_sizes = SOKR_HAS(SokrIrReflection, &table_, spec_constant_size);
    SOKR_ASSIGN(const auto entries,
                Elements<SokrIrEntryPoint>::of(
                    table_.entry_points, table_.entry_point_count,
                    says_sizes ? table_.entry_point_size : SOKR_IR_ENTRY_POINT_SIZE_1_0,
                    SOKR_IR_ENTRY_POINT_SIZE_1_0, "SokrIrEntryPoint"));
    for (std::uint32_t i = 0; i < entries.size(); ++i) SOKR_TRY(read_entry(entries, i));
    SOKR_ASSIGN(const auto constants,
                Elements<SokrIrSpecConstant>::of(
                    table_.spec_constants, table_.spec_constant_count,
                    says_sizes ? table_.spec_constant_size : SOKR_IR_SPEC_CONSTANT_SIZE_1_0,
                    SOKR_IR_SPEC_CONSTANT_SIZE_1_0, "SokrIrSpecConstant"));
    for (std::uint32_t i = 0; i < constants.size(); ++i) {
      const SokrIrSpecConstant c = constants[i];
      SOKR_ASSIGN(std::string name, text(c.name, "specialization constant", i));
      SOKR_ASSIGN(const SokrIrScalar type, scalar(c.type, "specialization constant", i));
      out_.spec_constants.push_back({c.id, type, c.default_value, c.declarations, std::move(name)});
    }
    SOKR_TRY(read_types());
    SOKR_ASSIGN(out_.capabilities,
                texts(table_.capabilities, table_.capability_count, "capability"));
    SOKR_ASSIGN(out_.extensions, texts(table_.extensions, table_.extension_count, "extension"));
    return std::move(out_);
  }

 private:
  Result<void> read_entry(const Elements<SokrIrEntryPoint>& entries, std::uint32_t index) {
    const bool says_sizes =
        entries.stride() >= SOKR_SIZE_THROUGH(SokrIrEntryPoint, push_member_size);
    const SokrIrEntryPoint from = entries[index];
    EntryReflection& entry = out_.entry_points.emplace_back();
    SOKR_ASSIGN(entry.name, text(from.name, "entry point", index));
    std::ranges::copy(from.local_size, entry.local_size.begin());
    SOKR_ASSIGN(entry.local_size_source,
                number<SokrIrLocalSizeSource>(from.local_size_source, SOKR_IR_LOCAL_SIZE_LITERAL,
                                              SOKR_IR_LOCAL_SIZE_OVERRIDE, "entry point", index,
                                              "source of its workgroup size"));
    std::ranges::copy(from.local_size_spec_ids, entry.local_size_spec_ids.begin());
    entry.workgroup_bytes = from.workgroup_bytes;
    entry.push_constant_size = from.push_size;
    SOKR_ASSIGN(const auto bindings, Elements<SokrIrBinding>::of(
                                         from.bindings, from.binding_count,
                                         says_sizes ? from.binding_size : SOKR_IR_BINDING_SIZE_1_0,
                                         SOKR_IR_BINDING_SIZE_1_0, "SokrIrBinding"));
    for (std::uint32_t i = 0; i < bindings.size(); ++i) SOKR_TRY(read_binding(bindings[i], i));
    SOKR_ASSIGN(const auto members,
                Elements<SokrIrPushMember>::of(
                    from.push_members, from.push_member_count,
                    says_sizes ? from.push_member_size : SOKR_IR_PUSH_MEMBER_SIZE_1_0,
                    SOKR_IR_PUSH_MEMBER_SIZE_1_0, "SokrIrPushMember"));
    for (std::uint32_t i = 0; i < members.size(); ++i) {
      const SokrIrPushMember member = members[i];
      PushConstantMember& own = entry.push_constants.emplace_back();
      SOKR_ASSIGN(own.name, text(member.name, "push constant", i));
      SOKR_ASSIGN(own.type, text(member.type, "push constant", i, "type"));
      own.offset = member.offset;
      own.size = member.size;
    }
    SOKR_ASSIGN(const auto ports,
                Elements<SokrIrPort>::of(from.ports, from.port_count, from.port_size, kLeastPort,
                                         "SokrIrPort"));
    for (std::uint32_t i = 0; i < ports.size(); ++i) SOKR_TRY(read_port(ports[i], i));
    return {};
  }

  Result<void> read_binding(const SokrIrBinding& from, std::uint32_t index) {
    Binding& own = out_.entry_points.back().bindings.emplace_back();
    own.set = from.set;
    own.binding = from.binding;
    own.count = from.count;
    SOKR_ASSIGN(own.kind,
                number<SokrIrBindingKind>(from.kind, SOKR_IR_STORAGE_BUFFER, SOKR_IR_OTHER_BINDING,
                                          "binding", index, "kind"));
    SOKR_ASSIGN(own.access, number<std::uint32_t>(from.access, 0, SOKR_IR_READ | SOKR_IR_WRITE,
                                                  "binding", index, "access"));
    own.min_size = from.min_size;
    own.runtime_stride = from.runtime_stride;
    SOKR_ASSIGN(own.name, text(from.name, "binding", index));
    SOKR_ASSIGN(own.dimension,
                number<SokrImageDimension>(from.dimension, SOKR_IMAGE_NONE, SOKR_IMAGE_BUFFER,
                                           "binding", index, "dimension"));
    own.image_flags = from.image_flags;
    SOKR_ASSIGN(own.image_format, image_format(from.image_format, index));
    SOKR_ASSIGN(own.sampled_type, scalar(from.sampled_type, "binding", index, "sampled type"));
    return {};
  }

  Result<void> read_port(const SokrIrPort& from, std::uint32_t index) {
    if (from.name == nullptr || *from.name == 0)
      return fail(SOKR_INVALID_INPUT, "its port {} has no name", index);
    if (from.rank != 0 && from.shape == nullptr) {
      return fail(SOKR_INVALID_INPUT, "its port {} has {} dimensions and no shape", from.name,
                  from.rank);
    }
    Port& own = out_.entry_points.back().ports.emplace_back();
    own.name = from.name;
    own.shape.assign(from.shape, from.shape + from.rank);
    SOKR_ASSIGN(own.direction, number<SokrIrDirection>(from.direction, SOKR_IR_IN, SOKR_IR_IN_OUT,
                                                       "port", index, "direction"));
    SOKR_ASSIGN(own.kind, number<SokrIrPortKind>(from.kind, SOKR_IR_PORT_BUFFER,
                                                 SOKR_IR_PORT_PARAMETER, "port", index, "kind"));
    SOKR_ASSIGN(own.type, scalar(from.type, "port", index));
    own.set = from.set;
    own.binding = from.binding;
    own.offset = from.offset;
    return {};
  }

  Result<void> read_types() {
    // These have their size from the first: without it there are none.
    const auto* given = table_.entry_types_size ? table_.entry_types : nullptr;
    SOKR_ASSIGN(const auto types, Elements<SokrIrEntryTypes>::of(
                                      given, count(out_.entry_points), table_.entry_types_size,
                                      kLeastEntryTypes, "SokrIrEntryTypes"));
    for (std::uint32_t i = 0; i < out_.entry_points.size(); ++i) {
      EntryReflection& entry = out_.entry_points[i];
      entry.knows_scalars = i < types.size();
      const SokrIrEntryTypes from = entry.knows_scalars ? types[i] : SokrIrEntryTypes{};
      entry.knows_reads = from.push_read_ends != nullptr || entry.push_constants.empty();
      SOKR_ASSIGN(const auto scalars,
                  Elements<SokrIrPushScalar>::of(
                      from.push_scalar_size ? from.push_scalars : nullptr, from.push_scalar_count,
                      from.push_scalar_size, kLeastPushScalar, "SokrIrPushScalar"));
      for (std::uint32_t s = 0; s < scalars.size(); ++s) {
        SOKR_TRY(scalar(scalars[s].type, "push scalar", s));
        entry.push_scalars.push_back(scalars[s]);
      }
      for (std::size_t b = 0; from.binding_scalars && b < entry.bindings.size(); ++b)
        entry.bindings[b].scalars = from.binding_scalars[b];
      for (std::size_t m = 0; from.push_read_ends && m < entry.push_constants.size(); ++m)
        entry.push_constants[m].read_end = from.push_read_ends[m];
    }
    return {};
  }

  const SokrIrReflection& table_;
  Reflection out_;
};

}  // namespace

const SokrIrReflection* new_reflection(Reflection reflection, const TableSizes& sizes) {
  return new OwnedReflection(std::move(reflection), sizes);
}

void free_reflection(const SokrIrReflection* reflection) noexcept {
  delete static_cast<const OwnedReflection*>(reflection);
}

Result<Reflection> read_reflection(const SokrIrReflection* table) {
  if (table == nullptr) return fail(SOKR_INVALID_INPUT, "its SokrIrReflection is null");
  if (table->struct_size < kLeastReflection) {
    return fail(SOKR_INVALID_INPUT,
                "its SokrIrReflection says that it is {} bytes long; at least {} are needed",
                table->struct_size, kLeastReflection);
  }
  SokrIrReflection known;
  sokr_copy_sized(&known, sizeof known, table, table->struct_size);
  return Reader(known).read();
}

}  // namespace sokr::ir
