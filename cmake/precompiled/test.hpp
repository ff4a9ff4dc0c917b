// SPDX-License-Identifier: MIT OR Apache-2.0
#include <gtest/gtest.h>

#include "standard.hpp"
