/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "null.c"

#include "launch_reader.h"
