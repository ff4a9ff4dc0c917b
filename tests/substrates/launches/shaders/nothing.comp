// SPDX-License-Identifier: MIT OR Apache-2.0
// No binding, no constant, no push constant.
#version 450
void main() {}
