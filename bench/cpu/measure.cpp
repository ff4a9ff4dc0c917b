// SPDX-License-Identifier: MIT OR Apache-2.0
#include "measure.hpp"

#include <fmt/format.h>

#include <cmath>
#include <stdexcept>
#include <system_error>

namespace sokr::bench {

double geometric_mean(const std::vector<double>& values) {
  double logarithms = 0;
  for (double value : values) logarithms += std::log(value);
  return std::exp(logarithms / static_cast<double>(values.size()));
}

double round_of(const Workload& workload, Runner& runner, double round_ns) {
  std::vector<double> times;
  double spent = 0;
  do {
    if (workload.consumes_input) restore(workload, runner);
    const double begin = now_ns();
    runner.launch();
    times.push_back(now_ns() - begin);
    spent += times.back();
  } while (spent < round_ns);
  return median(std::move(times));
}

std::string Figures::json() const {
  std::string text = "{";
  for (const auto& [name, value] : values_)
    text += fmt::format("{}\"{}\": {:.5g}", text.size() > 1 ? ", " : "", name, value);
  return text + "}";
}

PrivateCaches::PrivateCaches() {
  std::string name = (std::filesystem::temp_directory_path() / "sokr-bench-XXXXXX").string();
  if (!mkdtemp(name.data()))
    throw std::runtime_error(fmt::format("cannot make the folder {} for caches", name));
  folder_ = name;
  for (const char* variable :
       {"XDG_CACHE_HOME", "SOKR_CACHE_DIR", "MESA_SHADER_CACHE_DIR", "POCL_CACHE_DIR"}) {
    setenv(variable, (folder_ / variable).c_str(), 1);
    std::filesystem::create_directory(folder_ / variable);
    std::filesystem::permissions(folder_ / variable, std::filesystem::perms::owner_all);
  }
}

PrivateCaches::~PrivateCaches() {
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

}  // namespace sokr::bench
