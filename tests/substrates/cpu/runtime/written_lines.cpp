// SPDX-License-Identifier: MIT OR Apache-2.0
#include "written_lines.hpp"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <new>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define SOKR_TEST_SANITIZED 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SOKR_TEST_SANITIZED 1
#endif

#if defined(__x86_64__) && defined(__linux__) && !defined(SOKR_TEST_SANITIZED)

extern "C" char __data_start, _end;  // of the program's statics

namespace sokr::cpu::test {
namespace {

constexpr std::uintptr_t kPage = 4096, kLine = 64;
constexpr std::size_t kArenaBytes = std::size_t{64} << 20;
constexpr std::size_t kMostLines = 4096, kMostOpen = 8;
constexpr greg_t kTrapFlag = 0x100;

// In memory of its own, which is never watched.
struct State {
  std::atomic<bool> placing, watching;
  std::atomic<std::size_t> used;
  std::size_t count;
  std::uintptr_t lines[kMostLines];
};

void* map(std::size_t bytes) {
  void* const at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) std::abort();
  return at;
}

State& state() {
  static State* const only = new (map(sizeof(State))) State{};
  return *only;
}

std::byte* arena() {
  static std::byte* const only = static_cast<std::byte*>(map(kArenaBytes));
  return only;
}

bool is_placed(const void* at) {
  return at >= arena() && at < arena() + kArenaBytes;
}

// A thread's own pages that are open for the instruction that it executes.
thread_local std::uintptr_t open_pages[kMostOpen];
thread_local std::size_t open_count = 0;
thread_local bool is_watched = false;

// Whole pages: what else is on the first and the last one is nobody's.
std::uintptr_t statics_begin() {
  return reinterpret_cast<std::uintptr_t>(&__data_start) & ~(kPage - 1);
}
std::uintptr_t statics_end() {
  return (reinterpret_cast<std::uintptr_t>(&_end) + kPage - 1) & ~(kPage - 1);
}

bool is_of_interest(std::uintptr_t at) {
  const auto begin = reinterpret_cast<std::uintptr_t>(arena());
  return (at >= begin && at < begin + kArenaBytes) || (at >= statics_begin() && at < statics_end());
}

void protect(int how) {
  if (const std::size_t used = state().used.load())
    mprotect(arena(), (used + kPage - 1) & ~(kPage - 1), how);
  mprotect(reinterpret_cast<void*>(statics_begin()), statics_end() - statics_begin(), how);
}

void note(std::uintptr_t line) {
  State& all = state();
  for (std::size_t i = 0; i < all.count; ++i)
    if (all.lines[i] == line) return;
  if (all.count < kMostLines) all.lines[all.count++] = line;
}

void on_write(int, siginfo_t* info, void* context) {
  const auto at = reinterpret_cast<std::uintptr_t>(info->si_addr);
  if (!is_of_interest(at) || open_count == kMostOpen) {
    signal(SIGSEGV, SIG_DFL);  // a fault as any other
    return;
  }
  if (is_watched) note(at / kLine);
  const std::uintptr_t page = at & ~(kPage - 1);
  mprotect(reinterpret_cast<void*>(page), kPage, PROT_READ | PROT_WRITE);
  open_pages[open_count++] = page;
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] |= kTrapFlag;
}

void on_step(int, siginfo_t*, void* context) {
  while (open_count != 0) {
    const std::uintptr_t page = open_pages[--open_count];
    if (state().watching.load()) mprotect(reinterpret_cast<void*>(page), kPage, PROT_READ);
  }
  static_cast<ucontext_t*>(context)->uc_mcontext.gregs[REG_EFL] &= ~kTrapFlag;
}

}  // namespace

bool can_see_written_lines() {
  return true;
}

Placing::Placing() {
  state().placing = true;
}
Placing::~Placing() {
  state().placing = false;
}

std::set<std::uintptr_t> written_lines(const std::function<void()>& work) {
  State& all = state();
  // They stay: a thread may just have met a page that was closed.
  struct sigaction write{}, step{};
  write.sa_sigaction = on_write;
  step.sa_sigaction = on_step;
  write.sa_flags = step.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &write, nullptr);
  sigaction(SIGTRAP, &step, nullptr);
  all.count = 0;
  is_watched = true;
  all.watching = true;
  protect(PROT_READ);
  work();
  all.watching = false;
  protect(PROT_READ | PROT_WRITE);
  is_watched = false;
  return {all.lines, all.lines + all.count};
}

}  // namespace sokr::cpu::test

namespace {

using namespace sokr::cpu::test;

void* take(std::size_t size, std::size_t alignment) {
  State& all = state();
  if (!all.placing.load(std::memory_order_relaxed)) {
    void* at = nullptr;
    if (alignment <= alignof(std::max_align_t)) return std::malloc(size ? size : 1);
    return posix_memalign(&at, alignment, size) == 0 ? at : nullptr;
  }
  const std::size_t whole =
      (size + kLine - 1) / kLine * kLine + (alignment > kLine ? alignment : 0);
  const std::size_t from = all.used.fetch_add(whole ? whole : kLine);
  if (from + whole > kArenaBytes) return nullptr;
  const auto at = reinterpret_cast<std::uintptr_t>(arena() + from);
  return reinterpret_cast<void*>((at + alignment - 1) / alignment * alignment);
}

void* take_or_throw(std::size_t size, std::size_t alignment) {
  if (void* at = take(size, alignment)) return at;
  throw std::bad_alloc();
}

void give(void* at) {
  if (at != nullptr && !is_placed(at)) std::free(at);
}

}  // namespace

void* operator new(std::size_t size) {
  return take_or_throw(size, 1);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return take_or_throw(size, static_cast<std::size_t>(alignment));
}
void operator delete(void* at) noexcept {
  give(at);
}
void operator delete(void* at, std::size_t) noexcept {
  give(at);
}
void operator delete(void* at, std::align_val_t) noexcept {
  give(at);
}
void operator delete(void* at, std::size_t, std::align_val_t) noexcept {
  give(at);
}

#else

namespace sokr::cpu::test {

bool can_see_written_lines() {
  return false;
}
Placing::Placing() = default;
Placing::~Placing() = default;
std::set<std::uintptr_t> written_lines(const std::function<void()>& work) {
  work();
  return {};
}

}  // namespace sokr::cpu::test

#endif
