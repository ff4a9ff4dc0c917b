// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Runs what pack.sh put into its folder on the Vulkan devices of this machine, and leaves
// report.json and report.txt beside itself. Each step, and each test, is a process of its own with
// a time of its own, so that one that crashes or hangs is a result like any other. Links nothing
// but the C library dynamically.
//
//   gpu-check [--out FOLDER] [--seconds N] [--only FILTER]
//
//   --out FOLDER    where the report goes; beside the program if not given
//   --seconds N     for everything; 450. What there is no time for is reported as not run
//   --only FILTER   of the Vulkan tests, as GoogleTest has it; all
//
// Exit code: 0 if every step passed, 1 if one did not, 2 for a command line that is wrong, or where
// no report can be written.
#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kMostOutput = 64 << 10;  // of one process, from its end

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

struct Ran {
  int status = 0;  // as wait() has it
  bool timed_out = false, started = true;
  double seconds = 0;
  std::string output;

  bool passed() const {
    return started && !timed_out && WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  std::string ending() const {
    if (!started) return "could not be started";
    if (timed_out) return "did not end in its time";
    if (WIFSIGNALED(status)) return std::string("crashed: ") + strsignal(WTERMSIG(status));
    return "exit code " + std::to_string(WEXITSTATUS(status));
  }
};

// Everything that the process and its children print. They are gone when it returns.
Ran run(const std::vector<std::string>& command, double most_seconds) {
  Ran ran;
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    ran.started = false;
    return ran;
  }
  const auto start = Clock::now();
  const pid_t child = fork();
  if (child == 0) {
    setpgid(0, 0);
    dup2(ends[1], 1);
    dup2(ends[1], 2);
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    execv(words[0], words.data());
    std::fprintf(stderr, "%s: %s\n", words[0], std::strerror(errno));
    _exit(127);
  }
  close(ends[1]);
  ran.started = child > 0;
  char bytes[4096];
  while (ran.started) {
    const double left = most_seconds - seconds_since(start);
    pollfd ready{ends[0], POLLIN, 0};
    if (left <= 0 || poll(&ready, 1, static_cast<int>(left * 1000) + 1) == 0) {
      ran.timed_out = true;
      break;
    }
    const ssize_t got = read(ends[0], bytes, sizeof bytes);
    if (got <= 0) break;
    ran.output.append(bytes, static_cast<std::size_t>(got));
    if (ran.output.size() > 2 * kMostOutput) ran.output.erase(0, ran.output.size() - kMostOutput);
  }
  if (ran.started) {
    kill(-child, SIGKILL);  // what it left behind, or all of it
    waitpid(child, &ran.status, 0);
  }
  close(ends[0]);
  ran.seconds = seconds_since(start);
  return ran;
}

std::string json_text(std::string_view text) {
  std::string json = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      json += '\\';
      json += c;
    } else if (c == '\n') {
      json += "\\n";
    } else if (byte < 0x20 || byte >= 0x7f) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", byte);
      json += code;
    } else {
      json += c;
    }
  }
  return json + '"';
}

std::string number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

std::string read_all(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

// Lines with one of the words in them.
std::vector<std::string> lines_with(std::string_view text, std::vector<std::string_view> words) {
  std::vector<std::string> lines;
  std::istringstream stream{std::string(text)};
  for (std::string line; std::getline(stream, line);) {
    const auto has = [&](std::string_view word) { return line.find(word) != std::string::npos; };
    if (std::any_of(words.begin(), words.end(), has)) lines.push_back(line);
  }
  return lines;
}

struct Step {
  std::string name, result, output;  // result: "passed", "skipped", "failed: ...", "not run: ..."
  double seconds = 0;
  std::string json;  // of its own, if it gave any

  bool failed() const { return result.starts_with("failed"); }
};

class Check {
 public:
  Check(fs::path home, fs::path out, double seconds)
      : home_(std::move(home)), out_(std::move(out)), most_(seconds) {}

  void devices() {
    Step step = ordinary("devices", {bin("sokr"), "devices", "--json"}, 60);
    if (step.result == "passed") step.json = step.output;
    add(std::move(step));
    Step text = ordinary("devices, as text", {bin("sokr"), "devices"}, 60);
    add(std::move(text));
    setenv("SOKR_VULKAN_PROBE", "devices", 1);
    Step tried =
        ordinary("devices, tried in a child process", {bin("sokr"), "devices", "--json"}, 90);
    unsetenv("SOKR_VULKAN_PROBE");
    if (tried.result == "passed" && tried.output.find("\"vulkan:") == std::string::npos)
      tried.result = "failed: no device is left";
    add(std::move(tried));
  }

  void conformance() {
    const fs::path report = out_ / "conformance.json";
    fs::remove(report);
    Step step = ordinary("conformance",
                         {bin("sokr"), "check", (home_ / "lib/sokr/sokr-vulkan.so").string(),
                          "--timeout", "20", "--json", report.string()},
                         std::min(240.0, left()));
    step.json = read_all(report);
    fs::remove(report);
    add(std::move(step));
  }

  void tests(const std::string& filter) {
    const Ran listed =
        run({bin("test_vulkan"), "--gtest_list_tests", "--gtest_filter=" + filter}, 60);
    std::vector<std::string> names;
    std::string suite;
    std::istringstream lines(listed.output);
    for (std::string line; std::getline(lines, line);) {
      line = line.substr(0, line.find("  #"));
      while (!line.empty() && line.back() == ' ') line.pop_back();
      if (line.empty() || line.starts_with("Running")) continue;
      if (line[0] != ' ') {
        suite = line;
      } else {
        names.push_back(suite + line.substr(line.find_first_not_of(' ')));
      }
    }
    if (!listed.passed() || names.empty()) {
      add({"the list of tests", "failed: " + listed.ending(), listed.output, listed.seconds, {}});
    }
    for (const std::string& name : names) {
      Step step =
          ordinary(name, {bin("test_vulkan"), "--gtest_brief=0", "--gtest_filter=" + name}, 60);
      if (step.result == "passed" && step.output.find("[  SKIPPED ]") != std::string::npos)
        step.result = "skipped";
      if (!step.failed()) step.output.clear();
      add(std::move(step));
    }
  }

  void timings() {
    Step step = ordinary("timings", {bin("bench_vulkan")}, std::min(120.0, left()));
    const std::size_t begin = step.output.rfind('{');
    if (step.result == "passed" && begin != std::string::npos)
      step.json = step.output.substr(begin);
    add(std::move(step));
  }

  // False if it could not be written.
  bool report() const {
    const fs::path json = out_ / "report.json", text = out_ / "report.txt";
    std::ofstream a(json, std::ios::binary), b(text, std::ios::binary);
    a << as_json();
    b << as_text();
    a.close();
    b.close();
    if (!a || !b) {
      std::fprintf(stderr, "gpu-check: %s cannot be written\n", out_.c_str());
      return false;
    }
    std::printf("%s\n", text.c_str());
    return true;
  }
  bool passed() const {
    return std::none_of(steps_.begin(), steps_.end(),
                        [](const Step& step) { return step.failed(); });
  }

 private:
  double left() const { return most_ - seconds_since(start_); }
  std::string bin(const char* name) const { return (home_ / "bin" / name).string(); }

  Step ordinary(std::string name, const std::vector<std::string>& command, double seconds) {
    Step step;
    step.name = std::move(name);
    if (left() < 1) {
      step.result = "not run: there was no time left";
      return step;
    }
    Ran ran = run(command, std::min(seconds, left()));
    step.result = ran.passed() ? "passed" : "failed: " + ran.ending();
    step.output = std::move(ran.output);
    step.seconds = ran.seconds;
    return step;
  }

  void add(Step step) {
    std::printf("%-64s %s\n", step.name.c_str(), step.result.c_str());
    std::fflush(stdout);
    steps_.push_back(std::move(step));
    // Whatever comes next, what is known so far is on disk.
    std::ofstream(out_ / "report.json", std::ios::binary) << as_json();
  }

  std::size_t count(std::string_view result) const {
    return static_cast<std::size_t>(
        std::count_if(steps_.begin(), steps_.end(),
                      [&](const Step& step) { return step.result.starts_with(result); }));
  }

  std::vector<std::string> validation() const {
    std::vector<std::string> all;
    for (const Step& step : steps_)
      for (std::string& line : lines_with(step.output, {"VUID-", "SYNC-HAZARD", "UNASSIGNED-"}))
        all.push_back(step.name + ": " + line);
    return all;
  }

  std::string as_json() const {
    std::string json =
        "{\"schema\": \"sokr.gpu-check/1\", \"seconds\": " + number(seconds_since(start_));
    for (const char* result : {"passed", "failed", "skipped", "not run"})
      json += ", " + json_text(result) + ": " + std::to_string(count(result));
    json += ",\n\"validation\": [";
    const std::vector<std::string> messages = validation();
    for (std::size_t i = 0; i < messages.size(); ++i)
      json += (i ? ",\n" : "\n") + json_text(messages[i]);
    json += "],\n\"steps\": [";
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      const Step& step = steps_[i];
      json += (i ? ",\n" : "\n");
      json += "{\"name\": " + json_text(step.name) + ", \"result\": " + json_text(step.result) +
              ", \"seconds\": " + number(step.seconds);
      // What a step itself wrote is JSON only if it came to its end.
      if (step.json.starts_with('{') && !step.failed()) {
        json += ", \"data\": " + step.json;
      } else if (!step.json.empty()) {
        json += ", \"data_as_text\": " + json_text(step.json);
      }
      if (!step.output.empty() && step.output != step.json)
        json += ", \"output\": " + json_text(step.output);
      json += "}";
    }
    return json + "]}\n";
  }

  std::string as_text() const {
    std::string text = "SOKR on the GPUs of this machine\n\n";
    for (const char* result : {"passed", "failed", "skipped", "not run"})
      text += std::string(result) + ": " + std::to_string(count(result)) + "   ";
    text += "in " + number(seconds_since(start_)) + " s\n\n";
    for (const Step& step : steps_) {
      if (step.name == "devices, as text") text += step.output + "\n";
      if (step.name == "timings") text += "timings: " + step.json + "\n\n";
    }
    for (const Step& step : steps_) {
      if (step.result == "passed" || step.result == "skipped") continue;
      text += "---- " + step.name + ": " + step.result + "\n" + step.output + "\n";
    }
    for (const std::string& line : validation()) text += line + "\n";
    return text;
  }

  fs::path home_, out_;
  double most_;
  Clock::time_point start_ = Clock::now();
  std::vector<Step> steps_;
};

// The validation layer, which is carried packed: it may be larger than all the rest. Without a gzip
// the tests say that there is none.
std::string unpack_layers(const fs::path& packed, const fs::path& to) {
  std::error_code error;
  fs::create_directories(to, error);
  fs::copy(packed, to, fs::copy_options::recursive | fs::copy_options::overwrite_existing, error);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(to, error))
    if (entry.path().extension() == ".gz") files.push_back(entry.path());
  for (const fs::path& file : files) run({"/usr/bin/env", "gzip", "-d", "-f", file.string()}, 60);
  return to.string();
}

// The folder's own libraries, plugins, kernels and validation layer. Its C++ library and Vulkan
// loader only where the system has none that will do: drivers are made for those of the system.
void set_environment(const fs::path& home, const fs::path& out) {
  const auto set = [](const char* name, const std::string& value) {
    setenv(name, value.c_str(), 1);
  };
  const char* before = std::getenv("LD_LIBRARY_PATH");
  std::string libraries = before && *before ? std::string(before) + ":" : "";
  libraries += (home / "lib").string();
  if (void* loader = dlopen("libvulkan.so.1", RTLD_LAZY | RTLD_LOCAL)) {
    dlclose(loader);
  } else {
    libraries += ":" + (home / "lib/loader").string();
  }
  set("LD_LIBRARY_PATH", libraries);
  if (!run({(home / "bin/sokr").string(), "--version"}, 30).passed())
    set("LD_LIBRARY_PATH", libraries + ":" + (home / "lib/cxx").string());
  set("SOKR_PLUGIN_PATH", (home / "lib/sokr").string());
  set("SOKR_TEST_SHADER_FOLDER", (home / "share/tests").string());
  set("VK_ADD_LAYER_PATH", unpack_layers(home / "share/layers", out / "cache/layers"));
  set("SOKR_CACHE_DIR", (out / "cache").string());
}

int usage() {
  std::fprintf(stderr, "usage: gpu-check [--out FOLDER] [--seconds N] [--only FILTER]\n");
  return 2;
}

int check(int count, char** words) {
  std::error_code error;
  const fs::path home = fs::read_symlink("/proc/self/exe", error).parent_path();
  fs::path out = home;
  double seconds = 450;
  std::string filter = "*";
  for (int i = 1; i < count; i += 2) {
    const std::string_view flag = words[i];
    if (i + 1 == count) return usage();
    if (flag == "--out") {
      out = fs::absolute(words[i + 1]);
    } else if (flag == "--seconds") {
      char* end = nullptr;
      seconds = std::strtod(words[i + 1], &end);
      if (*end != 0 || !(seconds > 0)) return usage();
    } else if (flag == "--only") {
      filter = words[i + 1];
    } else {
      return usage();
    }
  }
  fs::create_directories(out / "cache", error);
  set_environment(home, out);
  Check all(home, out, seconds);
  all.devices();
  all.timings();
  all.conformance();
  all.tests(filter);
  fs::remove_all(out / "cache", error);
  if (!all.report()) return 2;
  return all.passed() ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  try {
    return check(count, words);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "gpu-check: %s\n", error.what());
    return 2;
  }
}
