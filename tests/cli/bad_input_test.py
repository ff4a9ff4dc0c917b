# SPDX-License-Identifier: MIT OR Apache-2.0
"""Bad input: each kind gives one sentence, the right exit code, and no output file."""

import json
import os
import struct
import sys
import unittest

from sokr_command import Sokr, npy

FAILED, BAD_USAGE = 1, 2

BUILD, MOCKS, KERNELS = sys.argv[1:4]


def kernel(name):
    with open(os.path.join(KERNELS, name + ".spv"), "rb") as file:
        return file.read()


COPY, BLOCKS, IMAGE, TWO = (kernel(name) for name in ("copy", "blocks", "image", "two"))
WORDS = struct.pack("<16I", *range(16))

FILES = {
    "copy.spv": COPY,
    "blocks.spv": BLOCKS,
    "image.spv": IMAGE,
    "two.spv": TWO,
    "x": WORDS,
    "one": b"\x01",
    "empty": b"",
    "text.txt": b"this is no kernel\n",
    "cut.spv": COPY[:len(COPY) // 2],
    "head.spv": COPY[:20],
    "stub.spv": COPY[:4],
    "odd.spv": COPY[:-1],
    "magic.spv": b"\x04\x02\x23\x07" + COPY[4:],
    "swapped.spv": COPY[3::-1] + COPY[4:],
    "version.spv": COPY[:4] + b"\x00\x00\x09\x00" + COPY[8:],
    "bound.spv": COPY[:12] + b"\x00\x00\x00\x00" + COPY[16:],
    "opcode.spv": COPY[:20] + b"\xff\xff\x02\x00" + COPY[24:],
    "length.spv": COPY[:20] + b"\x11\x00\x00\x00" + COPY[24:],
    "long.spv": COPY[:20] + b"\x11\x00\xff\x7f" + COPY[24:],
    "noise.spv": COPY[:20] + bytes((i * 37) & 0xFF for i in range(400)),
    "tail.spv": COPY + b"\x01\x00\x00\x00",
    "good.npy": npy("<u4", "(16,)", WORDS),
    "cut.npy": npy("<u4", "(16,)", WORDS)[:30],
    "short.npy": npy("<u4", "(16,)", WORDS[:-4]),
    "long.npy": npy("<u4", "(16,)", WORDS + b"more"),
    "fortran.npy": npy("<u4", "(4, 4)", WORDS, fortran=True),
    "object.npy": npy("|O", "(2,)", WORDS),
    "dtype.npy": npy("<x4", "(16,)", WORDS),
    "struct.npy": npy("", "", WORDS,
                      header="{'descr': [('a', '<u4')], 'fortran_order': False, 'shape': (16,), }"),
    "shape.npy": npy("<u4", "(4294967296, 4294967296, 4)", WORDS),
    "negative.npy": npy("<u4", "(-16,)", WORDS),
    "version.npy": npy("<u4", "(16,)", WORDS, version=9),
    "noheader.npy": npy("", "", WORDS, header="nothing"),
    "lacking.npy": npy("", "", WORDS, header="{'descr': '<u4'}"),
    "unknown.npy": npy("", "", WORDS, header="{'colour': '<u4'}"),
    "garbage.npy": b"garbage" * 10,
    "huge.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
    "f8.npy": npy("<f8", "(16,)", WORDS * 2),
    "f4.npy": npy("<f4", "(16,)", WORDS),
    "u1.npy": npy("|u1", "(64,)", WORDS),
    "b1.npy": npy("|b1", "(64,)", WORDS),
    "c8.npy": npy("<c8", "(8,)", WORDS),
    "wide.npy": npy("<i8", "(2,)", struct.pack("<2q", 5, 1 << 32)),
    "nan.npy": npy("<f8", "(2,)", struct.pack("<2d", 1, float("nan"))),
    "source.comp": b"#version 450\nlayout(local_size_x = 1) in;\nvoid main() {}\n",
    "kernel.bc": b"BC\xc0\xde" + bytes(100),
    "base.json": json.dumps({
        "schema": "sokr.bench/1", "kernel": "old/copy.spv", "groups": [16, 1, 1],
        "local_size": [1, 1, 1], "push": ["u32:16,u32:0"],
        "results": [{"substrate": "mock:add", "p50_ns": 1e12, "blocks_ns": [1e12]}]}).encode(),
    "old.json": json.dumps({
        "schema": "sokr.bench/1", "results": [{"substrate": "mock:add", "p50_ns": 1e12}]}).encode(),
    "other.json": json.dumps({
        "schema": "sokr.bench/1", "results": [{"substrate": "x", "blocks_ns": [1]}]}).encode(),
    "empty_trace.json": b"[]",
    "odd_trace.json": b'[1, null, {"ph": 5}, {"ph": "X", "ts": "now"}, {"ph": "X", "ts": 1, "dur": []}]',
    "deep_trace.json": b"[" * 100000 + b"]" * 100000,
    "bad_plugin.so": b"\x7fELF and nothing more" * 20,
}

GOOD = ["copy.spv", "--in", "0.0=x", "--zero", "0.1=64", "--push", "u32:16,u32:0", "--out",
        "0.1=out"]
SIZE = ["--threads", "16"]
BLOCK = ["blocks.spv", "--groups", "1", "--in", "0.0=x", "--out", "0.1=out"]
TERMS = ["--in", "1.3[0]=x", "--in", "1.3[1]=x"]


def change(flag, value=None, base=None):
    """The good command line with one flag's value replaced, or the flag removed."""
    arguments = list(base or GOOD + SIZE)
    at = arguments.index(flag)
    arguments[at:at + 2] = [] if value is None else [flag, value]
    return ["run", *arguments]


def run(*more):
    return ["run", *GOOD, *SIZE, *more]


def run_kernel(name):
    return ["run", name, *GOOD[1:], *SIZE]


# name: (arguments, exit code, what the sentence has to contain)
CASES = {
    # The command line.
    "no command": ([], BAD_USAGE, "no command given; there are devices, inspect, run, bench, check, cache, trace and icd"),
    "unknown command": (["rnu"], BAD_USAGE, "unknown command 'rnu'; did you mean 'run'?"),
    "unknown flag before": (["--verison"], BAD_USAGE, "did you mean '--version'?"),
    "unknown flag": (run("--grops", "4"), BAD_USAGE, "unknown flag '--grops'; did you mean '--groups'?"),
    "unknown flag with value": (run("--repaet=4"), BAD_USAGE, "did you mean '--repeat'?"),
    "unknown flag of devices": (["devices", "--jsn"], BAD_USAGE, "did you mean '--json'?"),
    "flag without value": (["run", "copy.spv", "--groups"], BAD_USAGE,
                           "run: --groups takes X[,Y[,Z]], and nothing is given"),
    "list flag without value": (["run", "copy.spv", "--in"], BAD_USAGE,
                                "run: --in takes SET.BINDING[INDEX]=FILE, and nothing is given"),
    "unexpected argument": (run("another.spv"), BAD_USAGE, "unexpected argument 'another.spv'"),
    "inspect without kernel": (["inspect"], BAD_USAGE, "inspect: KERNEL is missing; it is a file, or -"),
    "run without kernel": (["run", "--groups", "1"], BAD_USAGE, "KERNEL"),
    "check without plugin": (["check"], BAD_USAGE, "check: PLUGIN is missing; it is a file, such as sokr-mine.so"),
    "check timeout": (["check", "x.so", "--timeout", "0"], BAD_USAGE, "--timeout 0: it takes seconds, from 0.001"),
    "check timeout word": (["check", "x.so", "--timeout", "soon"], BAD_USAGE, "--timeout soon: it takes seconds"),
    "check timeout nan": (["check", "x.so", "--timeout", "nan"], BAD_USAGE, "--timeout nan: it takes seconds"),
    "check seed missing": (["check", "x.so", "--seed", "no"], FAILED, "'no' cannot be read"),
    "check seed without end": (["check", "x.so", "--seed", "/dev/zero"], FAILED,
                               "'/dev/zero' is a device that gives more than"),
    "check seed number": (["check", "x.so", "--seed", "x@99999999999"], BAD_USAGE, "is no number"),
    "check unknown flag": (["check", "x.so", "--sed", "no"], BAD_USAGE, "did you mean '--seed'?"),
    "help of nothing": (["help", "rnu"], BAD_USAGE, "help: unknown command 'rnu'; did you mean 'run'? (there are devices, inspect, "
                                               "run, bench, check, cache, trace and icd)"),
    "help of two": (["help", "run", "bench"], BAD_USAGE, "unexpected argument 'bench'"),
    "json to a file": (run("--json", "out.json"), BAD_USAGE, "unexpected argument 'out.json'"),
    "size twice": (run("--threads", "4"), BAD_USAGE, "run: --threads is given twice"),
    "inspect on nothing": (["inspect", "copy.spv", "--on", "gpu"], BAD_USAGE, "no substrate 'gpu'"),
    # Sizes.
    "no size": (["run", *GOOD], BAD_USAGE, "neither --groups nor --threads is given"),
    "two sizes": (run("--groups", "1"), BAD_USAGE, "--groups and --threads are both given"),
    "threads 0": (change("--threads", "0"), BAD_USAGE, "'0' is no number from 1 to 4294967295"),
    "threads negative": (change("--threads", "-1"), BAD_USAGE, "-1"),
    "threads word": (change("--threads", "many"), BAD_USAGE, "'many' is no number"),
    "threads fraction": (change("--threads", "1.5"), BAD_USAGE, "'1.5' is no number"),
    "threads overflow": (change("--threads", "4294967296"), BAD_USAGE, "'4294967296' is no number"),
    "threads four": (change("--threads", "1,1,1,1"), BAD_USAGE, "at most three numbers"),
    "threads hole": (change("--threads", "1,,1"), BAD_USAGE, "'' is no number"),
    "threads trailing": (change("--threads", "16x"), BAD_USAGE, "'16x' is no number"),
    "groups 0": (["run", *GOOD, "--groups", "0"], BAD_USAGE, "'0' is no number"),
    "local size 0": (run("--local-size", "0"), BAD_USAGE, "--local-size: '0' is no number"),
    "local size words": (run("--local-size", "a,b"), BAD_USAGE, "'a' is no number"),
    "subgroup size 0": (run("--subgroup-size", "0"), BAD_USAGE, "--subgroup-size: '0'"),
    "repeat 0": (run("--repeat", "0"), BAD_USAGE, "--repeat: '0' is no number"),
    "repeat word": (run("--repeat", "twice"), BAD_USAGE, "'twice' is no number"),
    # Bindings.
    "missing binding": (change("--in"), BAD_USAGE, "the kernel uses binding 0.0"),
    "unused output": (run("--out", "0.9=other"), BAD_USAGE,
                      "--out 0.9: the kernel does not use this binding; it uses 0.0"),
    "index of no array": (change("--in", "0.0[1]=x"), BAD_USAGE, "is no array; leave [1] out"),
    "index out of range": (["run", *BLOCK, *TERMS, "--in", "1.3[2]=x"], BAD_USAGE,
                           "has the elements 0 to 1"),
    "missing array element": (["run", *BLOCK, *TERMS[:2]], BAD_USAGE, "the kernel uses binding 1.3[1]"),
    "selector word": (change("--in", "input=x"), BAD_USAGE, "'input' names no binding"),
    "selector without binding": (change("--in", "0=x"), BAD_USAGE, "'0' names no binding"),
    "selector negative": (change("--in", "0.-1=x"), BAD_USAGE, "names no binding"),
    "selector overflow": (change("--in", "0.4294967296=x"), BAD_USAGE, "names no binding"),
    "selector unclosed": (change("--in", "0.0[1=x"), BAD_USAGE, "names no binding"),
    "selector empty index": (change("--in", "0.0[]=x"), BAD_USAGE, "names no binding"),
    "in without file": (change("--in", "0.0="), BAD_USAGE, "it takes SET.BINDING[INDEX]=FILE"),
    "in without equals": (change("--in", "0.0"), BAD_USAGE, "it takes SET.BINDING[INDEX]=FILE"),
    "in twice": (run("--in", "0.0=x"), BAD_USAGE, "binding 0.0 is given twice"),
    "in and zero": (run("--zero", "0.0=64"), BAD_USAGE, "is given by --in and by --zero"),
    "out twice": (run("--out", "0.1=other"), BAD_USAGE, "binding 0.1 is given twice"),
    "out to one file": (["run", *BLOCK, *TERMS, "--out", "0.0=out"], BAD_USAGE,
                        "'out' is named twice"),
    "out without size": (change("--zero"), BAD_USAGE, "has no size of its own"),
    "image binding": (["run", "image.spv", "--groups", "1"], FAILED, "is an image or a sampler"),
    # Sizes of buffers.
    "zero 0": (change("--zero", "0.1=0"), BAD_USAGE, "'0' is no size"),
    "zero word": (change("--zero", "0.1=lots"), BAD_USAGE, "'lots' is no size"),
    "zero suffix": (change("--zero", "0.1=4T"), BAD_USAGE, "'4T' is no size"),
    "zero overflow": (change("--zero", "0.1=99999999999999999999"), BAD_USAGE, "is no size"),
    "zero suffix overflow": (change("--zero", "0.1=99999999999G"), BAD_USAGE, "is no size"),
    "zero beyond memory": (change("--zero", "0.1=4000000G"), FAILED, "there is no memory"),
    # Push constants and specialization.
    "push missing": (change("--push"), BAD_USAGE, "--push gives 0 bytes; the kernel takes 8"),
    "push too short": (change("--push", "u32:16"), BAD_USAGE,
                       "--push gives 4 bytes; the kernel takes 8: u32 count at 0 and u32 offset at 4; it "
                       "reads offset up to byte 8"),
    "push of another type": (change("--push", "f32:2,u32:0"), BAD_USAGE,
                             "--push: the push constant at byte 0 is given as f32, but the kernel "
                             "has count (u32 at byte 0) there; it takes count (u32 at byte 0), "
                             "offset (u32 at byte 4)"),
    "push of another width": (change("--push", "u64:2"), BAD_USAGE, "is given as u64"),
    "push in halves": (change("--push", "u32:2,u16:0,u16:0"), BAD_USAGE,
                       "at byte 4 is given as u16, but the kernel has offset (u32"),
    "push type": (change("--push", "u24:1,u32:0"), BAD_USAGE, "'u24:1' is no TYPE:VALUE"),
    "push value": (change("--push", "u32:x,u32:0"), BAD_USAGE, "'x' is no u32"),
    "push range": (change("--push", "u8:256,u32:0"), BAD_USAGE, "'256' is no u8; it takes 0 to 255"),
    "push negative": (change("--push", "u32:-1,u32:0"), BAD_USAGE, "'-1' is no u32"),
    "push float": (change("--push", "f32:1e999,u32:0"), BAD_USAGE, "'1e999' is no f32"),
    "push half": (change("--push", "f16:70000,u32:0"), BAD_USAGE, "'70000' is no f16"),
    "push no colon": (change("--push", "16"), BAD_USAGE, "'16' is no TYPE:VALUE"),
    "push empty": (change("--push", "u32:,u32:0"), BAD_USAGE, "'' is no u32"),
    "push without end": (change("--push", "@/dev/zero"), FAILED,
                         "'/dev/zero' is a device that gives more than 1048576 bytes"),
    "push no file": (change("--push", "@missing"), FAILED, "'missing' cannot be read"),
    "spec type": (run("--spec", "0=1.5"), BAD_USAGE, "'1.5' is no u32"),
    "spec bool": (run("--spec", "1=maybe"), BAD_USAGE, "'maybe' is no bool"),
    "spec float": (run("--spec", "2=x"), BAD_USAGE, "'x' is no f32"),
    "spec form": (run("--spec", "0"), BAD_USAGE, "it takes ID=VALUE"),
    "spec id": (run("--spec", "size=4"), BAD_USAGE, "'size' is no constant's id"),
    "spec twice": (run("--spec", "0=1", "--spec", "0=2"), BAD_USAGE, "constant 0 is given twice"),
    # Entry points and substrates.
    "several entry points": (["run", "two.spv", "--groups", "1"], BAD_USAGE,
                             "several entry points; name one of 'first', 'second'"),
    "unknown entry point": (["run", "two.spv", "--groups", "1", "--entry", "third"], BAD_USAGE,
                            "no entry point 'third'; it has 'first', 'second'"),
    "unknown substrate": (run("--on", "gpu"), BAD_USAGE, "no substrate 'gpu'; there is mock:add"),
    "one unknown substrate": (run("--on", "mock:add,gpu"), BAD_USAGE, "no substrate 'gpu'"),
    "empty substrate": (run("--on", "mock:add,"), BAD_USAGE, "a name is empty"),
    "substrate in two flags": (run("--on", "mock:add", "--on", "mock:add"), BAD_USAGE,
                               "'mock:add' is named twice"),
    "substrate twice": (run("--on", "mock:add,mock:add"), BAD_USAGE, "'mock:add' is named twice"),
    # Kernels.
    "no such kernel": (run_kernel("missing.spv"), FAILED, "'missing.spv' cannot be read: No such file"),
    "kernel without end": (run_kernel("/dev/zero"), FAILED,
                           "'/dev/zero' is a device that gives more than 16777216 bytes, and may have no end"),
    "input without end": (change("--in", "0.0=/dev/zero"), FAILED,
                          "'/dev/zero' is a device that gives more than 16777216 bytes"),
    "kernel is a folder": (run_kernel("."), FAILED, "'.' cannot be read: Is a directory"),
    "kernel is empty": (run_kernel("empty"), FAILED, "empty: the kernel is empty"),
    "kernel is text": (run_kernel("text.txt"), FAILED, "is no known format; known: SPIR-V"),
    "kernel is NumPy": (run_kernel("good.npy"), FAILED, "the kernel is a NumPy array"),
    "kernel is GLSL": (run_kernel("source.comp"), FAILED,
                       "source.comp: the kernel is GLSL source; compile it: glslc "),
    "kernel is bitcode": (run_kernel("kernel.bc"), FAILED, "the kernel is LLVM bitcode"),
    "kernel is a library": (run_kernel("bad_plugin.so"), FAILED, "the kernel is an ELF file"),
    "inspect text": (["inspect", "text.txt"], FAILED, "is no known format"),
    "inspect stdin": (["inspect", "-"], FAILED, "standard input: the kernel is empty"),
    **{f"damaged kernel {name}": (run_kernel(name), FAILED, name)
       for name in ("cut.spv", "head.spv", "stub.spv", "odd.spv", "magic.spv", "swapped.spv",
                    "version.spv", "bound.spv", "opcode.spv", "length.spv", "long.spv",
                    "noise.spv", "tail.spv")},
    # Input files.
    "no such input": (change("--in", "0.0=missing"), FAILED, "'missing' cannot be read: No such file"),
    "input is a folder": (change("--in", "0.0=."), FAILED, "'.' cannot be read"),
    "input below a file": (change("--in", "0.0=x/y"), FAILED, "Not a directory"),
    "npy cut": (change("--in", "0.0=cut.npy"), FAILED, "header is cut off"),
    "npy short": (change("--in", "0.0=short.npy"), FAILED, "announces 64 bytes of data; 60 are there"),
    "npy long": (change("--in", "0.0=long.npy"), FAILED, "announces 64 bytes of data; 68 are there"),
    "npy Fortran": (change("--in", "0.0=fortran.npy"), FAILED, "Fortran order"),
    "npy object": (change("--in", "0.0=object.npy"), FAILED, "dtype '|O'"),
    "npy dtype": (change("--in", "0.0=dtype.npy"), FAILED, "dtype '<x4'"),
    "npy structure": (change("--in", "0.0=struct.npy"), FAILED, "dtype is a structure"),
    "npy shape overflow": (change("--in", "0.0=shape.npy"), FAILED, "more bytes than 64 bits"),
    "npy negative shape": (change("--in", "0.0=negative.npy"), FAILED, "the shape is no list"),
    "npy version": (change("--in", "0.0=version.npy"), FAILED, "version is 9.0"),
    "npy no header": (change("--in", "0.0=noheader.npy"), FAILED, "header is malformed"),
    "npy lacking": (change("--in", "0.0=lacking.npy"), FAILED, "lacks descr, fortran_order or shape"),
    "npy unknown key": (change("--in", "0.0=unknown.npy"), FAILED, "unknown key 'colour'"),
    "npy garbage": (change("--in", "0.0=garbage.npy"), FAILED, "it is no .npy file"),
    "npy huge header": (change("--in", "0.0=huge.npy"), FAILED, "4294967295 bytes announced"),
    "npy of another width": (change("--in", "0.0=f8.npy"), FAILED,
                             "'f8.npy' holds float64, and the kernel's binding 0.0 (X) takes uint32; "
                             "add --cast to convert it, or store it with astype('uint32')"),
    "npy of another kind": (change("--in", "0.0=f4.npy"), FAILED, "holds float32"),
    "npy of bytes": (change("--in", "0.0=u1.npy"), FAILED, "holds uint8"),
    "npy of bools": (change("--in", "0.0=b1.npy"), FAILED, "holds bool"),
    "npy of complex numbers": (change("--in", "0.0=c8.npy"), FAILED, "holds complex64"),
    "npy cast that does not fit": (change("--in", "0.0=wide.npy") + ["--cast"], FAILED,
                                   "'wide.npy': --cast: element 1 is 4294967296, which uint32 cannot "
                                   "hold"),
    "npy cast of no number": (change("--in", "0.0=nan.npy") + ["--cast"], FAILED,
                              "element 1 is nan, which uint32 cannot hold"),
    # What is shown, exchanged and compared.
    "print form": (run("--print", "0"), BAD_USAGE, "'0' names no binding"),
    "print range": (run("--print", "0.1[8:4]"), BAD_USAGE, "the range is empty"),
    "print beyond": (run("--print", "0.1[0:17]"), BAD_USAGE, "the buffer has 16 elements of u32"),
    "print dtype": (run("--print", "0.1:f31"), BAD_USAGE, "'f31' is no dtype"),
    "print unknown": (run("--print", "0.9"), BAD_USAGE, "--print 0.9: the kernel does not use this binding"),
    "swap alone": (run("--swap", "0.0,0.1"), BAD_USAGE, "it needs --repeat N of at least 2"),
    "swap once": (run("--swap", "0.0,0.1", "--repeat", "1"), BAD_USAGE, "it needs --repeat N"),
    "swap form": (run("--swap", "0.0", "--repeat", "2"), BAD_USAGE, "it takes two bindings"),
    "swap with itself": (run("--swap", "0.0,0.0", "--repeat", "2"), BAD_USAGE, "both are binding 0.0"),
    "swap twice": (run("--swap", "0.0,0.1", "--swap", "0.1,0.0", "--repeat", "2"), BAD_USAGE,
                   "binding 0.1 is given twice"),
    "swap unknown": (run("--swap", "0.0,0.9", "--repeat", "2"), BAD_USAGE,
                     "--swap 0.9: the kernel does not use this binding"),
    "swap of two sizes": (change("--zero", "0.1=128") + ["--swap", "0.0,0.1", "--repeat", "2"],
                          BAD_USAGE, "they have 64 and 128 bytes"),
    "tolerance alone": (run("--tolerance", "1"), BAD_USAGE, "name them with --on A,B"),
    "tolerance form": (run("--tolerance", "much", "--on", "mock:add,mock:two"), BAD_USAGE,
                       "it takes ABS[,REL]"),
    "tolerance of nothing": (["run", *GOOD[:-2], *SIZE, "--tolerance", "1", "--on", "a,b"], BAD_USAGE,
                             "name them with --out"),
    # Output files.
    "output folder missing": (change("--out", "0.1=no/out"), FAILED, "'no/out' cannot be written"),
    "output is a folder": (change("--out", "0.1=."), FAILED, "'.' cannot be written: Is a directory"),
    "output below a file": (change("--out", "0.1=x/out"), FAILED, "Not a directory"),
    "output in /proc": (change("--out", "0.1=/proc/out"), FAILED, "'/proc/out' cannot be written"),
    "output full": (change("--out", "0.1=/dev/full"), FAILED, "No space left on device"),
    "output name too long": (change("--out", "0.1=" + "n" * 300), FAILED, "File name too long"),
    "output npy without dtype": (change("--out", "0.1=out.npy"), BAD_USAGE, "needs a dtype"),
    "output npy dtype": (change("--out", "0.1=out.npy:f31"), BAD_USAGE, "'f31' is no dtype"),
    "output with a dtype and no npy": (change("--out", "0.1=x.bin:f32"), BAD_USAGE,
                                       "only a .npy file has a dtype; x.bin for raw bytes, or "
                                       "x.npy:f32 for NumPy"),
    "output to the standard output of json": (change("--out", "0.1=-") + ["--json"], BAD_USAGE,
                                              "both write to standard output"),
    "output npy size": (["run", "copy.spv", "--in", "0.0=x", "--zero", "0.1=63", "--push",
                         "u32:15,u32:0", "--out", "0.1=out.npy:u32", *SIZE],
                        BAD_USAGE, "no whole number of u32 elements of 4 bytes"),
    # Benchmarks.
    "baseline alone": (["bench", *GOOD, *SIZE, "--baseline", "x"], BAD_USAGE, "go together"),
    "baseline garbage": (["bench", *GOOD, *SIZE, "--baseline", "x", "--max-regress", "5"], FAILED,
                         "'x' is no baseline"),
    "baseline percentage": (["bench", *GOOD, *SIZE, "--baseline", "x", "--max-regress", "much"],
                            BAD_USAGE, "'much' is no percentage"),
    "baseline of medians alone": (["bench", *GOOD, *SIZE, "--baseline", "old.json", "--max-regress",
                                   "5"], FAILED, "'old.json' is no baseline: it has medians alone"),
    "baseline without the substrate": (["bench", *GOOD, *SIZE, "--baseline", "other.json",
                                        "--max-regress", "5", "--repeat", "5"], FAILED,
                                       "the baseline 'other.json' has no result for mock:add"),
    "precision": (["bench", *GOOD, *SIZE, "--precision", "0%"], BAD_USAGE,
                  "--precision: '0%' is no percentage between 0 and 100"),
    "budget": (["bench", *GOOD, *SIZE, "--budget", "-1"], BAD_USAGE,
               "--budget: '-1' is no number of seconds above 0"),
    "budget and repeat": (["bench", *GOOD, *SIZE, "--budget", "1", "--repeat", "5"], BAD_USAGE,
                          "give one of them"),
    "an empty value": (["bench", *GOOD, *SIZE, "--html", ""], BAD_USAGE,
                       "bench: --html takes FILE, and nothing is given"),
    "an empty command": (["bench", *GOOD, *SIZE, "--baseline-command="], BAD_USAGE,
                         "--baseline-command takes CMD, and nothing is given"),
    "two results in one file": (["bench", *GOOD, *SIZE, "--json", "r", "--csv", "./r"], BAD_USAGE,
                                "--json and --csv both write to './r'"),
    "a result and an output in one file": (["bench", *GOOD, *SIZE, "--json", "out"], BAD_USAGE,
                                           "--json and --out 0.1 both write to 'out'"),
    "percent of nothing": (["bench", *GOOD, *SIZE, "--baseline", "x", "--max-regress", "%"], BAD_USAGE,
                           "--max-regress: '%' is no percentage of at least 0"),
    "flops": (["bench", *GOOD, *SIZE, "--flops", "many"], BAD_USAGE, "'many' is no number"),
    "bytes": (["bench", *GOOD, *SIZE, "--bytes", "1X"], BAD_USAGE, "--bytes"),
    "check and not": (["bench", *GOOD, *SIZE, "--on", "a,b", "--check", "--no-check"], BAD_USAGE, "contradict"),
    "baseline command alone": (["bench", *GOOD, *SIZE, "--baseline-command", "x"], BAD_USAGE,
                               "go together"),
    "baseline command for standard input": (["bench", "-", *GOOD[1:], *SIZE, "--baseline-command",
                                             "x", "--max-regress", "5"], BAD_USAGE, "name a file"),
    "relative to what is not measured": (["bench", *GOOD, *SIZE, "--relative-to", "cpu"], BAD_USAGE,
                                         "--relative-to cpu: it takes calibration, kernel, or a "
                                         "substrate"),
    "relative to no kernel": (["bench", *GOOD, *SIZE, "--relative-to", "kernel"], BAD_USAGE,
                              "--relative-to kernel: it takes --baseline FILE"),
    "relative to several kernels": (["bench", *GOOD, *SIZE, "--relative-to", "kernel", "--baseline",
                                     "base.json", "--baseline", "other.json", "--max-regress", "5"],
                                    BAD_USAGE, "the kernel of one baseline"),
    "metric": (["bench", *GOOD, *SIZE, "--metric", "joules"], BAD_USAGE,
               "--metric: 'joules' is none; there are time, instructions, cycles, cache-misses and "
               "task-clock"),
    "metric of no baseline": (["bench", *GOOD, *SIZE, "--metric", "task-clock"], BAD_USAGE,
                              "--metric task-clock: it says what is compared with a baseline, and there is "
                              "none"),
    "metric of a sweep": (["bench", *GOOD[:-2], *SIZE, "--metric", "instructions", "--sweep",
                           "push.count=1,2"], BAD_USAGE, "and there is none"),
    "a result over its baseline": (["bench", *GOOD, *SIZE, "--baseline", "base.json", "--max-regress",
                                    "5", "--json", "./base.json"], BAD_USAGE,
                                   "--json would write over './base.json', which --baseline compares with"),
    "an output over a baseline": (["bench", *GOOD[:-1], "0.1=other.json", *SIZE, "--baseline", "base.json",
                                   "--baseline", "other.json", "--max-regress", "5"], BAD_USAGE,
                                  "--out 0.1 would write over 'other.json', which --baseline compares with"),
    "a result over the kernel": (["bench", *GOOD, *SIZE, "--html", "copy.spv"], BAD_USAGE,
                                 "--html would write over 'copy.spv', which the launch reads"),
    "a result over an input": (["bench", *GOOD, *SIZE, "--csv", "x"], BAD_USAGE,
                               "--csv would write over 'x', which the launch reads"),
    # Sweeps.
    **{f"sweep {text}": (["bench", *GOOD[:-2], *SIZE, "--sweep", text], BAD_USAGE, sentence)
       for text, sentence in (
           ("threads", "there are no values"), ("threads=", "there are no values"),
           ("threads=4,", "'' is no whole number"), ("threads=4,,8", "'' is no whole number"),
           ("threads=8,4,8", "8 stands there twice"), ("threads=8:4:x2", "there is no way to 4"),
           ("threads=0:4:x2", "there is no way to 4"), ("threads=1:4", "the step is missing"),
           ("threads=1:4:x1", "'x1' is no step"), ("threads=1:4:+0", "'+0' is no step"),
           ("threads=-1,2", "'-1' is no whole number"), ("threads=9e3", "'9e3' is no whole number"),
           ("threads=1:1000:+1", "more than 64 points"), ("size=1,2", "'size' cannot be changed"),
           ("let.n\n=1,2", "'let.n?' cannot be changed"),
           ("let.n=9000000000G", "'9000000000G' is no whole number"),
           ("threads=0,16", "--threads"),
           ("push.size=1,2", "have no such member; they have count and offset"),
           ("spec.77=1,2", "the kernel has no such specialization constant; it has 0, 1, 2 and 7"))},
    "metric and command": (["bench", *GOOD, *SIZE, "--metric", "cycles", "--baseline-command", "x",
                            "--max-regress", "5"], BAD_USAGE, "do not go together"),
    "baseline without calibration": (["bench", *GOOD, *SIZE, "--baseline", "base.json",
                                      "--max-regress", "5", "--relative-to", "calibration"], FAILED,
                                     "the baseline 'base.json' has no calibration for mock:add"),
    "sweep without an entry point": (["bench", "two.spv", "--groups", "1", "--sweep", "push.n=1,2"],
                                     BAD_USAGE, "several entry points; name one of 'first', 'second'"),
    "sweep without values": (["bench", *GOOD[:-2], *SIZE, "--sweep", "push.count"], BAD_USAGE,
                             "--sweep push.count: there are no values; it takes WHAT=FROM:TO:xFACTOR"),
    "sweep of nothing known": (["bench", *GOOD[:-2], *SIZE, "--sweep", "colour=1,2"], BAD_USAGE,
                               "'colour' cannot be changed"),
    "sweep of no member": (["bench", *GOOD[:-2], *SIZE, "--sweep", "push.m=1,2"], BAD_USAGE,
                           "the kernel's push constants have no such member; they have count and"),
    "sweep without a step": (["bench", *GOOD[:-2], *SIZE, "--sweep", "push.count=1:2"], BAD_USAGE,
                             "the step is missing"),
    "sweep that stands still": (["bench", *GOOD[:-2], *SIZE, "--sweep", "push.count=1:2:x1"], BAD_USAGE,
                                "'x1' is no step"),
    "sweep without end": (["bench", *GOOD[:-2], *SIZE, "--sweep", "push.count=1:1M:+1"], BAD_USAGE,
                          "more than 64 points"),
    "sweep backwards": (["bench", *GOOD[:-2], *SIZE, "--sweep", "push.count=4:2:x2"], BAD_USAGE,
                        "from 4 there is no way to 2"),
    "sweep of another name": (["bench", *GOOD[:-2], "--threads", "{m}", "--sweep", "push.count=1,2"],
                              BAD_USAGE, "in braces stands 'count'"),
    "sweep too large": (["bench", *GOOD[:-2], "--threads", "{count*count*count*count}", "--sweep",
                         "push.count=1G,2G"], BAD_USAGE, "is too large where count is 1073741824"),
    "sweep with an output": (["bench", *GOOD, *SIZE, "--sweep", "push.count=1,2"], BAD_USAGE,
                             "--sweep and --out do not go together"),
    "sweep with a baseline": (["bench", *GOOD[:-2], *SIZE, "--sweep", "push.count=1,2", "--baseline",
                               "base.json", "--max-regress", "5"], BAD_USAGE,
                              "--sweep compares with no baseline"),
    "trace without a file": (["trace"], BAD_USAGE, "trace: FILE is missing; it is what SOKR_TRACE=FILE"),
    "trace of nothing": (["trace", "no"], FAILED, "'no' cannot be read"),
    "trace of something else": (["trace", "x"], FAILED, "'x' is no trace: it is no list of events"),
    "trace without events": (["trace", "empty_trace.json"], FAILED, "it has no events of a substrate"),
    "trace of odd events": (["trace", "odd_trace.json"], FAILED, "it has no events of a substrate"),
    "trace nested deep": (["trace", "deep_trace.json"], FAILED, "nested deeper than events are"),
    "relative counter": (["bench", *GOOD, *SIZE, "--metric", "cycles", "--relative-to",
                          "calibration"], BAD_USAGE, "--metric needs none"),
    "relative command": (["bench", *GOOD, *SIZE, "--relative-to", "calibration", "--max-regress", "5",
                          "--baseline-command", "x"], BAD_USAGE, "which measures both here, needs none"),
    "check of one": (["bench", *GOOD, *SIZE, "--check"], BAD_USAGE, "name them with --on A,B"),
    "two files on standard output": (["bench", *GOOD, *SIZE, "--json", "-", "--csv", "-"], BAD_USAGE,
                                     "--json - and --csv - both write to standard output"),
    "result that cannot be written": (["bench", *GOOD, *SIZE, "--csv", "no/where.csv"], FAILED,
                                      "'no/where.csv' cannot be written"),
    "result on a full disk": (["bench", *GOOD, *SIZE, "--repeat", "5", "--markdown", "/dev/full"],
                              FAILED, "No space left on device"),
    "baseline missing": (["bench", *GOOD, *SIZE, "--baseline", "no", "--max-regress", "5"], FAILED,
                         "'no' cannot be read"),
    "baseline of another size": (["bench", *GOOD, "--threads", "32", "--baseline", "base.json",
                                  "--max-regress", "5"], BAD_USAGE,
                                 "--baseline base.json: it measured another launch: its groups is "
                                 "[16,1,1], and here it is [32,1,1]"),
    "baseline of another kernel": (["bench", "blocks.spv", *BLOCK[1:], *TERMS, "--baseline",
                                    "base.json", "--max-regress", "5"], BAD_USAGE,
                                   "its kernel is \"old/copy.spv\", and here it is \"blocks.spv\""),
    "baseline of other push constants": (["bench", *change("--push", "u32:8,u32:0")[1:], "--baseline",
                                          "base.json", "--max-regress", "5"], BAD_USAGE,
                                         "its push is"),
    "output without file": (change("--out", "0.1="), BAD_USAGE, "it takes SET.BINDING[INDEX]=FILE"),
}

# What substrates refuse or fail. name: (mocks, arguments, exit code, sentence)
SUBSTRATE_CASES = {
    "none here": ((), run(), FAILED, "no substrate can run this kernel: none is loaded"),
    "dispatch fails": (("discrete",), run("--on", "mock:discrete"), FAILED,
                       "mock:discrete: the mock refuses every launch"),
    "completion fails": (("integrated",), run("--on", "mock:integrated"), FAILED,
                         "mock:integrated: the mock fails every launch"),
    "an explicit choice never falls back": (("add", "discrete"), run("--on", "mock:discrete"), FAILED,
                                            "mock:discrete: the mock refuses every launch"),
    "one of several fails": (("add", "integrated"), run("--on", "mock:add,mock:integrated"), FAILED,
                             "the mock fails every launch"),
    "denied": (("deny",), run("--on", "mock:deny"), FAILED,
               "mock:deny cannot run this kernel: the mock denies everything"),
    "all deny": (("deny",), run(), FAILED, "mock:deny: the mock denies everything"),
    "every one fails": (("discrete", "integrated"), run(), FAILED,
                        "mock:discrete: the mock refuses every launch; mock:integrated: "),
    "other format": (("foreign",), run("--on", "mock:foreign"), FAILED, "it accepts PTX"),
    "results disagree": (("add", "add_two"), run("--on", "mock:add,mock:two"), FAILED,
                         "mock:add and mock:two disagree on binding 0.1: byte 0 is 1 and 2"),
}


class BadInput(unittest.TestCase):
    def setUp(self):
        self.sokr = Sokr(BUILD, MOCKS)
        self.addCleanup(self.sokr.close)

    def check(self, arguments, code, sentence, mocks=("add",), environment=None):
        self.sokr.clean()
        for name, data in FILES.items():
            self.sokr.store(name, data)
        result = self.sokr.run(*arguments, mocks=mocks, environment=environment)
        errors = result.stderr.decode()
        self.assertEqual(result.returncode, code, errors)
        self.assertEqual(errors.count("\n"), 1, errors)
        self.assertTrue(errors.startswith("sokr: ") and errors.endswith("\n"), errors)
        self.assertIn(sentence, errors)
        self.assertEqual(result.stdout, b"")
        self.assertEqual(sorted(os.listdir(self.sokr.work)), sorted(FILES))

    def test_kinds(self):
        self.assertGreaterEqual(len(CASES) + len(SUBSTRATE_CASES), 60)
        for name, (arguments, code, sentence) in CASES.items():
            with self.subTest(name):
                self.check(arguments, code, sentence)

    def test_substrates(self):
        for name, (mocks, arguments, code, sentence) in SUBSTRATE_CASES.items():
            with self.subTest(name):
                self.check(arguments, code, sentence, mocks)

    def test_good_command_line_is_good(self):
        """What the cases change is accepted as it is."""
        for name, data in FILES.items():
            self.sokr.store(name, data)
        for arguments in (run(), ["run", *BLOCK, *TERMS]):
            result = self.sokr.run(*arguments)
            self.assertEqual(result.returncode, 0, result.stderr)
            self.assertTrue(os.path.exists(self.sokr.path("out")))

    def test_every_truncation_is_refused(self):
        for size in range(0, len(COPY), 4):
            self.sokr.store("cut.spv", COPY[:size])
            result = self.sokr.run("inspect", "cut.spv")
            self.assertEqual(result.returncode, FAILED, size)
            self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr)

    def test_bit_flips_are_refused_or_harmless(self):
        """A flipped bit may make another valid kernel; nothing else than 0 and 1 may come."""
        for at in range(0, len(COPY) * 8, 61):
            damaged = bytearray(COPY)
            damaged[at // 8] ^= 1 << (at % 8)
            self.sokr.store("flipped.spv", bytes(damaged))
            result = self.sokr.run("inspect", "flipped.spv")
            self.assertIn(result.returncode, (0, FAILED), f"bit {at}: {result.stderr}")
            self.assertEqual(result.stderr.count(b"\n"), result.returncode, result.stderr)

    def test_an_old_output_survives_a_failure(self):
        for name, data in FILES.items():
            self.sokr.store(name, data)
        self.sokr.store("out", b"old")
        result = self.sokr.run(*run("--on", "mock:integrated"), mocks=("integrated",))
        self.assertEqual(result.returncode, FAILED)
        self.assertEqual(self.sokr.load("out"), b"old")

    def test_a_plugin_path_that_does_not_exist_is_said(self):
        result = self.sokr.run("devices", environment={"SOKR_PLUGIN_PATH": self.sokr.path("no/such")})
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr.decode(), (
            f"sokr: warning: plugins: {self.sokr.path('no/such')}: there is no such file or folder, "
            "but SOKR_PLUGIN_PATH names it; it takes files and folders joined by ':'\n"))

    def test_bad_plugins_are_warned_about_and_passed_over(self):
        for name, data in FILES.items():
            self.sokr.store(name, data)
        result = self.sokr.run("devices", environment={
            "SOKR_PLUGIN_PATH": self.sokr.path("bad_plugin.so")})
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr.count(b"\n"), 1, result.stderr)
        self.assertIn(b"bad_plugin.so", result.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
