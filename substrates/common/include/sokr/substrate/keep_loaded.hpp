// SPDX-License-Identifier: MIT OR Apache-2.0
#ifndef SOKR_SUBSTRATE_KEEP_LOADED_HPP_
#define SOKR_SUBSTRATE_KEEP_LOADED_HPP_

namespace sokr::substrate {

// The library that contains this copy of it stays in memory until the process ends, whoever
// closes it. Any thread, any number.
void keep_loaded() noexcept;

}  // namespace sokr::substrate

#endif  // SOKR_SUBSTRATE_KEEP_LOADED_HPP_
