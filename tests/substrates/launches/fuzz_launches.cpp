// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Launches through a plugin's own table. The input is a kernel and a list of changes to a launch
// that fits it, down to single bytes of the parameters: it is refused with a sentence, and then
// nothing has changed, or it ends, and has changed nothing but what it was given to write.
#include <dlfcn.h>
#include <sokr/compute.h>

#include <array>
#include <fstream>
#include <iterator>
#include <optional>
#include <sokr/substrate/launch_view.hpp>

#include "fuzzing.hpp"
#include "guarded.hpp"
#include "launch_builder.hpp"
#include "reader.hpp"

namespace {

using sokr::differential::Guarded;
using sokr::fuzzing::Reader;
using sokr::fuzzing::require;
using sokr::fuzzing::require_sentence;
using sokr::substrate::LaunchView;
using sokr::substrate::testing_support::LaunchBuilder;

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t kSizes[] = {512, 64, 1003};  // of host memory, and of buffers
constexpr std::uint64_t kMostInvocations = 8192;
// What takes 3 s alone took more than 15 on a machine with sixteen others at work.
constexpr std::uint64_t kPatience = UINT64_C(600'000'000'000);  // ns

// ---- Memory ----------------------------------------------------------------------------------

// Small words, so that any three of them are group counts that do not take long.
std::vector<std::byte> contents(std::size_t size) {
  std::vector<std::byte> bytes(size);
  for (std::size_t i = 0; i < size; ++i) {
    bytes[i] = i % 4 == 0 ? static_cast<std::byte>(i / 4 % 6) : std::byte{0};
  }
  return bytes;
}

// Which bytes of a piece of memory a launch may change.
class Ranges {
 public:
  explicit Ranges(std::size_t size) : may_change_(size, false) {}
  void add(std::uint64_t offset, std::uint64_t size) {
    for (std::uint64_t i = offset; i < offset + size && i < may_change_.size(); ++i) {
      may_change_[i] = true;
    }
  }
  void require_kept(std::span<const std::byte> before, std::span<const std::byte> after) const {
    for (std::size_t i = 0; i < before.size(); ++i) {
      require(may_change_[i] || before[i] == after[i], "a byte that is not bound was written");
    }
  }

 private:
  std::vector<bool> may_change_;
};

// ---- The substrate ---------------------------------------------------------------------------

class Substrate {
 public:
  static Substrate& get() {
    static Substrate one;
    return one;
  }

  std::uint32_t id() const { return id_; }
  const SokrMemoryTable* memory() const { return info_->memory; }
  // Larger workgroups are refused.
  std::uint64_t most_local() const { return info_->limits->max_local_invocations; }
  std::string last_error() const {
    char text[2048] = "";
    info_->diagnostics->last_error(text, sizeof text);
    return text;
  }
  std::string completion_error(SokrCompletionToken token) const {
    char text[2048] = "";
    info_->diagnostics->completion_error(sokr_token_plugin_token(token), text, sizeof text);
    return text;
  }

  std::vector<Guarded> host;
  std::vector<SokrBuffer> buffers;
  std::vector<std::vector<std::byte>> before;  // what both hold when a launch starts
  std::vector<Bytes> modules;
  std::array<SokrCompletionToken, 4> tokens{};  // of earlier launches

 private:
  Substrate() {
    ::setenv("SOKR_CACHE_DIR", "", 1);  // what one run left is not there in the next
    void* library = ::dlopen(SOKR_FUZZ_PLUGIN, RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) std::fprintf(stderr, "%s\n", ::dlerror());
    require(library != nullptr, SOKR_FUZZ_PLUGIN);
    const auto main = reinterpret_cast<SokrPluginMainFn>(::dlsym(library, SOKR_PLUGIN_MAIN));
    static const SokrHostInfo host_info{
        sizeof host_info, SOKR_COMPUTE_VERSION, nullptr, nullptr, 0, 0, nullptr};
    const SokrPlugin* plugin = main(&host_info);
    require(plugin != nullptr && plugin->substrate_count > 0, "it offers no substrate");
    info_ = plugin->substrates[0];
    require(sokr_register_substrate(info_->plugin, &id_) == SOKR_OK);
    for (const std::size_t size : kSizes) {
      before.push_back(contents(size));
      host.emplace_back(before.back(),
                        size == 64 ? Guarded::Against::kStart : Guarded::Against::kEnd);
      if (memory() == nullptr) continue;
      require(memory()->create(size, SOKR_BUFFER_DEFAULT, &buffers.emplace_back()) == SOKR_OK);
      require(memory()->write(buffers.back(), 0, before.back().data(), size) == SOKR_OK);
    }
    for (const char* name : {"scatter", "arrays", "subgroups", "widths", "nothing", "two"}) {
      std::ifstream file(std::string(SOKR_FUZZ_SHADERS "/") + name + ".spv", std::ios::binary);
      modules.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
      require(!modules.back().empty(), name);
    }
  }

  const SokrSubstrateInfo* info_ = nullptr;
  std::uint32_t id_ = 0;
};

SokrBinding host_binding(std::uint32_t set, std::uint32_t binding, std::size_t piece,
                         std::uint32_t access = SOKR_ACCESS_READ_WRITE, std::uint32_t index = 0) {
  return {set,
          binding,
          index,
          SOKR_BINDING_HOST,
          access,
          0,
          reinterpret_cast<std::uint64_t>(Substrate::get().host[piece].bytes().data()),
          0,
          kSizes[piece]};
}

// ---- Launches --------------------------------------------------------------------------------

LaunchBuilder fitting_launch(std::size_t module) {
  LaunchBuilder b;
  switch (module) {
    case 0:
      b.bindings = {host_binding(0, 0, 1, SOKR_ACCESS_READ), host_binding(0, 1, 0)};
      b.push = {16, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0};
      break;
    case 1:
      b.bindings = {host_binding(0, 0, 1, SOKR_ACCESS_READ), host_binding(1, 2, 0),
                    host_binding(1, 2, 0, SOKR_ACCESS_READ_WRITE, 1),
                    host_binding(1, 2, 2, SOKR_ACCESS_READ_WRITE, 2)};
      break;
    case 2:
      b.bindings = {host_binding(0, 3, 0)};
      b.launch.groups[1] = 2;
      break;
    case 3:
      b.bindings = {host_binding(2, 0, 2)};
      break;
    case 5:
      b.bindings = {host_binding(0, 0, 0)};
      b.entry = "fill";
      break;
    default:
      break;
  }
  return b;
}

// Host memory that a launch names is the caller's to answer for: it stays within what is there.
void change_host_range(SokrBinding& binding, std::size_t piece, std::uint64_t offset,
                       std::uint64_t size) {
  const std::uint64_t all = kSizes[piece];
  binding.resource = reinterpret_cast<std::uint64_t>(Substrate::get().host[piece].bytes().data());
  binding.offset = offset % (all + 1);
  binding.size = size % (all - binding.offset + 1);
}

void change_binding(SokrBinding& binding, Reader& in) {
  Substrate& substrate = Substrate::get();
  switch (in.byte() % 8) {
    case 0:
      binding.set = in.word();
      break;
    case 1:
      binding.binding = in.word();
      break;
    case 2:
      binding.index = in.word();
      break;
    case 3:
      binding.access = in.word();
      break;
    case 4: {
      binding.kind = SOKR_BINDING_HOST;
      const std::size_t piece = in.byte() % std::size(kSizes);
      const std::uint64_t offset = in.value();
      change_host_range(binding, piece, offset, in.value());
      break;
    }
    case 5:
      binding.kind = SOKR_BINDING_BUFFER;
      binding.resource = substrate.buffers.empty()
                             ? in.value()
                             : substrate.buffers[in.byte() % substrate.buffers.size()];
      binding.offset = in.value();
      binding.size = in.value();
      break;
    case 6:
      binding.kind = SOKR_BINDING_BUFFER;
      binding.resource = in.value();
      break;
    default:
      binding = {binding.set, binding.binding, binding.index, SOKR_BINDING_NULL, 0, 0, 0, 0, 0};
  }
}

void change_launch(LaunchBuilder& b, Reader& in) {
  Substrate& substrate = Substrate::get();
  switch (in.byte() % 13) {
    case 0:
      b.launch.groups[in.byte() % 3] = in.word();
      break;
    case 1:
      b.launch.local_size[in.byte() % 3] = in.word();
      break;
    case 2:
      b.launch.subgroup_size = in.word();
      break;
    case 3:
      b.launch.flags = in.word();
      break;
    case 4: {
      const std::uint32_t id = in.byte() % 8;
      const std::uint32_t size = UINT32_C(1) << (in.byte() % 5);
      b.specializations.push_back({id, size, in.value()});
      break;
    }
    case 5:
    case 6:
      if (!b.bindings.empty()) change_binding(b.bindings[in.byte() % b.bindings.size()], in);
      break;
    case 7:
      if (!b.bindings.empty() && b.bindings.size() < 64) {
        b.bindings.push_back(b.bindings[in.byte() % b.bindings.size()]);
        b.bindings.back().index = in.word();
      }
      break;
    case 8:
      if (!b.bindings.empty()) b.bindings.erase(b.bindings.begin() + in.byte() % b.bindings.size());
      break;
    case 9:
      b.push.resize(in.byte() * std::size_t{4});
      break;
    case 10:
      if (!b.push.empty()) {
        const std::uint32_t word = in.word();
        std::memcpy(b.push.data() + in.byte() % (b.push.size() / 4) * 4, &word, sizeof word);
      }
      break;
    case 11:
      b.launch.indirect = substrate.buffers.empty() || in.byte() % 8 == 0
                              ? in.value()
                              : substrate.buffers[in.byte() % substrate.buffers.size()];
      b.launch.indirect_offset = in.value();
      break;
    default: {
      const std::uint8_t choice = in.byte();
      if (choice % 2 == 0) {
        b.entry = choice % 3 == 0 ? "square" : choice % 3 == 1 ? "main" : "no such entry point";
      } else if (b.waits.size() < 16) {
        b.waits.push_back(choice % 4 == 1 ? substrate.tokens[choice / 4 % substrate.tokens.size()]
                                          : sokr_token_encode(substrate.id(), in.value()));
      }
    }
  }
}

// Whether it is over soon, if it is not refused for its local size.
bool is_small(const LaunchView& launch) {
  const std::uint64_t most_local = Substrate::get().most_local();
  std::uint64_t groups = 1, local = 32;
  if (launch.is_indirect()) {
    groups = 125;
  } else {
    for (const std::uint32_t count : launch.groups()) {
      groups = std::min(groups * count, kMostInvocations + 1);
    }
  }
  if (launch.has_local_size()) {
    local = 1;
    for (const std::uint64_t size : launch.local_size()) local *= std::min(size, most_local + 1);
  }
  for (std::uint32_t i = 0; i < launch.specialization_count(); ++i) {
    const SokrSpecialization constant = launch.specialization(i);
    if (constant.id == 0) local = std::max(local, std::min(constant.value, most_local));
  }
  return local > most_local || groups * local <= kMostInvocations;
}

// Where a binding's bytes lie in the memory of this target; none if not all of them do.
struct Place {
  bool is_host = true;
  std::size_t piece = 0;
  std::uint64_t offset = 0;
};

std::optional<Place> place_of(const SokrBinding& binding) {
  Substrate& substrate = Substrate::get();
  for (std::size_t i = 0; i < std::size(kSizes); ++i) {
    if (binding.kind == SOKR_BINDING_BUFFER && i < substrate.buffers.size() &&
        substrate.buffers[i] == binding.resource) {
      return Place{false, i, binding.offset};
    }
    const auto start = reinterpret_cast<std::uint64_t>(substrate.host[i].bytes().data());
    const std::uint64_t at = binding.resource + binding.offset - start;
    if (binding.kind == SOKR_BINDING_HOST && at <= kSizes[i] && binding.size <= kSizes[i] - at) {
      return Place{true, i, at};
    }
  }
  return std::nullopt;
}

// The memory that a launch may change, and nothing else.
class Expected {
 public:
  Expected() {
    for (const std::size_t size : kSizes) host_.emplace_back(size), buffers_.emplace_back(size);
  }
  void may_write(const LaunchView& launch) {
    for (std::uint32_t i = 0; i < launch.binding_count(); ++i) {
      const SokrBinding binding = launch.binding(i);
      const auto place = place_of(binding);
      if (!place || (binding.access & SOKR_ACCESS_WRITE) == 0) continue;
      (place->is_host ? host_ : buffers_)[place->piece].add(place->offset, binding.size);
    }
  }
  void check() {
    Substrate& substrate = Substrate::get();
    for (std::size_t i = 0; i < std::size(kSizes); ++i) {
      const std::vector<std::byte>& before = substrate.before[i];
      require(substrate.host[i].intact(), "memory around what is bound was written");
      host_[i].require_kept(before, substrate.host[i].bytes());
      std::memcpy(substrate.host[i].bytes().data(), before.data(), before.size());
      if (i >= substrate.buffers.size()) continue;
      std::vector<std::byte> now(before.size());
      require(substrate.memory()->read(substrate.buffers[i], 0, now.data(), now.size()) == SOKR_OK);
      buffers_[i].require_kept(before, now);
      if (now == before) continue;
      require(substrate.memory()->write(substrate.buffers[i], 0, before.data(), before.size()) ==
              SOKR_OK);
    }
  }

 private:
  std::vector<Ranges> host_, buffers_;
};

// True if the launch may be tried: host memory that it names is there, and it is over soon.
bool may_try(const LaunchView& launch) {
  for (std::uint32_t i = 0; i < launch.binding_count(); ++i) {
    const SokrBinding binding = launch.binding(i);
    if (binding.kind == SOKR_BINDING_HOST && !place_of(binding)) return false;
  }
  return is_small(launch);
}

void run(const Bytes& module, const Bytes& params) {
  Substrate& substrate = Substrate::get();
  const auto launch = LaunchView::parse(params.data(), params.size());
  if (launch && !may_try(*launch)) return;
  const SokrDispatchRequest request{{},
                                    substrate.id(),
                                    module.data(),
                                    module.size(),
                                    params.empty() ? nullptr : params.data(),
                                    params.size()};
  SokrDispatchResponse response{};
  Expected expected;
  const SokrResult result = sokr_dispatch(&request, &response);
  if (result != SOKR_OK) {
    require(response.completion_token == 0);
    require_sentence(substrate.last_error());
    return expected.check();
  }
  require(launch.ok(), "parameters that cannot be read are launched");
  const SokrCompletionToken token = response.completion_token;
  const SokrCompletionQuery wait{token, kPatience};
  SokrCompletionSignal signal{}, again{};
  require(sokr_completion(&wait, &signal) == SOKR_OK, "it does not end");
  require(signal == SOKR_COMPLETION_COMPLETE || signal == SOKR_COMPLETION_FAILED);
  require(sokr_completion(&wait, &again) == SOKR_OK && again == signal, "it ends twice");
  if (signal == SOKR_COMPLETION_FAILED) require_sentence(substrate.completion_error(token));
  substrate.tokens[token % substrate.tokens.size()] = token;
  expected.may_write(*launch);
  expected.check();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  (void)Substrate::get();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Reader in(data, size);
  Substrate& substrate = Substrate::get();
  const std::size_t module = in.byte() % substrate.modules.size();
  LaunchBuilder builder = fitting_launch(module);
  const std::uint8_t changes = in.byte();
  for (int i = 0; i < changes % 16; ++i) change_launch(builder, in);
  Bytes params = builder.bytes();
  // What is left are changes to the bytes: a place, and what is there; then a length.
  if (changes >= 128) {
    while (in.more()) {
      const std::size_t at = in.byte() | in.byte() % 4 << 8;
      if (at < params.size()) params[at] = in.byte();
    }
    if (changes >= 192) params.resize(changes % 2 == 0 ? params.size() - 1 : params.size() + 8);
  }
  run(substrate.modules[module], params);
  return 0;
}

static sokr::fuzzing::Mutator make_mutator() {
  std::vector<std::string> seeds;
  for (char module = 0; module < 6; ++module) {
    seeds.push_back(std::string({module, 0}));
    // Group counts; a specialized constant; a part of host memory; a buffer; indirect counts.
    seeds.push_back(std::string({module, 1, 0, 0, 4}));
    seeds.push_back(std::string({module, 1, 4, 1, 2, 5}));
    seeds.push_back(std::string({module, 2, 5, 0, 4, 2, 4, 17, 6, 1, 4, 0, 14, 20}));
    seeds.push_back(std::string({module, 1, 5, 0, 5, 0, 0, 18}));
    seeds.push_back(std::string({module, 1, 11, 1, 0, 4}));
    seeds.push_back(std::string({module, '\x80', 12, 0, 2}));
  }
  return {std::move(seeds),
          {std::string({0, 0, 4}), std::string({1, 0, 7}), std::string({2, 7}),
           std::string({4, 0, 2, 10}), std::string({5, 0, 3, 1}), std::string({5, 1, 7}),
           std::string({7, 0, 1}), std::string({10, 1, 34}), std::string({11, 1, 1, 8}),
           std::string({12, 1})}};
}

SOKR_FUZZ_MUTATOR(make_mutator);
