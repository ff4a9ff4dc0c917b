// SPDX-License-Identifier: MIT OR Apache-2.0
#include <algorithm>
#include <atomic>
#include <iterator>
#include <sokr/base/elements.hpp>
#include <sokr/substrate/diagnostics.hpp>
#include <sokr/substrate/prepared.hpp>
#include <span>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>

namespace sokr::substrate {
namespace {

// The bytes of the structure as this build knows it: what is appended later is zero or refused.
Result<SokrKernelInfo> known_part(const SokrKernelInfo* info) {
  if (info == nullptr) return fail(SOKR_INVALID_INPUT, "its SokrKernelInfo is null");
  constexpr std::size_t kLeast = SOKR_SIZE_THROUGH(SokrKernelInfo, option_count);
  if (info->struct_size < kLeast) {
    return fail(SOKR_INVALID_INPUT,
                "its SokrKernelInfo says that it has {} bytes; it has at least {}",
                info->struct_size, kLeast);
  }
  SokrKernelInfo known;
  if (sokr_copy_sized(&known, sizeof known, info, info->struct_size) == 0) {
    return fail(SOKR_CAPABILITY_DENIED,
                "its SokrKernelInfo of {} bytes sets something behind the {} that this substrate "
                "knows: it is of a newer version",
                info->struct_size, sizeof known);
  }
  if (known.reserved != 0)
    return fail(SOKR_INVALID_INPUT, "`reserved` of its SokrKernelInfo is not 0");
  if (known.ir_data == nullptr || known.ir_size == 0)
    return fail(SOKR_INVALID_INPUT, "it has no IR");
  if (known.ir_size > SIZE_MAX / 2) {
    return fail(SOKR_INVALID_INPUT, "its IR of {} bytes is larger than memory", known.ir_size);
  }
  if (known.option_count != 0 && known.options == nullptr)
    return fail(SOKR_INVALID_INPUT, "it has {} options at null", known.option_count);
  if (known.specialization_count != 0 && known.specializations == nullptr) {
    return fail(SOKR_INVALID_INPUT, "it has {} specialization constants at null",
                known.specialization_count);
  }
  return known;
}

using When = KernelSource::When;

// What the options say, the last one of each kind.
struct Options {
  When when = When::kNow;
  bool overlaps = false;
};

// Of an option "key=value", if it is of this key: the value of the row with its word.
template <class Value>
Result<void> take(std::string_view option, std::string_view key,
                  std::span<const std::pair<std::string_view, Value>> rows, Value& out) {
  if (!option.starts_with(key) || option.size() == key.size() || option[key.size()] != '=')
    return {};
  std::string words;
  for (const auto& [word, value] : rows) {
    if (word == option.substr(key.size() + 1)) {
      out = value;
      return {};
    }
    const bool is_last = word == rows.back().first;
    words += fmt::format("{}{}", words.empty() ? "" : is_last ? " and " : ", ", word);
  }
  return fail(SOKR_INVALID_INPUT, "its option '{}' is none of {}={}", option, key, words);
}

Result<Options> options_of(const SokrKernelInfo& info) {
  using Whens = std::pair<std::string_view, When>;
  using Flags = std::pair<std::string_view, bool>;
  static constexpr Whens kWhen[] = {
      {"now", When::kNow}, {"soon", When::kSoon}, {"later", When::kLater}};
  static constexpr Flags kOverlaps[] = {{"apart", false}, {"overlap", true}};
  Options options;
  for (const char* option : std::span(info.options, info.option_count)) {
    if (option == nullptr) return fail(SOKR_INVALID_INPUT, "one of its options is null");
    SOKR_TRY(take<When>(option, "compile", kWhen, options.when));
    SOKR_TRY(take<bool>(option, "bindings", kOverlaps, options.overlaps));
  }
  return options;
}

}  // namespace

Failure no_such_kernel(SokrKernel kernel) {
  return fail(SOKR_NOT_FOUND, "no kernel is prepared as {:#x}, or it was released", kernel);
}

Result<void> check_prepared_launch(const LaunchView& launch) {
  const char* said = !launch.entry().empty()              ? "an entry point"
                     : launch.specialization_count() != 0 ? "specialization constants"
                     : launch.has_local_size()            ? "a workgroup size"
                     : launch.subgroup_size() != 0        ? "a subgroup size"
                                                          : nullptr;
  if (said == nullptr) return {};
  return fail(SOKR_INVALID_INPUT,
              "the launch of a prepared kernel names {}; that is said when it is prepared", said);
}

Result<std::unique_ptr<KernelSource>> KernelSource::copy(const SokrKernelInfo* info) {
  SOKR_ASSIGN(const SokrKernelInfo known, known_part(info));
  SOKR_ASSIGN(const auto given,
              Elements<SokrSpecialization>::of(known.specializations, known.specialization_count,
                                               known.specialization_size,
                                               SOKR_SPECIALIZATION_SIZE_1_0, "SokrSpecialization"));
  if (!given.fits()) {
    return fail(SOKR_CAPABILITY_DENIED,
                "a specialization constant of {} bytes sets something behind the {} that this "
                "substrate knows: it is of a newer version",
                given.stride(), sizeof(SokrSpecialization));
  }
  std::vector<SokrSpecialization> specializations;
  for (std::uint32_t i = 0; i < given.size(); ++i) specializations.push_back(given[i]);
  SokrLaunch launch{};
  launch.entry = known.entry;
  launch.specializations = specializations.data();
  launch.specialization_count = static_cast<std::uint32_t>(specializations.size());
  std::copy_n(known.local_size, 3, launch.local_size);
  launch.subgroup_size = known.subgroup_size;

  std::unique_ptr<KernelSource> source(new KernelSource);
  static std::atomic<std::uint64_t> serials{0};
  source->serial_ = serials.fetch_add(1, std::memory_order_relaxed) + 1;
  source->format_ = known.ir_format;
  source->id_ = known.computation_id;
  SOKR_ASSIGN(const Options options, options_of(known));
  source->when_ = options.when;
  source->overlaps_ = options.overlaps;
  source->ir_.assign(known.ir_data, known.ir_data + known.ir_size);
  source->params_.resize(sokr_launch_size(&launch));
  if (sokr_launch_write(&launch, source->params_.data(), source->params_.size()) == 0) {
    return fail(SOKR_INVALID_INPUT, "what its SokrKernelInfo says is larger than 4 GiB");
  }
  SOKR_ASSIGN(source->launch_, LaunchView::parse(source->params_.data(), source->params_.size()));
  return source;
}

Result<void> for_each_kernel(std::size_t count, unsigned threads,
                             const std::function<Result<void>(std::size_t)>& work) {
  std::mutex mutex;
  std::size_t first_failed = count;
  Failure failure;
  std::atomic<std::size_t> next{0};
  const auto run = [&] {
    for (std::size_t i; (i = next.fetch_add(1)) < count;) {
      Result<void> done;
      try {
        done = work(i);
      } catch (...) {
        done = failure_from_exception();
      }
      if (done) continue;
      const std::lock_guard lock(mutex);
      if (i < first_failed) first_failed = i, failure = std::move(done).failure();
    }
  };
  {
    std::vector<std::jthread> others;
    try {
      while (others.size() + 1 < std::min<std::size_t>(count, threads)) others.emplace_back(run);
    } catch (const std::system_error&) {
      // Those that could be started, and this one, do it.
    }
    run();
  }
  if (first_failed == count) return {};
  if (count > 1) {
    failure.sentence =
        fmt::format("kernel {} of {}: {}", first_failed + 1, count, failure.sentence);
  }
  return failure;
}

}  // namespace sokr::substrate
