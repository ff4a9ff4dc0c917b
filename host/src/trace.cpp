// SPDX-License-Identifier: MIT OR Apache-2.0
#include "trace.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sokr/base/utf8.hpp>
#include <sokr/observe.hpp>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "diagnostics.hpp"
#include "fork.hpp"
#include "log.hpp"

namespace sokr::host::trace {
namespace {

constexpr std::size_t kBuffered = 1 << 16;
// Of a substrate, dispatches whose end nobody asked for are forgotten beyond so many. Not among
// those of all: a chain of which the end alone is waited for would throw out what runs elsewhere.
constexpr std::size_t kMostUnderWay = 1 << 16;
// Lanes of devices lie behind the threads.
constexpr std::int64_t kFirstLane = 1'000'000'000;

// Null where nothing is traced. Read when the library is loaded, and kept: the program may change
// its environment later. A program with more rights than its user writes no file that they name.
const char* const file_name = [] {
  const char* const given = ::secure_getenv("SOKR_TRACE");
  return given && *given ? ::strdup(given) : nullptr;
}();

std::uint64_t now_ns() {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                        std::chrono::steady_clock::now().time_since_epoch())
                                        .count());
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  while (!text.empty()) {
    // Names of programs, and what a program calls its commands, are any bytes.
    const Character one = first_character(text);
    if (one.code == '"' || one.code == '\\') out += '\\';
    out += !one.is_valid ? kReplacement : one.code < 0x20 ? " " : text.substr(0, one.bytes);
    text.remove_prefix(one.bytes);
  }
  return out + '"';
}

std::string hexadecimal(const SokrComputationId& id) {
  std::string text;
  for (const std::uint8_t byte : id.bytes) text += fmt::format("{:02x}", byte);
  return text;
}

std::int64_t thread_id() {
  return static_cast<std::int64_t>(::syscall(SYS_gettid));
}

struct UnderWay {
  SokrComputationId computation{};
  std::uint64_t start_ns = 0;
};

// The file. One for the process that loaded the library. A child that was forked writes nothing,
// and does not even lock: a thread that it does not have may be inside.
class Writer {
 public:
  // The end of the file. What comes later, from threads that go on, is dropped.
  void finish() {
    if (is_child()) return;
    const std::lock_guard lock(mutex_);
    if (file_ < 0) return;
    buffer_ += "\n]\n";
    flush();
    ::close(file_);
    failed_ = true;
  }

  // `event` without its process, which is added. Locked.
  void add(std::int64_t lane, std::string_view lane_name, std::string_view event) {
    if (is_child()) return;
    const std::lock_guard lock(mutex_);
    if (!open()) return;
    if (lanes_.insert(lane).second) {
      append(
          fmt::format("\"ph\":\"M\",\"name\":\"thread_name\",\"tid\":{},\"args\":{{\"name\":{}}}",
                      lane, quoted(lane_name)));
    }
    append(event);
    if (buffer_.size() >= kBuffered) flush();
  }

  void remember(SokrCompletionToken token, const UnderWay& what) {
    if (is_child()) return;
    const std::lock_guard lock(mutex_);
    auto& own = under_way_[sokr_token_substrate(token)];
    if (own.size() >= kMostUnderWay) own.erase(own.begin());
    own[token] = what;
  }
  // False if its end was learned of before.
  bool take(SokrCompletionToken token, UnderWay& what) {
    if (is_child()) return false;
    const std::lock_guard lock(mutex_);
    auto& own = under_way_[sokr_token_substrate(token)];
    const auto found = own.find(token);
    if (found == own.end()) return false;
    what = found->second;
    own.erase(found);
    return true;
  }
  struct Lane {
    std::int64_t number = 0;
    std::string name;
  };
  // A lane of a substrate's device for what ran in this time. Slices of a lane lie beside or inside
  // one another, so what overlaps with its last one is on the next.
  Lane device_lane(std::string_view substrate, std::uint64_t begin_ns, std::uint64_t end_ns) {
    if (is_child()) return {};
    for (std::size_t i = 1;; ++i) {
      Lane lane;
      lane.name = i == 1 ? fmt::format("{} device", substrate)
                         : fmt::format("{} device, also {}", substrate, i);
      lane.number = lane_of(lane.name);
      const std::lock_guard lock(mutex_);
      std::uint64_t& end = busy_until_[lane.number];
      if (end > begin_ns) continue;
      end = end_ns;
      return lane;
    }
  }
  // The lane of another name than a thread's.
  std::int64_t lane_of(std::string_view name) {
    if (is_child()) return 0;
    const std::lock_guard lock(mutex_);
    const auto [at, is_new] = devices_.emplace(name, kFirstLane + next_device_);
    if (is_new) ++next_device_;
    return at->second;
  }

 private:
  bool open() {
    if (failed_) return false;
    if (file_ >= 0) return true;
    file_ = ::open(file_name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (file_ < 0) {
      give_up();
      return false;
    }
    buffer_.assign(1, '[');
    append(fmt::format("\"ph\":\"M\",\"name\":\"process_name\",\"args\":{{\"name\":{}}}",
                       quoted(program_invocation_short_name)));
    return true;
  }

  void append(std::string_view event) {
    buffer_ += fmt::format("{}\n{{\"pid\":{},{}}}", is_first_ ? "" : ",", owner_, event);
    is_first_ = false;
  }

  void flush() {
    std::string_view left = buffer_;
    while (!left.empty() && !failed_) {
      const ssize_t count = ::write(file_, left.data(), left.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) {
        give_up();
        break;
      }
      left.remove_prefix(static_cast<std::size_t>(count));
    }
    buffer_.clear();
  }

  void give_up() {
    log(SOKR_LOG_WARNING, "SOKR_TRACE: '{}' cannot be written: {}; there is no trace", file_name,
        std::generic_category().message(errno));
    failed_ = true;
  }

  bool is_child() const { return fork_depth() != 0; }

  std::mutex mutex_;
  int file_ = -1;
  const pid_t owner_ = ::getpid();
  bool failed_ = false, is_first_ = true;
  std::string buffer_;
  std::set<std::int64_t> lanes_;
  std::map<std::string, std::int64_t, std::less<>> devices_;
  std::int64_t next_device_ = 0;
  std::map<std::int64_t, std::uint64_t> busy_until_;  // lanes of devices
  // Of each substrate, in the order of its tokens.
  std::map<std::uint32_t, std::map<SokrCompletionToken, UnderWay>> under_way_;
};

// It stays until the process has ended: contexts that are static end late.
Writer& writer() {
  static Writer* const one = [] {
    auto* const made = new Writer;
    std::atexit([] { writer().finish(); });
    return made;
  }();
  return *one;
}

double us(std::uint64_t ns) {
  return static_cast<double>(ns) / 1000;
}

void add_to_thread(std::string_view event, std::string_view thread_name = {}) {
  const std::int64_t thread = thread_id();
  std::string name(thread_name);
  if (name.empty()) name = thread == ::getpid() ? "main thread" : fmt::format("thread {}", thread);
  writer().add(thread, name, fmt::format("\"tid\":{},{}", thread, event));
}

std::string slice(std::string_view name, std::uint64_t begin_ns, std::uint64_t end_ns,
                  std::string_view arguments, std::string_view category = "sokr") {
  return fmt::format(
      "\"ph\":\"X\",\"cat\":\"{}\",\"name\":{},\"ts\":{:.3f},\"dur\":{:.3f},\"args\":{{{}}}",
      category, quoted(name), us(begin_ns), us(end_ns - begin_ns), arguments);
}

std::string flow(char kind, SokrCompletionToken token, std::uint64_t at_ns) {
  return fmt::format(
      "\"ph\":\"{}\",\"cat\":\"sokr\",\"name\":\"completion\",\"id\":\"{:x}\",\"ts\":{:.3f}{}",
      kind, token, us(at_ns), kind == 'f' ? ",\"bp\":\"e\"" : "");
}

}  // namespace

// The writer is that of the process that loads the library, whenever its first event comes.
const bool is_on = file_name != nullptr && (writer(), true);

void add_slice(const SokrTraceSlice& given, const char* substrate, std::uint32_t id) {
  std::string arguments = fmt::format("\"substrate\":{}", quoted(substrate));
  if (given.plugin_token != 0) {
    arguments += fmt::format(",\"token\":\"{:x}\"", sokr_token_encode(id, given.plugin_token));
  }
  if (given.group_count != 0) {
    arguments +=
        fmt::format(",\"first_group\":{},\"group_count\":{}", given.first_group, given.group_count);
  }
  add_to_thread(
      slice(given.name ? given.name : "", given.begin_ns, std::max(given.begin_ns, given.end_ns),
            arguments, given.group_count != 0 ? "workgroups" : "sokr"),
      given.thread ? fmt::format("{} {}", substrate, given.thread) : std::string());
}

void Span::begin(const char* what, const SokrSubstrateInfo& info,
                 const SokrComputationId* computation) {
  info_ = &info;
  what_ = what;
  computation_ = computation;
  begin_ns_ = now_ns();
}

void Span::end() noexcept try {
  const std::uint64_t end_ns = now_ns();
  std::string arguments = fmt::format("\"substrate\":{}", quoted(info_->name));
  if (computation_) arguments += fmt::format(",\"computation\":\"{}\"", hexadecimal(*computation_));
  if (token_) arguments += fmt::format(",\"token\":\"{:x}\"", token_);
  add_to_thread(slice(what_, begin_ns_, end_ns, arguments));
  if (!token_) return;
  add_to_thread(flow('s', token_, begin_ns_ + (end_ns - begin_ns_) / 2));
  writer().remember(token_, {computation_ ? *computation_ : SokrComputationId{}, begin_ns_});
} catch (...) {
  // Out of memory: a slice less.
}

void Span::learn(SokrCompletionToken token, bool failed) {
  UnderWay what;
  if (!writer().take(token, what)) return;
  const std::uint64_t now = now_ns();
  add_to_thread(flow('f', token, now));
  const std::string arguments =
      fmt::format("\"substrate\":{},\"computation\":\"{}\",\"token\":\"{:x}\",\"failed\":{}",
                  quoted(info_->name), hexadecimal(what.computation), token, failed);
  add_to_thread(fmt::format(
      "\"ph\":\"i\",\"s\":\"t\",\"cat\":\"sokr\",\"name\":\"complete\",\"ts\":{:.3f},\"args\":{{{},"
      "\"latency_us\":{:.3f}}}",
      us(now), arguments, us(now - what.start_ns)));
  const auto timing = timing_of(*info_, token);
  if (!timing || timing->device_ns == 0) return;
  // When is known, or how long it ran at least, and that it had ended by now.
  const std::uint64_t end =
      timing->ended_ns != 0 ? std::clamp(timing->ended_ns, what.start_ns, now) : now;
  const std::uint64_t begin = end - std::min(timing->device_ns, end - what.start_ns);
  const Writer::Lane lane = writer().device_lane(info_->name, begin, end);
  writer().add(lane.number, lane.name,
               fmt::format("\"tid\":{},{}", lane.number, slice("execute", begin, end, arguments)));
}

}  // namespace sokr::host::trace

bool sokr::is_traced() noexcept {
  return host::trace::is_on;
}

void sokr::trace_slice(const char* lane, const char* name, std::uint64_t begin_ns,
                       std::uint64_t end_ns) noexcept {
  using namespace host::trace;
  if (!is_on) return;
  try {
    const std::int64_t number = writer().lane_of(lane);
    writer().add(number, lane,
                 fmt::format("\"tid\":{},{}", number, slice(name, begin_ns, end_ns, "")));
  } catch (...) {  // no memory: a slice less
  }
}
