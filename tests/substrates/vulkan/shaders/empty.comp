// SPDX-License-Identifier: MIT OR Apache-2.0
#version 450
void main() {}
