#version 450
// SPDX-License-Identifier: MIT OR Apache-2.0
// Arithmetic on specialization constants where it is not defined: it gives what the same
// arithmetic gives while a kernel runs.
layout(local_size_x = 1) in;
layout(constant_id = 0) const uint kBy = 5;
layout(constant_id = 1) const int kLeast = -1000;
layout(constant_id = 2) const int kSignedBy = 7;
const uint kQuotient = 1000 / kBy;
const uint kRest = 1000 % kBy;
const int kSignedQuotient = kLeast / kSignedBy;
const int kSignedRest = kLeast % kSignedBy;
const uint kGuarded = kBy == 0 ? 77 : 1000 / kBy;
layout(set = 0, binding = 0) buffer Result { int result[]; };

void main() {
  result[0] = int(kQuotient);
  result[1] = int(kRest);
  result[2] = kSignedQuotient;
  result[3] = kSignedRest;
  result[4] = int(kGuarded);
}
