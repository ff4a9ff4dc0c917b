// SPDX-License-Identifier: MIT OR Apache-2.0
//
// A program that holds its context in a static object, which goes after the libraries that a
// plugin stands on. It has to end as any other, with work done and with a launch still under way.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sokr/sokr.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr int kSkipped = 77;

// What count.comp reads and writes.
struct Data {
  std::uint32_t go = 0, count = 0, spins = 0;
};

// Asks when the static objects of the plugins are gone, and before the context, which has the
// table: what a substrate is called is said for as long as the process lives.
struct AsksAtTheEnd {
  ~AsksAtTheEnd() {
    if (!info) return;
    for (std::uint32_t i = 0; i < info->fact_count; ++i) {
      if (*info->facts[i].key == 0) std::abort();
    }
    if (info->name == name && *info->description != 0) return;
    std::fprintf(stderr, "at the end it is called '%s'\n", info->name);
    std::abort();
  }
  const SokrSubstrateInfo* info = nullptr;
  std::string name;
};

sokr::Context context;
AsksAtTheEnd last;
Data done{0, 0, 0}, endless{1, 0, 0};

sokr::Launch launch_on(Data& data) {
  const std::span all(&data, 1);
  sokr::Launch launch;
  launch.groups(1).bind(0, 0, sokr::read_write(all));
  return launch;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) return 2;
  const std::string_view substrate = argv[1], shader = argv[2], how = argv[3];
  const auto all = context.substrates();
  bool is_there = false;
  for (const sokr::Substrate& one : all) is_there = is_there || one.info().name == substrate;
  if (!is_there) {
    std::printf("there is no %s here\n", argv[1]);
    return kSkipped;
  }
  std::ifstream file(std::string(shader), std::ios::binary);
  const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
  const sokr::Kernel kernel = context.kernel(std::as_bytes(std::span(bytes)));
  const sokr::Substrate on = context.substrate(argv[1]);
  last.info = &on.info();
  last.name = substrate;
  on.dispatch(kernel, launch_on(done)).wait();
  if (how == "under-way") (void)on.dispatch(kernel, launch_on(endless));
  std::printf("counted to %u\n", done.count);
  return done.count == 0;
}
