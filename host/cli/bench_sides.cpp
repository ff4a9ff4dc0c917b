// SPDX-License-Identifier: MIT OR Apache-2.0
#include "bench_sides.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>

#include "text.hpp"

namespace sokr::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int kProfiled = 31;
// Memory for more copies of the buffers than this is not taken.
constexpr std::uint64_t kMostCopies = std::uint64_t{1} << 30;

double since(Clock::time_point start) {
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

// Dispatches under way, of which none uses memory any more when this is gone.
template <std::size_t N>
struct Flying {
  std::array<Completion, N> all;
  Flying() = default;
  Flying(const Flying&) = delete;
  Flying& operator=(const Flying&) = delete;
  ~Flying() {
    for (const Completion& one : all) {
      try {
        if (one.token()) one.wait();
      } catch (const Error&) {  // told by whoever waited for it
      }
    }
  }
};

}  // namespace

BenchSubject::BenchSubject(const Substrate& substrate, const Kernel& kernel, const Plan& plan)
    : substrate_(substrate), kernel_(kernel), plan_(plan), launch_(plan.launch) {
  memory_ = bind_buffers(plan, launch_);
}

double BenchSubject::once() {
  const auto start = Clock::now();
  substrate_.dispatch(kernel_, launch_).wait();
  return since(start);
}

double BenchSubject::first() {
  started_ = true;
  return once();
}

void BenchSubject::warm(std::uint32_t count, std::vector<double>& ns) {
  for (std::uint32_t i = 0; i < count; ++i) {
    if (started_) swap_buffers(plan_, memory_, launch_);
    started_ = true;
    ns.push_back(once());
  }
}

void BenchSubject::pipelined(std::uint32_t count, std::vector<double>& ns) {
  while (slots_.size() < kInFlight) {
    Slot& slot = slots_.emplace_back();
    slot.launch = plan_.launch;
    slot.memory = bind_buffers(plan_, slot.launch);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Flying<kInFlight> flying;
    for (Slot& slot : slots_) swap_buffers(plan_, slot.memory, slot.launch);
    const auto start = Clock::now();
    for (std::size_t k = 0; k < kInFlight; ++k) {
      flying.all[k] = substrate_.dispatch(kernel_, slots_[k].launch);
    }
    for (const Completion& one : flying.all) one.wait();
    ns.push_back(since(start) / kInFlight);
  }
}

void BenchSubject::batched(std::uint32_t count, std::vector<double>& ns) {
  if (!chain_) {
    chain_ = std::make_unique<Slot>();
    chain_->launch = plan_.launch;
    chain_->memory = bind_buffers(plan_, chain_->launch);
  }
  for (std::uint32_t i = 0; i < count; ++i) {
    Flying<kBatch> chain;
    const auto start = Clock::now();
    for (std::size_t k = 0; k < kBatch; ++k) {
      chain_->launch.clear_after();
      if (k > 0) chain_->launch.after(chain.all[k - 1]);
      chain.all[k] = substrate_.dispatch(kernel_, chain_->launch);
      swap_buffers(plan_, chain_->memory, chain_->launch);
    }
    chain.all.back().wait();
    ns.push_back(since(start) / kBatch);
  }
}

Split BenchSubject::split() {
  const auto ns = [](Clock::duration time) {
    return std::max(0.0, static_cast<double>(std::chrono::nanoseconds(time).count()));
  };
  std::vector<double> submit, queue, execute, notice, rest;
  Launch launch = launch_;
  launch.profile();
  for (int i = 0; i < kProfiled; ++i) {
    const auto start = Clock::now();
    const Completion completion = substrate_.dispatch(kernel_, launch);
    const auto submitted = Clock::now();
    completion.wait();
    const auto known = Clock::now();
    const auto device = completion.device_time();
    if (device) execute.push_back(ns(*device));
    // A substrate may do the work inside of the call that starts it.
    if (const auto moments = completion.device_interval()) {
      const auto began = std::clamp(moments->began, start, known);
      const auto left = std::min(submitted, began);
      submit.push_back(ns(left - start));
      queue.push_back(ns(began - left));
      notice.push_back(ns(known - std::clamp(moments->ended, began, known)));
      rest.push_back(queue.back() + notice.back());
    } else {
      submit.push_back(ns(submitted - start));
      const Clock::duration told = device.value_or(std::chrono::nanoseconds(0));
      rest.push_back(ns(known - start - std::max(submitted - start, told)));
    }
    if (known - start > std::chrono::milliseconds(20) && i >= 4) break;
  }
  const auto median_of = [](const std::vector<double>& some) {
    return some.empty() ? std::nullopt : std::optional(measure::median(some));
  };
  return {measure::median(submit), median_of(queue), median_of(execute), median_of(notice),
          measure::median(rest)};
}

Calibrated BenchSubject::calibrated() {
  return {plan_, [this] {
            std::vector<double> ns;
            warm(1, ns);
            return ns.front();
          }};
}

std::string BenchSubject::try_pipelined() {
  std::uint64_t bytes = 0;
  for (const PlannedBuffer& buffer : plan_.buffers) bytes += buffer.size;
  if (bytes > kMostCopies / kInFlight) {
    return fmt::format("{} copies of the buffers would take more than {}", kInFlight,
                       bytes_text(kMostCopies));
  }
  try {
    std::vector<double> ns;
    pipelined(1, ns);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

std::string BenchSubject::try_batched() {
  try {
    std::vector<double> ns;
    batched(1, ns);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

}  // namespace sokr::cli
