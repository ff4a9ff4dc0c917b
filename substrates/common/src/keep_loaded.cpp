// SPDX-License-Identifier: MIT OR Apache-2.0
#include <dlfcn.h>

#include <sokr/substrate/keep_loaded.hpp>

namespace sokr::substrate {

void keep_loaded() noexcept {
  Dl_info here{};
  if (::dladdr(reinterpret_cast<void*>(&keep_loaded), &here) == 0) return;
  // The handle is never closed; it only counts.
  (void)::dlopen(here.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
}

}  // namespace sokr::substrate
