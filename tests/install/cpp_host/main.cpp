// SPDX-License-Identifier: MIT OR Apache-2.0
// Names the substrates, given plugins to load besides the installed ones.
#include <iostream>
#include <sokr/sokr.hpp>

int main(int argc, char** argv) {
  sokr::ContextOptions options;
  for (int i = 1; i < argc; ++i) options.plugin_paths.emplace_back(argv[i]);
  const sokr::Context context(options);
  for (const sokr::Substrate& substrate : context.substrates()) {
    std::cout << substrate.name() << '\n';
  }
  try {
    (void)context.kernel({});
  } catch (const sokr::Error& error) {
    return error.code() == SOKR_INVALID_IR ? 0 : 1;
  }
  return 2;
}
