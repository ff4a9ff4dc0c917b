// SPDX-License-Identifier: MIT OR Apache-2.0
//
// sokr-demo: develops a photograph on every substrate of this machine.
//
//   sokr-demo [--photo FILE] [FOLDER]
//
// Without --photo a photograph that a package of the distribution brings, else a drawn picture.
// Five dispatches: two Gaussian blurs (each in two directions, a halo in shared memory), then
// local contrast, sharpening, tones and colours. The results of all substrates are compared;
// FOLDER (default demo-out) receives before.png and after.png.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <optional>
#include <sokr/sokr.hpp>
#include <string>
#include <system_error>

#include "photograph.hpp"

namespace sokr::demo {
namespace {

// Photographs that packages bring; the first that lies here is developed. cmake/packages.txt
// has the package of each distribution.
struct PackagedPhotograph {
  const char* file;
  const char* package;
};
constexpr PackagedPhotograph kPackaged[] = {
    {"/usr/share/backgrounds/picosdeeuropa_by_Aitzol_Berasategi.jpg", "lomiri-wallpapers-16.04"},
};
constexpr const char* kDrawn = "a drawn picture";
constexpr std::uint32_t kWidth = 1632;     // the photograph is brought to about this width
constexpr std::uint32_t kSmallFactor = 4;  // and for the reference substrate down again
constexpr int kWarmRuns = 5;
constexpr int kTolerance = 1;  // of 255: a value in the middle between two may go either way

using Clock = std::chrono::steady_clock;
using Pixels = std::vector<std::array<std::uint8_t, 4>>;

struct BlurParams {
  std::uint32_t width, height, radius, vertical;
  float sigma;
};

struct DevelopParams {
  std::uint32_t width, height;
  float sharpen, clarity, saturation, vignette;
};

struct Options {
  std::filesystem::path photograph;  // empty: a packaged one, else the drawn one
  std::filesystem::path folder = "demo-out";
};

struct Kernels {
  Kernel blur, develop;
};

// Memory that passes hand on: on the substrate if it has its own, otherwise on the host.
class Plane {
 public:
  Plane(const Substrate& substrate, std::size_t size) {
    if (substrate.info().memory != nullptr) {
      buffer_ = substrate.allocate(size);
    } else {
      host_.resize(size);
    }
  }
  void write(std::span<const std::byte> bytes) {
    buffer_ ? buffer_->write(bytes) : void(std::ranges::copy(bytes, host_.begin()));
  }
  void read(std::span<std::byte> bytes) const {
    buffer_ ? buffer_->read(bytes) : void(std::ranges::copy(host_, bytes.begin()));
  }
  View view(SokrAccess access) {
    if (buffer_) return buffer_->view(access);
    View view = read_write(host_);
    view.access = access;
    return view;
  }

 private:
  std::optional<Buffer> buffer_;
  std::vector<std::byte> host_;
};

// The filter for one photograph on one substrate.
class Filter {
 public:
  Filter(const Substrate& substrate, const Kernels& kernels, const Photograph& photograph)
      : substrate_(substrate),
        kernels_(kernels),
        width_(photograph.width),
        height_(photograph.height),
        image_(substrate, plane_size()),
        half_way_(substrate, plane_size()),
        fine_(substrate, plane_size()),
        coarse_(substrate, plane_size()),
        developed_(substrate, std::size_t{4} * width_ * height_) {
    const std::vector<std::array<float, 4>> light = linear(photograph);
    image_.write(std::as_bytes(std::span(light)));
  }

  // The first of the five dispatches, alone.
  void run_one_pass() { blur(image_, half_way_, 2, false, nullptr).wait(); }

  void run() {
    // The radii are for the full width; a smaller photograph looks the same.
    std::uint32_t radius = std::clamp(width_ / 64, 4u, 30u);
    Completion last = blur(image_, half_way_, 2, false, nullptr);
    last = blur(half_way_, fine_, 2, true, &last);
    last = blur(image_, half_way_, radius, false, &last);
    last = blur(half_way_, coarse_, radius, true, &last);
    DevelopParams params{width_, height_, 0.9f, 0.35f, 0.45f, 0.30f};
    Launch launch;
    launch.threads(width_, height_).push(params).after(last);
    launch.bind(0, 0, image_.view(SOKR_ACCESS_READ)).bind(0, 1, fine_.view(SOKR_ACCESS_READ));
    launch.bind(0, 2, coarse_.view(SOKR_ACCESS_READ));
    launch.bind(0, 3, developed_.view(SOKR_ACCESS_WRITE));
    substrate_.dispatch(kernels_.develop, launch).wait();
  }

  Pixels result() const {
    Pixels pixels(std::size_t{width_} * height_);
    developed_.read(std::as_writable_bytes(std::span(pixels)));
    return pixels;
  }

 private:
  std::size_t plane_size() const { return std::size_t{16} * width_ * height_; }

  Completion blur(Plane& from, Plane& to, std::uint32_t radius, bool vertical,
                  const Completion* after) {
    constexpr std::uint32_t kSpan = 128;  // pixels of one workgroup
    BlurParams params{width_, height_, radius, vertical, 0.4f * static_cast<float>(radius)};
    std::uint32_t length = vertical ? height_ : width_, lines = vertical ? width_ : height_;
    Launch launch;
    launch.groups((length + kSpan - 1) / kSpan, lines).push(params);
    launch.bind(0, 0, from.view(SOKR_ACCESS_READ)).bind(0, 1, to.view(SOKR_ACCESS_WRITE));
    if (after != nullptr) launch.after(*after);
    return substrate_.dispatch(kernels_.blur, launch);
  }

  Substrate substrate_;
  const Kernels& kernels_;
  std::uint32_t width_, height_;
  Plane image_, half_way_, fine_, coarse_, developed_;
};

// One line of the table.
struct Row {
  std::string substrate, kind, size, first, warm, filter, agrees;
};

struct Result {
  Row row;
  Pixels pixels;
};

std::string milliseconds(Clock::duration time) {
  return fmt::format("{:.2f} ms", std::chrono::duration<double, std::milli>(time).count());
}

Clock::duration timed(const std::function<void()>& work) {
  Clock::time_point start = Clock::now();
  work();
  return Clock::now() - start;
}

std::string median(int runs, const std::function<void()>& work) {
  std::vector<Clock::duration> times;
  for (int i = 0; i < runs; ++i) times.push_back(timed(work));
  std::nth_element(times.begin(), times.begin() + runs / 2, times.end());
  return milliseconds(times[static_cast<std::size_t>(runs / 2)]);
}

const char* kind_name(std::uint32_t kind) {
  switch (kind) {
    case SOKR_KIND_DISCRETE_GPU:
      return "discrete GPU";
    case SOKR_KIND_INTEGRATED_GPU:
      return "integrated GPU";
    case SOKR_KIND_VIRTUAL_GPU:
      return "virtual GPU";
    case SOKR_KIND_CPU:
      return "CPU";
    case SOKR_KIND_SOFTWARE_GPU:
      return "software GPU";
    case SOKR_KIND_REFERENCE:
      return "reference";
    default:
      return "other";
  }
}

Result develop(const Substrate& substrate, const Kernels& kernels, const Photograph& photograph) {
  Filter filter(substrate, kernels, photograph);
  int runs = substrate.info().kind == SOKR_KIND_REFERENCE ? 1 : kWarmRuns;
  Result result;
  result.row.substrate = substrate.name();
  result.row.kind = kind_name(substrate.info().kind);
  result.row.size = fmt::format("{} x {}", photograph.width, photograph.height);
  result.row.first = milliseconds(timed([&filter] { filter.run_one_pass(); }));
  result.row.warm = median(runs, [&filter] { filter.run_one_pass(); });
  filter.run();  // compiles the second kernel
  result.row.filter = median(runs, [&filter] { filter.run(); });
  result.pixels = filter.result();
  return result;
}

int largest_difference(const Pixels& a, const Pixels& b) {
  int largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t c = 0; c < 4; ++c) largest = std::max(largest, std::abs(a[i][c] - b[i][c]));
  }
  return largest;
}

void print(const std::vector<Row>& rows) {
  auto line = [](const Row& row) {
    fmt::print("{:<12} {:<15} {:<13} {:>15} {:>15} {:>15}  {}\n", row.substrate, row.kind, row.size,
               row.first, row.warm, row.filter, row.agrees);
  };
  line({"substrate", "kind", "pixels", "first dispatch", "warm dispatch", "5-pass filter",
        "agrees"});
  for (const Row& row : rows) line(row);
}

Options parse(int argc, char** argv) {
  Options options;
  bool has_folder = false;
  for (int i = 1; i < argc; ++i) {
    std::string argument = argv[i];
    if (argument == "--photo" && i + 1 < argc) {
      options.photograph = argv[++i];
    } else if (argument.starts_with("-") || has_folder) {
      throw std::runtime_error(fmt::format(
          "'{}' is not understood; usage: sokr-demo [--photo FILE] [FOLDER]", argument));
    } else {
      options.folder = argument;
      has_folder = true;
    }
  }
  return options;
}

// The photograph that was named, or the first packaged one; empty if there is none.
std::filesystem::path find_photograph(const Options& options) {
  if (!options.photograph.empty()) {
    if (std::filesystem::exists(options.photograph)) return options.photograph;
    throw std::runtime_error(fmt::format("no photograph at {}; --photo names a JPEG or PNG file",
                                         options.photograph.string()));
  }
  for (const PackagedPhotograph& packaged : kPackaged) {
    if (std::filesystem::exists(packaged.file)) return packaged.file;
  }
  fmt::print(stderr, "sokr-demo: no photograph of package {} here: {} is developed instead\n",
             kPackaged[0].package, kDrawn);
  return {};
}

Photograph load_photograph(const std::filesystem::path& path) {
  if (path.empty()) return drawn(kWidth, kWidth * 2 / 3);
  Photograph photograph = load(path);
  return reduced(photograph, (photograph.width + kWidth / 2) / kWidth);
}

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw std::runtime_error(
        fmt::format("the folder {} cannot be made: {}", folder.string(), error.message()));
  }
}

struct Judged {
  std::vector<Row> rows;
  Pixels best;  // of the first substrate
  bool agree = true;
  std::size_t run = 0;
};

// Runs the photograph on all substrates that `wanted` names and compares each with the first.
// `seen` tells whether a substrate has compiled the kernels before.
Judged run_all(const Context& context, const Kernels& kernels, const Photograph& photograph,
               const std::function<bool(const Substrate&)>& wanted,
               const std::function<bool(const Substrate&)>& seen) {
  Judged judged;
  std::string first;
  for (const Substrate& substrate : context.substrates()) {
    if (!wanted(substrate)) continue;
    std::optional<std::string> reason = substrate.why_not(kernels.blur);
    if (!reason) reason = substrate.why_not(kernels.develop);
    if (reason) {
      fmt::print("{} is left out: {}\n", substrate.name(), *reason);
      continue;
    }
    Result result = develop(substrate, kernels, photograph);
    if (seen(substrate)) result.row.first = "(above)";
    if (judged.run++ == 0) {
      first = substrate.name();
      judged.best = result.pixels;
      result.row.agrees = "the others are compared with this";
    } else {
      int difference = largest_difference(judged.best, result.pixels);
      bool agrees = difference <= kTolerance;
      judged.agree = judged.agree && agrees;
      result.row.agrees = agrees
                              ? fmt::format("yes, with {} (at most {}/255 off)", first, difference)
                              : fmt::format("NO: {}/255 off {}", difference, first);
    }
    judged.rows.push_back(std::move(result.row));
  }
  return judged;
}

int run(int argc, char** argv) {
  Options options = parse(argc, argv);
  const std::filesystem::path path = find_photograph(options);
  Photograph photograph = load_photograph(path);
  make_folder(options.folder);
  Context context;
  std::filesystem::path shaders = SOKR_DEMO_SHADERS;
  Kernels kernels{context.kernel(read_file(shaders / "blur.spv")),
                  context.kernel(read_file(shaders / "develop.spv"))};

  auto is_fast = [](const Substrate& s) { return s.info().kind != SOKR_KIND_REFERENCE; };
  auto has_reference = std::ranges::any_of(context.substrates(), std::not_fn(is_fast));
  auto all = [](const Substrate&) { return true; };
  Judged full = run_all(context, kernels, photograph, is_fast, std::not_fn(all));
  Judged small;
  Photograph small_photograph;
  if (has_reference) {
    small_photograph = reduced(photograph, kSmallFactor);
    small = run_all(context, kernels, small_photograph, all, is_fast);
  }
  if (full.run + small.run == 0) {
    std::string reasons;
    for (const Unavailable& missing : context.unavailable()) {
      reasons += fmt::format("; {}: {}", missing.name, missing.reason);
    }
    throw std::runtime_error(
        "no substrate on this machine can run the filter; plugins are looked for beside the "
        "libraries and in SOKR_PLUGIN_PATH" +
        reasons);
  }

  fmt::print("{}\n\n", path.empty() ? kDrawn : path.string());
  print(full.rows);
  if (has_reference) {
    fmt::print("\nThe same, small enough for the reference substrate, which interprets:\n\n");
    print(small.rows);
  }

  bool only_small = full.run == 0;
  const Photograph& before = only_small ? small_photograph : photograph;
  Photograph after{before.width, before.height, only_small ? small.best : full.best};
  save_png(options.folder / "before.png", before);
  save_png(options.folder / "after.png", after);
  fmt::print("\nWrote {} and {}\n", (options.folder / "before.png").string(),
             (options.folder / "after.png").string());
  if (full.agree && small.agree) return 0;
  fmt::print(stderr, "sokr-demo: the substrates disagree by more than {}/255\n", kTolerance);
  return 1;
}

}  // namespace
}  // namespace sokr::demo

int main(int argc, char** argv) {
  try {
    return sokr::demo::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "sokr-demo: {}\n", error.what());
    return 1;
  }
}
