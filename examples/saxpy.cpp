// SPDX-License-Identifier: MIT OR Apache-2.0
// y = a * x + y on the best substrate of this machine, with the C++ API.
#include <cstdint>
#include <cstdio>
#include <sokr/sokr.hpp>
#include <string>
#include <vector>

int main(int argc, char** argv) try {
  sokr::Context context;
  sokr::Kernel kernel = context.kernel(sokr::read_file(argc > 1 ? argv[1] : "saxpy.spv"));
  sokr::Substrate substrate = context.choose(kernel);

  std::uint32_t n = 1'000'000;
  std::vector<float> x(n, 1.0f), y(n, 2.0f);
  sokr::Launch launch;
  launch.threads(n).bind(0, 0, sokr::read(x)).bind(0, 1, sokr::read_write(y)).push(n).push(3.0f);
  substrate.dispatch(kernel, launch).wait();

  std::printf("%s: y[0] = %g\n", std::string(substrate.name()).c_str(), y[0]);
  return y[0] == 5.0f ? 0 : 1;
} catch (const sokr::Error& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 1;
}
