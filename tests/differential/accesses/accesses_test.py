#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""accesses_test.py SOKR GLSLC ISA[,ISA...] [--seed N] [--kernels N | --seconds S] [--keep FOLDER]

Random kernels full of accesses on `cpu`, each against `reference`: addresses of every shape that
the compiler knows and of some that it does not (rows, strides, masks, exclusive or, tables, negative
and wrapping ones, beyond the end), under conditions that are uniform, that differ between lanes, and
that differ between groups of lanes only, in loops and behind barriers, for elements of 8 to 64 bits
and vectors. Integers alone: every result is exact.

What differs is kept as GLSL with its inputs and the command that shows it."""
import argparse
import array
import json
import os
import pathlib
import random
import shlex
import subprocess
import sys
import tempfile
import time

SIZES = [(16, 4), (8, 8), (16, 8), (8, 16), (32, 4), (32, 8), (16, 16), (64, 4), (64, 1), (24, 2),
         (20, 3), (8, 4), (4, 8), (33, 2), (256, 1)]
TYPES = ["uint", "uint", "uint", "uint8_t", "uint16_t", "uint64_t"]
# Push constants: a stride and an offset, of which some leave the buffer or wrap.
STRIDES = [(32, 1), (24, 2), (7, 3), (64, 2), (1, 1), (2, 0), (2, 1), (2, 3), (0, 2), (20, 4),
           (4294967295, 1), (2147483647, 1), (4294967294, 0)]
BYTES = [4444, 4444, 1000, 308, 16, 8, 4]
GROUPS = 2
TABLE = 256  # elements of the table of indices, each below 64

FRAME = """#version 450
#extension GL_EXT_shader_8bit_storage : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_EXT_shader_explicit_arithmetic_types : require
layout(local_size_x = {x}, local_size_y = {y}) in;
layout(set = 0, binding = 0) readonly buffer Elements {{ {type} a[]; }};
layout(set = 0, binding = 0) readonly buffer Pairs {{ uvec2 a2[]; }};
layout(set = 0, binding = 0) readonly buffer Quads {{ uvec4 a4[]; }};
layout(set = 0, binding = 1) buffer Results {{ uint results[]; }};
layout(set = 0, binding = 2) readonly buffer Table {{ uint c[]; }};
layout(push_constant) uniform Push {{ uint s; uint t; }};
shared uint w[256];
uint one({type} q) {{ return uint(q){high}; }}
uint two(uvec2 q) {{ return q.x * 9u + q.y; }}
uint four(uvec4 q) {{ return q.x + 3u * q.y + 5u * q.z + 7u * q.w; }}
void main() {{
  uint x = gl_LocalInvocationID.x, y = gl_LocalInvocationID.y, i = gl_LocalInvocationIndex;
  uint g = gl_GlobalInvocationID.x, v = 0u, q[4];
  for (uint k = i; k < 256u; k += {invocations}u) w[k] = k * 7u;
  for (uint k = 0u; k < 4u; ++k) q[k] = k + x;
  barrier();
  {statements}
  results[gl_WorkGroupID.x * {invocations}u + i] = v + q[t & 3u];
}}
"""


class Generator:
    def __init__(self, choose):
        self.choose = choose
        # Conditions of one kind lead to decisions that a mixture hides.
        self.conditions = choose.choice([
            ["t < 3u", "s > 8u", "c[t] > 20u", "true"],
            ["(y & 1u) == 1u", "((y + c[y]) & 1u) == 0u", "c[y * 3u] % 3u != 0u", "i < 17u",
             "((c[y] + x / 4u) & 1u) == 1u", "y >= c[0] % 4u"],
            ["x < y", "i % 3u == 0u", "(x / 4u + y) % 2u == 1u", "c[x] > 20u", "(g & 4u) != 0u",
             "t < 3u", "(y & 1u) == 1u", "true"]])

    def index(self):
        pick = self.choose.choice
        k, m, z = pick([2, 4, 8, 16]), pick([1, 2, 3, 4, 8, 16, 32]), pick(["x", "x", "i", "g"])
        odd = pick([3, 6, 12])
        base = pick([
            f"({z} / {k}u) * s + {z} % {k}u", f"({z} / {k}u) * s + {z} % {k}u + y", f"{z} * s",
            f"{z} * s + y", f"{z} * s - t", f"x * {m}u + y", f"y * {m}u + x",
            f"x * {pick([2, 3, 4, 8])}u + y * {pick([1, 2])}u",
            f"(x & {2 * k - 1}u) * {m}u + i / {2 * k}u", f"(i & 31u) * {m}u + (i >> 5u)",
            f"(i & 15u) * {m}u + (i >> 4u)", "y * 64u - x", f"({z} ^ {k // 2}u) + s",
            f"{z} / {odd}u * s + {z} % {odd}u", "uint(clamp(int(x) - int(t), 0, int(s)))",
            f"({z} % {k}u) * s + {z} / {k}u", "g * 2u + t", "s - x", f"c[{z} & 63u] * 4u + t",
            f"c[{z} & 63u]", f"uint(uint16_t({z} * {m}u + t))", f"{z} + q[{z} & 3u]"])
        return base + pick(["", "", "", " + 1u", " - 1u", " + t", " + s * y", " - 5u", " + 64u"])

    def load(self):
        index, kind = self.index(), self.choose.random()
        if kind < 0.6:
            return f"one(a[{index}])"
        if kind < 0.7:
            return f"one(a[{index}]) * 3u + one(a[{index} + 1u])"
        if kind < 0.8:
            return f"four(a4[{index}])"
        if kind < 0.9:
            return f"two(a2[{index}])"
        return f"w[({index}) & 255u]"

    def statement(self, depth=0):
        pick, kind = self.choose.choice, self.choose.random()
        if kind < 0.33 or depth > 1:
            return f"v = v * 3u + {self.load()};"
        if kind < 0.55:
            return (f"if ({pick(self.conditions)}) {{ v = v * 5u + {self.load()}; "
                    f"{self.statement(depth + 1)} }}")
        if kind < 0.78:
            count = pick(["(x & 3u)", "(y & 3u)", "5u", "(s % 7u)", "(c[x & 63u] & 3u)"])
            step = pick(["1u", "s", "8u", "64u"])
            end = pick(["", "if (v % 5u == 0u) break;", "if ((v & 8u) != 0u) continue; v += 2u;"])
            return (f"for (uint k = 0u; k < {count}; ++k) {{ "
                    f"v = v * 7u + one(a[{self.index()} + k * {step}]); "
                    f"{self.statement(depth + 1)} {end} }}")
        if kind < 0.84:
            return f"q[{pick(['x & 3u', 't & 3u', '2u', 'v & 3u'])}] += {self.load()};"
        if depth == 0 and kind < 0.95:
            return (f"barrier(); if ({pick(self.conditions)}) "
                    f"w[{pick(['i', '(i ^ 1u)', '(255u - i)'])}] = v; barrier();")
        return f"v ^= w[(i * {pick([1, 3, 5, 16])}u) & 255u];"

    def kernel(self):
        x, y = self.choose.choice(SIZES)
        kind = self.choose.choice(TYPES)
        statements = [self.statement() for _ in range(self.choose.randint(1, 4))]
        return FRAME.format(x=x, y=y, type=kind, invocations=x * y,
                            high=" ^ uint(q >> 32)" if kind == "uint64_t" else "",
                            statements="\n  ".join(statements))


class Case:
    """One kernel with its inputs, as files of `folder`."""

    def __init__(self, sokr, glslc, folder, seed):
        choose = random.Random(seed)
        self.sokr, self.folder = sokr, folder
        (folder / "kernel.comp").write_text(Generator(choose).kernel(), encoding="ascii")
        (folder / "a").write_bytes(choose.randbytes(choose.choice(BYTES)))
        table = array.array("I", [choose.randrange(64) for _ in range(TABLE)])
        (folder / "c").write_bytes(table.tobytes())
        self.push = "u32:{},u32:{}".format(*choose.choice(STRIDES))
        subprocess.run([glslc, "-O", "--target-env=vulkan1.2", folder / "kernel.comp", "-o",
                        folder / "kernel.spv"], check=True)

    def command(self, substrate):
        return [self.sokr, "run", "kernel.spv", "--on", substrate, "--groups", str(GROUPS),
                "--in", "0.0=a", "--in", "0.2=c", "--zero", "0.1=4096", "--push", self.push,
                "--out", "0.1=out"]

    def results(self, substrate, settings):
        """The bytes that it wrote, or what it said."""
        done = subprocess.run(self.command(substrate), cwd=self.folder, capture_output=True,
                              text=True, env=os.environ | settings, timeout=300, check=False)
        if done.returncode:
            return f"exit {done.returncode}: {done.stderr.strip()}"
        return (self.folder / "out").read_bytes()


def runnable(sokr, isas):
    """Those that this processor has."""
    found = []
    for isa in isas:
        said = subprocess.run([sokr, "devices", "--json"], check=True, capture_output=True,
                              env=os.environ | {"SOKR_CPU_ISA": isa}).stdout
        if any(one["name"] == "cpu" for one in json.loads(said)["substrates"]):
            found.append(isa)
        else:
            print(f"{isa} is left out: this processor does not run it")
    return found


def differences(case, isas):
    """The ways of compiling whose results are not the interpreter's."""
    expected = case.results("reference", {})
    if isinstance(expected, str):
        return [({}, "reference", expected)]
    ways = [{"SOKR_CPU_ISA": isa, "SOKR_CPU_TIER": "full"} for isa in isas]
    ways.append({"SOKR_CPU_ISA": isas[-1], "SOKR_CPU_TIER": "quick"})
    wrong = []
    for way in ways:
        seen = case.results("cpu", way)
        if seen != expected:
            wrong.append((way, "cpu", seen if isinstance(seen, str) else "other results"))
    return wrong


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sokr")
    parser.add_argument("glslc")
    parser.add_argument("isas", type=lambda text: text.split(","))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kernels", type=int)
    parser.add_argument("--seconds", type=float)
    parser.add_argument("--keep", type=pathlib.Path, default=pathlib.Path("accesses-that-differ"))
    asked = parser.parse_args()
    begin, tried, failed = time.monotonic(), 0, 0
    isas = runnable(asked.sokr, asked.isas)
    with tempfile.TemporaryDirectory() as scratch:
        os.environ["XDG_CACHE_HOME"] = scratch
        while ((asked.kernels is None or tried < asked.kernels) and
               (asked.seconds is None or time.monotonic() - begin < asked.seconds)):
            folder = pathlib.Path(scratch) / "case"
            folder.mkdir()
            seed = asked.seed + tried
            case = Case(asked.sokr, asked.glslc, folder, seed)
            wrong = differences(case, isas)
            tried += 1
            if wrong:
                failed += 1
                kept = asked.keep / str(seed)
                kept.parent.mkdir(parents=True, exist_ok=True)
                folder.rename(kept)
            for settings, substrate, what in wrong:
                names = " ".join(f"{name}={value}" for name, value in settings.items())
                print(f"seed {seed}: {names} {what}\n  (cd {shlex.quote(str(kept.resolve()))}; "
                      f"{names} {shlex.join(map(str, case.command(substrate)))})", flush=True)
            if not wrong:
                for file in folder.iterdir():
                    file.unlink()
                folder.rmdir()
    print(f"{tried} kernels from seed {asked.seed} on, {failed} with other results")
    return bool(failed)


sys.exit(main())
