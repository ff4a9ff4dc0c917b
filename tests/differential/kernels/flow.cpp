// SPDX-License-Identifier: MIT OR Apache-2.0
//
// Shapes of control flow that compilers of shading languages, and optimisers behind them, leave.
#include "element.hpp"

namespace sokr::differential {
namespace {

using U = std::uint32_t;

Row flow(const std::string& name, const std::string& body, U (*expect)(U, U),
         const std::string& globals = {}) {
  Row row{name, {"u32", "u32"}, "u32", body, [expect](Arguments x) {
            return Bits{expect(static_cast<U>(x[0]), static_cast<U>(x[1]))};
          }};
  row.globals = globals;
  return row;
}

U while_with_continue(U a, U b) {
  U sum = 0;
  for (U k = 0; k < a % 9; ++k) {
    if ((k & 1) != 0) continue;
    sum += k + b;
  }
  return sum;
}

U do_while(U a, U b) {
  U x = a, k = 0;
  do {
    x = x * 3 + b;
    ++k;
  } while (k < b % 6);
  return x;
}

U two_ways_out(U a, U b) {
  U x = a;
  for (U k = 0;; ++k) {
    if (k == b % 7) return x + 100;
    x = x * 5 + k;
    if ((x & 3) == 1) return x ^ k;
  }
}

U nested_loops(U a, U b) {
  U sum = 0;
  for (U i = 0; i < a % 5; ++i) {
    U k = 0;
    for (; k < 6; ++k) {
      if (k > i + b % 3) break;
      sum += i * k + 1;
    }
    if (k == 6) continue;
    sum += 100;
  }
  return sum;
}

U switch_in_a_loop(U a, U b) {
  U x = b;
  for (U k = 0; k < 4; ++k) {
    switch ((a >> k) & 3) {
      case 0:
        continue;
      case 1:
        x += 7;
        [[fallthrough]];
      case 2:
        x *= 3;
        break;
      default:
        x ^= k;
        break;
    }
    x += 1;
  }
  return x;
}

}  // namespace

std::vector<Row> flow_rows() {
  std::vector<Row> rows;
  rows.push_back(
      flow("a loop that skips rounds",
           "%n = OpUMod %u32 %a %c_u32_9\nOpBranch %head\n%head = OpLabel\n"
           "%k = OpPhi %u32 %c_u32_0 %work %k1 %next\n"
           "%sum = OpPhi %u32 %c_u32_0 %work %sum1 %next\nOpLoopMerge %done %next None\n"
           "OpBranch %test\n%test = OpLabel\n%t = OpULessThan %bool %k %n\n"
           "OpBranchConditional %t %body %done\n%body = OpLabel\n"
           "%odd = OpBitwiseAnd %u32 %k %c_u32_1\n%is = OpINotEqual %bool %odd %c_u32_0\n"
           "OpSelectionMerge %after None\nOpBranchConditional %is %skip %after\n"
           "%skip = OpLabel\nOpBranch %next\n%after = OpLabel\n%kb = OpIAdd %u32 %k %b\n"
           "%more = OpIAdd %u32 %sum %kb\nOpBranch %next\n%next = OpLabel\n"
           "%sum1 = OpPhi %u32 %sum %skip %more %after\n%k1 = OpIAdd %u32 %k %c_u32_1\n"
           "OpBranch %head\n%done = OpLabel\n%r = OpCopyObject %u32 %sum",
           while_with_continue));
  rows.push_back(
      flow("a loop tested at its end",
           "%n = OpUMod %u32 %b %c_u32_6\nOpBranch %head\n%head = OpLabel\n"
           "%x = OpPhi %u32 %a %work %x1 %next\n%k = OpPhi %u32 %c_u32_0 %work %k1 %next\n"
           "OpLoopMerge %done %next None\nOpBranch %body\n%body = OpLabel\n"
           "%x3 = OpIMul %u32 %x %c_u32_3\n%x1 = OpIAdd %u32 %x3 %b\n"
           "%k1 = OpIAdd %u32 %k %c_u32_1\nOpBranch %next\n%next = OpLabel\n"
           "%t = OpULessThan %bool %k1 %n\nOpBranchConditional %t %head %done\n"
           "%done = OpLabel\n%r = OpCopyObject %u32 %x1",
           do_while));
  rows.push_back(
      flow("a loop of one block",
           "%n = OpUMod %u32 %b %c_u32_6\nOpBranch %head\n%head = OpLabel\n"
           "%x = OpPhi %u32 %a %work %x1 %head\n%k = OpPhi %u32 %c_u32_0 %work %k1 %head\n"
           "%x3 = OpIMul %u32 %x %c_u32_3\n%x1 = OpIAdd %u32 %x3 %b\n"
           "%k1 = OpIAdd %u32 %k %c_u32_1\n%t = OpULessThan %bool %k1 %n\n"
           "OpLoopMerge %done %head None\nOpBranchConditional %t %head %done\n"
           "%done = OpLabel\n%r = OpCopyObject %u32 %x1",
           do_while));
  rows.push_back(flow(
      "a loop without a test that is left at two places",
      "%n = OpUMod %u32 %b %c_u32_7\nOpBranch %head\n%head = OpLabel\n"
      "%x = OpPhi %u32 %a %work %x1 %next\n%k = OpPhi %u32 %c_u32_0 %work %k1 %next\n"
      "OpLoopMerge %done %next None\nOpBranch %body\n%body = OpLabel\n"
      "%t = OpIEqual %bool %k %n\nOpSelectionMerge %on None\nOpBranchConditional %t %first %on\n"
      "%first = OpLabel\n%y = OpIAdd %u32 %x %c_u32_100\nOpBranch %done\n%on = OpLabel\n"
      "%x5 = OpIMul %u32 %x %c_u32_5\n%x1 = OpIAdd %u32 %x5 %k\n"
      "%low = OpBitwiseAnd %u32 %x1 %c_u32_3\n%u = OpIEqual %bool %low %c_u32_1\n"
      "OpSelectionMerge %again None\nOpBranchConditional %u %second %again\n%second = OpLabel\n"
      "%z = OpBitwiseXor %u32 %x1 %k\nOpBranch %done\n%again = OpLabel\nOpBranch %next\n"
      "%next = OpLabel\n%k1 = OpIAdd %u32 %k %c_u32_1\nOpBranch %head\n%done = OpLabel\n"
      "%r = OpPhi %u32 %y %first %z %second",
      two_ways_out));
  // Both sides leave: nobody comes to where they would meet.
  rows.push_back(flow(
      "a selection whose end nobody reaches",
      "%n = OpUMod %u32 %b %c_u32_7\nOpBranch %head\n%head = OpLabel\n"
      "%x = OpPhi %u32 %a %work %x1 %next\n%k = OpPhi %u32 %c_u32_0 %work %k1 %next\n"
      "OpLoopMerge %done %next None\nOpBranch %body\n%body = OpLabel\n"
      "%t = OpIEqual %bool %k %n\nOpSelectionMerge %never None\n"
      "OpBranchConditional %t %first %on\n%first = OpLabel\n%y = OpIAdd %u32 %x %c_u32_100\n"
      "OpBranch %done\n%on = OpLabel\n%x5 = OpIMul %u32 %x %c_u32_5\n%x1 = OpIAdd %u32 %x5 %k\n"
      "OpBranch %next\n%never = OpLabel\nOpUnreachable\n%next = OpLabel\n"
      "%k1 = OpIAdd %u32 %k %c_u32_1\nOpBranch %head\n%done = OpLabel\n%r = OpCopyObject %u32 %y",
      [](U a, U b) {
        U x = a;
        for (U k = 0; k < b % 7; ++k) x = x * 5 + k;
        return x + 100;
      }));
  rows.push_back(flow(
      "nested loops, left and continued",
      "%n = OpUMod %u32 %a %c_u32_5\n%b3 = OpUMod %u32 %b %c_u32_3\nOpBranch %outer\n"
      "%outer = OpLabel\n%i2 = OpPhi %u32 %c_u32_0 %work %i3 %outer_next\n"
      "%sum = OpPhi %u32 %c_u32_0 %work %sum3 %outer_next\n%more = OpULessThan %bool %i2 %n\n"
      "OpLoopMerge %done %outer_next None\nOpBranchConditional %more %start %done\n"
      "%start = OpLabel\n%limit = OpIAdd %u32 %i2 %b3\nOpBranch %inner\n%inner = OpLabel\n"
      "%k = OpPhi %u32 %c_u32_0 %start %k1 %inner_next\n"
      "%sum1 = OpPhi %u32 %sum %start %sum2 %inner_next\n%goes = OpULessThan %bool %k %c_u32_6\n"
      "OpLoopMerge %after %inner_next None\nOpBranchConditional %goes %body %after\n"
      "%body = OpLabel\n%far = OpUGreaterThan %bool %k %limit\nOpSelectionMerge %stay None\n"
      "OpBranchConditional %far %leave %stay\n%leave = OpLabel\nOpBranch %after\n"
      "%stay = OpLabel\n%ik = OpIMul %u32 %i2 %k\n%ik1 = OpIAdd %u32 %ik %c_u32_1\n"
      "%sum2 = OpIAdd %u32 %sum1 %ik1\nOpBranch %inner_next\n%inner_next = OpLabel\n"
      "%k1 = OpIAdd %u32 %k %c_u32_1\nOpBranch %inner\n%after = OpLabel\n"
      "%whole = OpIEqual %bool %k %c_u32_6\nOpSelectionMerge %add None\n"
      "OpBranchConditional %whole %skip %add\n%skip = OpLabel\nOpBranch %outer_next\n"
      "%add = OpLabel\n%sum100 = OpIAdd %u32 %sum1 %c_u32_100\nOpBranch %outer_next\n"
      "%outer_next = OpLabel\n%sum3 = OpPhi %u32 %sum1 %skip %sum100 %add\n"
      "%i3 = OpIAdd %u32 %i2 %c_u32_1\nOpBranch %outer\n%done = OpLabel\n"
      "%r = OpCopyObject %u32 %sum",
      nested_loops));
  rows.push_back(
      flow("a switch in a loop, with a case that continues",
           "OpBranch %head\n%head = OpLabel\n%k = OpPhi %u32 %c_u32_0 %work %k1 %next\n"
           "%x = OpPhi %u32 %b %work %x9 %next\n%t = OpULessThan %bool %k %c_u32_4\n"
           "OpLoopMerge %done %next None\nOpBranchConditional %t %body %done\n%body = OpLabel\n"
           "%s = OpShiftRightLogical %u32 %a %k\n%sel = OpBitwiseAnd %u32 %s %c_u32_3\n"
           "OpSelectionMerge %join None\nOpSwitch %sel %other 0 %zero 1 %one 2 %two\n"
           "%zero = OpLabel\nOpBranch %next\n%one = OpLabel\n%x1 = OpIAdd %u32 %x %c_u32_7\n"
           "OpBranch %two\n%two = OpLabel\n%x2 = OpPhi %u32 %x %body %x1 %one\n"
           "%x3 = OpIMul %u32 %x2 %c_u32_3\nOpBranch %join\n%other = OpLabel\n"
           "%x4 = OpBitwiseXor %u32 %x %k\nOpBranch %join\n%join = OpLabel\n"
           "%x5 = OpPhi %u32 %x3 %two %x4 %other\n%x6 = OpIAdd %u32 %x5 %c_u32_1\nOpBranch %next\n"
           "%next = OpLabel\n%x9 = OpPhi %u32 %x %zero %x6 %join\n%k1 = OpIAdd %u32 %k %c_u32_1\n"
           "OpBranch %head\n%done = OpLabel\n%r = OpCopyObject %u32 %x",
           switch_in_a_loop));
  // How returns from the middle of a function are inlined.
  rows.push_back(flow(
      "a switch of one case that is left early",
      "OpSelectionMerge %join None\nOpSwitch %c_u32_0 %only\n%only = OpLabel\n"
      "%t = OpULessThan %bool %a %b\nOpSelectionMerge %on None\nOpBranchConditional %t %early %on\n"
      "%early = OpLabel\n%x = OpIAdd %u32 %a %c_u32_5\nOpBranch %join\n%on = OpLabel\n"
      "%u = OpIEqual %bool %a %b\nOpSelectionMerge %last None\nOpBranchConditional %u %same %last\n"
      "%same = OpLabel\nOpBranch %join\n%last = OpLabel\n%y = OpISub %u32 %a %b\nOpBranch %join\n"
      "%join = OpLabel\n%v = OpPhi %u32 %x %early %c_u32_77 %same %y %last\n"
      "%r = OpIMul %u32 %v %c_u32_3",
      [](U a, U b) -> U {
        return 3 * (a < b ? a + 5 : a == b ? 77 : a - b);
      }));
  rows.push_back(flow(
      "a loop of one round that is left early",
      "OpBranch %head\n%head = OpLabel\nOpLoopMerge %done %next None\nOpBranch %body\n"
      "%body = OpLabel\n%t = OpULessThan %bool %a %b\nOpSelectionMerge %on None\n"
      "OpBranchConditional %t %early %on\n%early = OpLabel\n%x = OpIAdd %u32 %a %c_u32_5\n"
      "OpBranch %done\n%on = OpLabel\n%y = OpISub %u32 %a %b\nOpBranch %done\n%next = OpLabel\n"
      "OpBranch %head\n%done = OpLabel\n%v = OpPhi %u32 %x %early %y %on\n"
      "%r = OpIMul %u32 %v %c_u32_3",
      [](U a, U b) -> U { return 3 * (a < b ? a + 5 : a - b); }));
  rows.push_back(flow(
      "conditions that are looked at as far as needed",
      "%t = OpULessThan %bool %a %b\nOpSelectionMerge %and None\n"
      "OpBranchConditional %t %left %and\n%left = OpLabel\n%k = OpBitwiseAnd %u32 %b %c_u32_1\n"
      "%u = OpIEqual %bool %k %c_u32_1\nOpBranch %and\n%and = OpLabel\n"
      "%both = OpPhi %bool %t %work %u %left\n%not = OpLogicalNot %bool %both\n"
      "OpSelectionMerge %or None\nOpBranchConditional %not %right %or\n%right = OpLabel\n"
      "%w = OpIEqual %bool %a %c_u32_7\nOpBranch %or\n%or = OpLabel\n"
      "%any = OpPhi %bool %both %and %w %right\n%r = OpSelect %u32 %any %a %b",
      [](U a, U b) { return (a < b && (b & 1) != 0) || a == 7 ? a : b; }));
  rows.push_back(
      flow("a vector carried round a loop",
           "%n = OpUMod %u32 %b %c_u32_5\n%v0 = OpCompositeConstruct %v3u32 %a %b %c_u32_1\n"
           "OpBranch %head\n%head = OpLabel\n%v = OpPhi %v3u32 %v0 %work %v1 %next\n"
           "%k = OpPhi %u32 %c_u32_0 %work %k1 %next\n%t = OpULessThan %bool %k %n\n"
           "OpLoopMerge %done %next None\nOpBranchConditional %t %body %done\n%body = OpLabel\n"
           "%turned = OpVectorShuffle %v3u32 %v %v 1 2 0\n%v1 = OpIAdd %v3u32 %turned %v\n"
           "OpBranch %next\n%next = OpLabel\n%k1 = OpIAdd %u32 %k %c_u32_1\nOpBranch %head\n"
           "%done = OpLabel\n%x = OpCompositeExtract %u32 %v 0\n%z = OpCompositeExtract %u32 %v 2\n"
           "%z3 = OpIMul %u32 %z %c_u32_3\n%r = OpIAdd %u32 %x %z3",
           [](U a, U b) {
             U v[3] = {a, b, 1};
             for (U k = 0; k < b % 5; ++k) {
               const U w[3] = {v[1] + v[0], v[2] + v[1], v[0] + v[2]};
               for (int i = 0; i < 3; ++i) v[i] = w[i];
             }
             return v[0] + 3 * v[2];
           }));
  rows.push_back(
      flow("a selection in what continues a loop",
           "OpBranch %head\n%head = OpLabel\n%k = OpPhi %u32 %c_u32_0 %work %k2 %again\n"
           "%x = OpPhi %u32 %a %work %x1 %again\n%t = OpULessThan %bool %k %c_u32_7\n"
           "OpLoopMerge %done %next None\nOpBranchConditional %t %body %done\n%body = OpLabel\n"
           "%x1 = OpIAdd %u32 %x %k\nOpBranch %next\n%next = OpLabel\n"
           "%low = OpBitwiseAnd %u32 %x1 %c_u32_1\n%odd = OpIEqual %bool %low %c_u32_1\n"
           "OpSelectionMerge %again None\nOpBranchConditional %odd %two %again\n%two = OpLabel\n"
           "%k1 = OpIAdd %u32 %k %c_u32_1\nOpBranch %again\n%again = OpLabel\n"
           "%kk = OpPhi %u32 %k %next %k1 %two\n%k2 = OpIAdd %u32 %kk %c_u32_1\nOpBranch %head\n"
           "%done = OpLabel\n%r = OpIAdd %u32 %x %b",
           [](U a, U b) {
             U x = a;
             for (U k = 0; k < 7; k += 1 + (x & 1)) x += k;
             return x + b;
           }));
  rows.push_back(flow(
      "a variable that sides of a selection write",
      "OpStore %own %c_u32_3\n%t = OpULessThan %bool %a %b\nOpSelectionMerge %join None\n"
      "OpBranchConditional %t %yes %no\n%yes = OpLabel\nOpStore %own %a\nOpBranch %join\n"
      "%no = OpLabel\n%u = OpIEqual %bool %a %b\nOpSelectionMerge %same None\n"
      "OpBranchConditional %u %inner %same\n%inner = OpLabel\n%v = OpLoad %u32 %own\n"
      "%w = OpIMul %u32 %v %b\nOpStore %own %w\nOpBranch %same\n%same = OpLabel\nOpBranch %join\n"
      "%join = OpLabel\n%r = OpLoad %u32 %own",
      [](U a, U b) -> U { return a < b    ? a
                                 : a == b ? 3 * b
                                          : 3; },
      "%to_own = OpTypePointer Private %u32\n%own = OpVariable %to_own Private\n"));
  return rows;
}

}  // namespace sokr::differential
