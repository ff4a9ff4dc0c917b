// SPDX-License-Identifier: MIT OR Apache-2.0
// Nothing: what a launch costs.
#version 450
layout(local_size_x = 1) in;

void main() {}
