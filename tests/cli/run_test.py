# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the sokr command does when all is well, and how it falls back."""

import csv
import json
import os
import pty
import re
import resource
import shutil
import signal
import struct
import subprocess
import sys
import unittest
from xml.etree import ElementTree

from sokr_command import Sokr, npy
from trace_rules import trace_faults

BUILD, MOCKS, KERNELS = sys.argv[1:4]
WORDS = struct.pack("<16I", *range(16))
RUN = ["run", "copy.spv", "--in", "0.0=x", "--zero", "0.1=64", "--push", "u32:16,u32:5",
       "--threads", "16"]


def without_names(module):
    """The module without its OpName and OpMemberName."""
    words = struct.unpack(f"<{len(module) // 4}I", module)
    kept, at = list(words[:5]), 5
    while at < len(words):
        count, opcode = words[at] >> 16, words[at] & 0xFFFF
        if opcode not in (5, 6):
            kept += words[at:at + count]
        at += count
    return struct.pack(f"<{len(kept)}I", *kept)


class Command(unittest.TestCase):
    def setUp(self):
        self.sokr = Sokr(BUILD, MOCKS)
        self.addCleanup(self.sokr.close)
        for name in ("copy", "blocks", "two"):
            shutil.copy(os.path.join(KERNELS, name + ".spv"), self.sokr.work)
        self.sokr.store("x", WORDS)

    def good(self, *arguments, **options):
        result = self.sokr.run(*arguments, **options)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def test_devices(self):
        text = self.good("devices").stdout.decode()
        self.assertIn("mock:add  a mock\n", text)
        self.assertIn("\nnot available\n  mock:other  its device is not plugged in\n", text)
        report = json.loads(self.good("devices", "--json").stdout)
        self.assertEqual(report["schema"], "sokr.devices/1")
        self.assertEqual([one["name"] for one in report["substrates"]], ["mock:add"])
        self.assertEqual(report["substrates"][0]["kind"], "cpu")
        self.assertEqual(report["unavailable"][0]["name"], "mock:other")

    def test_lines_fit_80_columns(self):
        for arguments in (["devices"], ["inspect", "copy.spv"], ["--help"], ["run", "--help"],
                          ["help", "bench"], ["help", "inspect"], ["help", "cache"]):
            for line in self.good(*arguments).stdout.decode().splitlines():
                self.assertLessEqual(len(line), 80, line)

    def test_inspect(self):
        report = json.loads(self.good("inspect", "copy.spv", "--json", mocks=("add", "deny")).stdout)
        self.assertEqual(report["schema"], "sokr.inspect/1")
        entry = report["entry_points"][0]
        self.assertEqual(entry["name"], "main")
        self.assertEqual(entry["local_size_spec_ids"], [7, None, None])
        self.assertEqual(entry["push_size"], 8)
        self.assertEqual([(one["set"], one["binding"], one["kind"], one["access"])
                          for one in entry["bindings"]],
                         [(0, 0, "storage_buffer", "read"), (0, 1, "storage_buffer", "write")])
        self.assertEqual([(one["id"], one["type"], one["default"])
                          for one in report["spec_constants"] if one["id"] < 3],
                         [(0, "u32", "3"), (1, "bool", "false"), (2, "f32", "1.5")])
        self.assertEqual(report["substrates"],
                         [{"name": "mock:deny", "can_run": False,
                           "reason": "the mock denies everything"},
                          {"name": "mock:add", "can_run": True, "reason": None}])
        text = self.good("inspect", "copy.spv").stdout.decode()
        self.assertIn("entry point main", text)

    def test_inspect_images(self):
        shutil.copy(os.path.join(KERNELS, "image.spv"), self.sokr.work)
        report = json.loads(self.good("inspect", "image.spv", "--json").stdout)
        entry = report["entry_points"][0]
        self.assertEqual(entry["ports"], [])
        self.assertEqual(entry["bindings"][0]["image"],
                         {"dimension": "2d", "sampled_type": "f32", "format": "r32f",
                          "arrayed": False, "multisampled": False, "depth": False})
        text = self.good("inspect", "image.spv").stdout.decode()
        self.assertRegex(text, r"0\.0 +storage image +write +2d of f32, r32f +picture")
        report = json.loads(self.good("inspect", "copy.spv", "--json").stdout)
        self.assertIsNone(report["entry_points"][0]["bindings"][0]["image"])

    def test_inspect_shows_the_names_that_the_module_has(self):
        def names(kernel):
            report = json.loads(self.good("inspect", kernel, "--json").stdout)
            entry = report["entry_points"][0]
            return [one["name"] for part in (entry["bindings"], entry["push_constants"],
                                             report["spec_constants"]) for one in part]
        self.sokr.store("stripped.spv", without_names(self.sokr.load("copy.spv")))
        self.assertEqual(names("copy.spv")[:7],
                         ["X", "Y", "count", "offset", "kFactor", "kNegate", "kBias"])
        self.assertEqual(set(names("stripped.spv")), {""})
        named = self.good("inspect", "copy.spv").stdout.decode().splitlines()[1:]
        stripped = self.good("inspect", "stripped.spv").stdout.decode().splitlines()[1:]
        self.assertEqual(len(stripped), len(named))
        for with_name, line in zip(named, stripped):
            self.assertEqual(line, line.rstrip())
            self.assertTrue(with_name.startswith(line), line)

    def test_kernel_from_standard_input(self):
        text = self.good("inspect", "-", stdin=self.sokr.load("copy.spv"))
        self.assertIn(b"entry point main", text.stdout)

    def test_run_writes_the_output_and_prints_the_choice(self):
        result = self.good(*RUN, "--out", "0.1=y")
        self.assertEqual(self.sokr.load("y"), b"\x01" * 64)
        self.assertEqual(self.sokr.load("x"), WORDS)
        self.assertEqual(result.stdout, b"")
        self.assertRegex(result.stderr.decode(),
                         r"^sokr: ran on mock:add \(a mock\): 16 x 1 x 1 workgroups of 1 x 1 x 1 in .*\n$")
        self.assertEqual(sorted(os.listdir(self.sokr.work)),
                         ["blocks.spv", "copy.spv", "two.spv", "x", "y"])

    def test_what_the_kernel_does_not_use_is_ignored(self):
        unused = ["--in", "0.7=x", "--zero", "5.0=16", "--spec", "9=1"]
        longer = ["u32:16,u32:5,f32:1" if one == "u32:16,u32:5" else one for one in RUN]
        result = self.good(*longer, *unused, "--out", "0.1=y")
        self.assertEqual(self.sokr.load("y"), b"\x01" * 64)
        self.assertRegex(result.stderr.decode(), r"^sokr: ran on [^\n]*\n$")
        told = self.good(*longer, *unused, "--out", "0.1=y", environment={"SOKR_LOG": "info"})
        for sentence in ("--in 0.7: the kernel does not use this binding; it uses 0.0 (X) and 0.1 (Y)",
                         "--zero 5.0: the kernel does not use this binding",
                         "--spec 9=1: the kernel has no specialization constant 9; it has 0, 1, 2 and 7",
                         "--push gives 12 bytes; the kernel takes 8: u32 count at 0"):
            self.assertIn(sentence, told.stderr.decode())

    def test_a_buffer_may_be_smaller_than_its_block(self):
        small = ["run", "blocks.spv", "--groups", "1", "--in", "1.3[0]=x", "--in", "1.3[1]=x",
                 "--in", "0.0=one", "--zero", "0.1=8", "--out", "0.1=out"]
        self.sokr.store("one", b"1")
        self.good(*small)
        self.assertEqual(len(self.sokr.load("out")), 8)
        told = self.good(*small, environment={"SOKR_LOG": "info"})
        self.assertIn("--zero 0.1: it has 8 bytes, the kernel's block 64", told.stderr.decode())

    def test_inspect_shows_sizes_for_values(self):
        def local_size(*specs):
            return json.loads(self.good("inspect", "copy.spv", "--json", *specs).stdout)[
                "entry_points"][0]["local_size"]
        self.assertEqual(local_size(), [1, 1, 1])
        self.assertEqual(local_size("--spec", "7=24", "--spec", "99=1"), [24, 1, 1])
        refused = self.sokr.run("inspect", "copy.spv", "--spec", "7=0")
        self.assertEqual(refused.returncode, 2)
        self.assertIn(b"every number has to be at least 1", refused.stderr)

    def test_run_json(self):
        result = self.good(*RUN, "--out", "0.1=y.npy:u16", "--repeat", "3", "--json",
                           "--local-size", "8", mocks=("add", "deny"))
        report = json.loads(result.stdout)
        self.assertEqual(report["schema"], "sokr.run/1")
        self.assertEqual(report["groups"], [2, 1, 1])
        self.assertEqual(report["local_size"], [8, 1, 1])
        self.assertEqual(report["repeat"], 3)
        self.assertEqual(report["runs"][0]["substrate"], "mock:add")
        self.assertEqual(report["passed_over"],
                         [{"name": "mock:deny", "reason": "the mock denies everything"}])
        self.assertEqual(report["outputs"], [{"set": 0, "binding": 1, "index": 0, "file": "y.npy",
                                              "dtype": "u16", "shape": [32], "bytes": 64}])
        self.assertEqual(report["tolerance"], None)
        self.assertEqual(report["printed"], [])
        self.assertEqual(self.sokr.load("y.npy"), npy_u16(b"\x03" * 64))

    def test_specialization_sets_the_workgroup_size(self):
        result = self.good(*RUN, "--spec", "7=4", "--spec", "1=true", "--spec", "2=-0.5", "--json")
        self.assertEqual(json.loads(result.stdout)["groups"], [4, 1, 1])

    def test_input_and_output_may_be_one_binding(self):
        self.good("run", "copy.spv", "--in", "0.0=x", "--in", "0.1=x", "--out", "0.1=x",
                  "--push", "u32:16,u32:5", "--groups", "16")
        self.assertEqual(self.sokr.load("x"), bytes((byte + 1) & 0xFF for byte in WORDS))

    def test_fixed_blocks_and_descriptor_arrays(self):
        self.good("run", "blocks.spv", "--groups", "1", "--in", "0.0=x", "--in", "1.3=x",
                  "--in", "1.3[1]=x", "--out", "0.1=y")
        self.assertEqual(self.sokr.load("y"), b"\x01" * 64)

    def test_entry_points(self):
        self.good("run", "two.spv", "--entry", "second", "--groups", "1")

    def test_numpy_inputs(self):
        big = struct.pack(">16I", *range(16))
        for version in (1, 2, 3):
            for descr, data in (("<u4", WORDS), (">u4", big), ("<i4", WORDS)):
                self.sokr.store("x.npy", npy(descr, "(16,)", data, version=version))
                self.good("run", "copy.spv", "--in", "0.0=x.npy", "--in", "0.1=x.npy", "--push",
                          "u32:16,u32:5", "--groups", "16", "--out", "0.1=y")
                self.assertEqual(self.sokr.load("y"), bytes((byte + 1) & 0xFF for byte in WORDS))

    def test_push_from_a_file(self):
        self.sokr.store("push", struct.pack("<I", 16))
        self.good("run", "copy.spv", "--in", "0.0=x", "--zero", "0.1=1K", "--push", "@push",
                  "--push", "i32:-1", "--groups", "16")
        # Bytes have no type.
        self.sokr.store("rest", struct.pack("<f", 1))
        self.good("run", "copy.spv", "--in", "0.0=x", "--zero", "0.1=1K", "--push", "u32:16",
                  "--push", "@rest", "--groups", "16")

    def copy(self, *arguments, **options):
        """copy.spv, whose mock adds a number to every byte of 0.1."""
        return self.good("run", "copy.spv", "--push", "u32:16,u32:5", "--groups", "16", *arguments,
                         **options)

    def test_cast_converts_to_what_the_kernel_reads(self):
        values = [0, 1.9, 7, 4294967295]
        for descr, pack in (("<f8", "<4d"), ("<u8", "<4Q"), ("<i8", "<4q"), (">f8", ">4d")):
            given = [int(value) if "f" not in descr else value for value in values]
            self.sokr.store("x.npy", npy(descr, "(2, 2)", struct.pack(pack, *given)))
            self.copy("--in", "0.0=x.npy", "--zero", "0.1=16", "--cast", "--out", "0.0=x.out")
            self.assertEqual(self.sokr.load("x.out"), struct.pack("<4I", 0, 1, 7, 4294967295), descr)
        # What needs no conversion has none.
        self.sokr.store("x.npy", npy("<i4", "(2,)", struct.pack("<2i", -1, 5)))
        self.copy("--in", "0.0=x.npy", "--zero", "0.1=16", "--cast", "--out", "0.0=x.out")
        self.assertEqual(self.sokr.load("x.out"), struct.pack("<2i", -1, 5))

    def shape_of(self, name):
        return re.search(rb"'shape': (\(.*?\))", self.sokr.load(name)).group(1).decode()

    def test_outputs_keep_the_shape_of_the_input(self):
        self.sokr.store("x.npy", npy("<u4", "(4, 4)", WORDS))
        self.sokr.store("y.npy", npy("<u4", "(2, 8)", WORDS))
        same = ["--in", "0.0=x.npy", "--in", "0.1=y.npy"]
        self.copy(*same, "--out", "0.1=out.npy:u32")
        self.assertEqual(self.shape_of("out.npy"), "(2, 8)")
        self.copy("--in", "0.0=x.npy", "--zero", "0.1=64", "--out", "0.1=out.npy:i32")
        self.assertEqual(self.shape_of("out.npy"), "(4, 4)")
        # Another number of elements: flat.
        self.copy(*same, "--out", "0.1=out.npy:u16")
        self.assertEqual(self.shape_of("out.npy"), "(32,)")
        self.copy("--in", "0.0=x.npy", "--zero", "0.1=32", "--out", "0.1=out.npy:u32")
        self.assertEqual(self.shape_of("out.npy"), "(8,)")
        # One number without an axis is a shape, too.
        self.sokr.store("x.npy", npy("<u4", "()", WORDS[:4]))
        self.copy("--in", "0.0=x.npy", "--zero", "0.1=4", "--out", "0.1=out.npy:u32")
        self.assertEqual(self.shape_of("out.npy"), "()")

    def test_print_shows_values(self):
        given = ["--in", "0.0=x", "--zero", "0.1=64"]
        text = self.copy(*given, "--print", "0.0[:3]", "--print", "0.1[14:]").stdout.decode()
        self.assertEqual(text, "0.0 (X)  u32[16]\n  0  0 1 2\n  ... and 13 more\n"
                               "0.1 (Y)  u32[16]\n  14  16843009 16843009\n")
        self.assertEqual(self.copy(*given, "--print", "0.1[:2]:u8").stdout.decode(),
                         "0.1 (Y)  u8[64]\n  0  1 1\n  ... and 62 more\n")
        # Everything of a small one, in lines that fit.
        lines = self.copy(*given, "--print", "0.1").stdout.decode().splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual([line.split()[0] for line in lines[1:]], ["0", "8"])
        report = json.loads(self.copy(*given, "--print", "0.0[1:3]", "--print", "0.0[:1]:f32",
                                      "--json").stdout)
        self.assertEqual(report["printed"], [
            {"set": 0, "binding": 0, "index": 0, "dtype": "u32", "from": 1, "values": [1, 2]},
            {"set": 0, "binding": 0, "index": 0, "dtype": "f32", "from": 0, "values": [0.0]}])
        self.sokr.store("special", struct.pack("<4f", float("nan"), float("inf"), -float("inf"), 1))
        report = json.loads(self.copy("--in", "0.0=special", "--zero", "0.1=16", "--print",
                                      "0.0:f32", "--json").stdout)
        self.assertEqual(report["printed"][0]["values"], ["nan", "inf", "-inf", 1.0])

    def test_swap_exchanges_buffers_between_dispatches(self):
        # The mock adds 1 to what is bound to 0.1: to each buffer in turn.
        swap = ["--swap", "0.0,0.1", "--in", "0.0=x", "--zero", "0.1=64"]
        self.copy(*swap, "--repeat", "2", "--out", "0.0=a", "--out", "0.1=b")
        self.assertEqual(self.sokr.load("a"), b"\x01" * 64)
        self.assertEqual(self.sokr.load("b"), bytes((byte + 1) & 0xFF for byte in WORDS))
        self.copy(*swap, "--repeat", "5", "--out", "0.0=a", "--out", "0.1=b")
        self.assertEqual(self.sokr.load("b"), b"\x03" * 64)
        self.assertEqual(self.sokr.load("a"), bytes((byte + 2) & 0xFF for byte in WORDS))
        # Several substrates start from the same contents.
        self.copy(*swap, "--repeat", "3", "--on", "mock:add", "--on", "mock:software", "--out", "0.1=b",
                  mocks=("add", "software"))
        self.assertEqual(self.sokr.load("b"), b"\x02" * 64)
        self.good("bench", "copy.spv", "--push", "u32:16,u32:5", "--groups", "16", *swap, "--repeat",
                  "20", "--out", "0.1=b")

    def test_tolerance_decides_who_agrees(self):
        both = ["--in", "0.0=x", "--zero", "0.1=64", "--on", "mock:add,mock:two"]
        # 0x01010101 and 0x02020202.
        report = json.loads(self.copy(*both, "--tolerance", "16843009", "--out", "0.1=y", "--json",
                                      mocks=("add", "add_two")).stdout)
        self.assertEqual(report["tolerance"], {"absolute": 16843009.0, "relative": 0.0})
        self.copy(*both, "--tolerance", "0,0.5", "--out", "0.1=y", mocks=("add", "add_two"))
        bench = ["bench", "copy.spv", "--push", "u32:16,u32:5", "--groups", "16", "--repeat", "20",
                 *both, "--out", "0.1=y"]
        self.good(*bench, "--tolerance", "16843009", mocks=("add", "add_two"))
        for command in (["run", *RUN[1:], *both[4:], "--out", "0.1=z"], bench):
            result = self.sokr.run(*command, "--tolerance", "16843008", mocks=("add", "add_two"))
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"mock:add and mock:two disagree on binding 0.1: element 0 is 16843009 and "
                          b"33686018, and 15 others differ", result.stderr)
        self.assertFalse(os.path.exists(self.sokr.path("z")))

    def test_inspect_asks_the_named_ones_only(self):
        report = json.loads(self.good("inspect", "copy.spv", "--json", "--on", "mock:two", "--on",
                                      "mock:add", mocks=("add", "add_two", "deny")).stdout)
        self.assertEqual([one["name"] for one in report["substrates"]], ["mock:two", "mock:add"])

    def test_help_of_a_command(self):
        text = self.good("help", "run").stdout
        self.assertEqual(text, self.good("run", "--help").stdout)
        self.assertIn(b"--threads", text)
        self.assertEqual(self.good("help").stdout, self.good("--help").stdout)

    def test_dash_is_standard_output(self):
        self.assertEqual(json.loads(self.good("devices", "--json", "-").stdout)["schema"],
                         "sokr.devices/1")
        self.assertEqual(json.loads(self.good(*RUN, "--json", "-").stdout)["schema"], "sokr.run/1")
        result = self.good("bench", *RUN[1:], "--repeat", "20", "--json", "-")
        report = json.loads(result.stdout)
        self.assertEqual(report["buffers"], [{"set": 0, "binding": 1, "index": 0, "bytes": 64},
                                             {"set": 0, "binding": 0, "index": 0, "bytes": 64}])
        self.assertEqual(report["push"], ["u32:16,u32:5"])
        self.assertEqual(self.good(*RUN, "--out", "0.1=-").stdout, b"\x01" * 64)
        self.assertEqual(sorted(os.listdir(self.sokr.work)),
                         ["blocks.spv", "copy.spv", "two.spv", "x"])

    def test_progress_is_for_terminals(self):
        """Long runs say how far they are, on a terminal only."""
        command = [self.sokr.program, "bench", *RUN[1:], "--repeat", "4294967295"]
        environment = {**os.environ, "LD_LIBRARY_PATH": self.sokr.libraries,
                       "SOKR_PLUGIN_PATH": os.path.join(MOCKS, "add.so")}
        leader, follower = pty.openpty()
        with subprocess.Popen(command, cwd=self.sokr.work, env=environment, stderr=follower,
                              stdout=subprocess.DEVNULL) as process:
            os.close(follower)
            shown = b""
            while shown.count(b"\x1b[K") < 2 or not shown.endswith(b" s"):
                shown += os.read(leader, 65536)
            process.terminate()
        os.close(leader)
        self.assertRegex(shown, rb"^(\r\x1b\[Ksokr: \[ {20}\] mock:add (warm|pipelined|batched): \d+ of "
                                rb"4294967295 dispatches, \d+ s)+$")
        self.assertNotIn(b"dispatches", self.good(*command[1:-2]).stderr)

    def test_existing_outputs_keep_their_mode_and_links(self):
        self.sokr.store("target", b"old")
        os.chmod(self.sokr.path("target"), 0o640)
        os.symlink("target", self.sokr.path("link"))
        self.good(*RUN, "--out", "0.1=link")
        self.assertTrue(os.path.islink(self.sokr.path("link")))
        self.assertEqual(self.sokr.load("target"), b"\x01" * 64)
        self.assertEqual(os.stat(self.sokr.path("target")).st_mode & 0o777, 0o640)

    def test_output_to_standard_output(self):
        self.assertEqual(self.good(*RUN, "--out", "0.1=/dev/stdout").stdout, b"\x01" * 64)

    def test_falls_back_and_says_so(self):
        result = self.good(*RUN, "--out", "0.1=y", mocks=("add", "discrete", "integrated"))
        lines = result.stderr.decode().splitlines()
        self.assertEqual(len(lines), 3, lines)
        self.assertEqual(lines[0], "sokr: mock:discrete: the mock refuses every launch; using "
                                   "mock:integrated instead")
        self.assertEqual(lines[1], "sokr: mock:integrated: the mock fails every launch; using "
                                   "mock:add instead")
        self.assertIn("ran on mock:add", lines[2])
        self.assertEqual(self.sokr.load("y"), b"\x01" * 64)

    def test_passed_over_has_each_once(self):
        """Who denies the kernel says so again each time that another one fails."""
        report = json.loads(self.good(*RUN, "--json", mocks=("add", "deny", "discrete", "integrated",
                                                             "limited")).stdout)
        self.assertEqual(sorted(report["passed_over"], key=lambda one: one["name"]), [
            {"name": "mock:deny", "reason": "the mock denies everything"},
            {"name": "mock:discrete", "reason": "mock:discrete: the mock refuses every launch"},
            {"name": "mock:integrated", "reason": "mock:integrated: the mock fails every launch"},
            {"name": "mock:limited", "reason": "16 workgroups in x are over its limit of 8"}])

    def test_bench_chooses_what_can_run_the_launch(self):
        """As run does; of a sweep, what can run all of them."""
        def chosen(*size, mocks=("add", "limited")):
            result = self.good("bench", *RUN[1:-2], *size, "--repeat", "5", "--json", "-", mocks=mocks)
            report = json.loads(result.stdout)
            (one,) = report.get("points", [report])[0]["results"]
            self.assertIn(f"chose {one['substrate']}".encode(), result.stderr)
            return one["substrate"]
        self.assertEqual(chosen("--groups", "8"), "mock:limited")
        self.assertEqual(chosen("--groups", "9"), "mock:add")
        self.assertEqual(chosen("--groups", "1", "--sweep", "groups=1,8"), "mock:limited")
        self.assertEqual(chosen("--groups", "1", "--sweep", "groups=1,9"), "mock:add")
        for size, reason in ((["--groups", "9"], b"mock:limited: 9 workgroups"),
                             (["--groups", "1", "--sweep", "groups=8,9"],
                              b"mock:limited: at groups 9: 9 workgroups")):
            result = self.sokr.run("bench", *RUN[1:-2], *size, mocks=("limited",))
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(reason + b" in x are over its limit of 8", result.stderr)

    def test_several_substrates_that_agree(self):
        result = self.good(*RUN, "--out", "0.1=y", "--on", "mock:software,mock:add", "--json",
                           mocks=("add", "software"))
        self.assertEqual([one["substrate"] for one in json.loads(result.stdout)["runs"]],
                         ["mock:software", "mock:add"])
        self.assertEqual(result.stderr.count(b"ran on"), 2)

    def test_bench(self):
        bench = ["bench", *RUN[1:], "--repeat", "50", "--on", "mock:add,mock:two"]
        result = self.good(*bench, "--json", "base.json", mocks=("add", "add_two"))
        lines = result.stdout.decode().splitlines()
        self.assertEqual(lines[0].split()[:5], ["latency", "min", "p50", "±", "p90"])
        self.assertEqual([line.split()[0] for line in lines[1:3]], ["mock:add", "mock:two"])
        self.assertEqual(lines[4].split()[:4], ["first", "cold", "piped", "batch"])
        self.assertLessEqual(max(map(len, lines)), 80)
        report = json.loads(self.sokr.load("base.json"))
        self.assertEqual(report["schema"], "sokr.bench/1")
        for one in report["results"]:
            self.assertEqual(one["dispatches"], 50)
            self.assertEqual(one["ended"], "count")
            self.assertEqual(len(one["samples_ns"]), 50)
            for times in (one, one["pipelined"], one["batched"]):
                order = [times[name] for name in ("min_ns", "p50_ns", "p90_ns", "p99_ns",
                                                  "p99_9_ns", "max_ns")]
                self.assertEqual(order, sorted(order))
            self.assertGreater(one["first_ever_ns"], 0)
            self.assertGreater(one["cold_process_ns"], 0)
            self.assertIsNone(one["split"]["execute_ns"])  # the mock cannot tell
        self.sokr.store("slow.json", scaled(report, 1e6))
        self.good(*bench, "--baseline", "slow.json", "--max-regress", "10",
                  mocks=("add", "add_two"))
        self.sokr.store("fast.json", scaled(report, 1e-6))
        slower = self.sokr.run(*bench, "--baseline", "fast.json", "--max-regress", "10",
                               mocks=("add", "add_two"))
        self.assertEqual(slower.returncode, 3)
        self.assertRegex(slower.stderr.decode(),
                         r"^sokr: mock:add is .* slower than the baseline .*10 % are allowed; 95 % "
                         r"interval .*, Mann-Whitney p = .*\nsokr: mock:two is .*\n$")
        # Of several, how far they lie apart is allowed, too.
        self.good(*bench, "--baseline", "fast.json", "--baseline", "slow.json", "--max-regress",
                  "10", mocks=("add", "add_two"))

    def test_bench_is_read_by_google_benchmark(self):
        """Its tools' schema: what compare.py and the trackers of CI services read."""
        self.good("bench", *RUN[1:], "--repeat", "20", "--json", "r.json", "--bytes", "1K", "--flops",
                  "2e3")
        report = json.loads(self.sokr.load("r.json"))
        context = report["context"]
        self.assertEqual(context["json_schema_version"], 1)
        for member in ("date", "host_name", "executable", "num_cpus", "mhz_per_cpu",
                       "cpu_scaling_enabled", "caches", "load_avg", "library_build_type"):
            self.assertIn(member, context)
        names = [one["name"] for one in report["benchmarks"]]
        self.assertEqual(names, [f"copy/mock:add/{way}" for way in
                                 ("warm", "pipelined", "batched", "first", "cold")])
        for one in report["benchmarks"]:
            self.assertEqual(one["run_name"], one["name"])
            self.assertEqual((one["run_type"], one["time_unit"]), ("iteration", "ns"))
            self.assertGreater(one["real_time"], 0)
            self.assertGreater(one["cpu_time"], 0)
        warm = report["benchmarks"][0]
        self.assertAlmostEqual(warm["bytes_per_second"], 1024e9 / warm["real_time"], delta=1)
        self.assertAlmostEqual(warm["flops_per_second"], 2e12 / warm["real_time"], delta=1)

    def test_bench_writes_tables(self):
        self.good("bench", *RUN[1:], "--repeat", "20", "--csv", "t.csv", "--markdown", "t.md",
                  "--on", "mock:add,mock:two", mocks=("add", "add_two"))
        rows = list(csv.DictReader(self.sokr.load("t.csv").decode().splitlines()))
        self.assertEqual([(row["substrate"], row["way"]) for row in rows],
                         [(name, way) for name in ("mock:add", "mock:two")
                          for way in ("warm", "pipelined", "batched")])
        self.assertTrue(all(row["measurements"] == "20" for row in rows))
        table = [line for line in self.sokr.load("t.md").decode().splitlines()
                 if line.startswith("|")]
        self.assertEqual(len(table), 4)
        self.assertEqual({line.count("|") for line in table}, {12})
        # A name does not end what is set as code.
        shutil.copy(self.sokr.path("copy.spv"), self.sokr.path("a`b.spv"))
        text = self.good("bench", "a`b.spv", *RUN[2:], "--repeat", "5", "--markdown", "-").stdout
        self.assertTrue(text.startswith(b"### `a'b`\n"), text)
        # To standard output, instead of the text.
        self.assertTrue(self.good("bench", *RUN[1:], "--repeat", "20", "--csv", "-").stdout.startswith(
            b"kernel,point,substrate,way,"))

    def test_bench_draws_a_page(self):
        self.good("bench", *RUN[1:], "--repeat", "40", "--html", "p.html", "--svg", "p.svg",
                  "--on", "mock:add,mock:two", mocks=("add", "add_two"))
        page = self.sokr.load("p.html").decode()
        # It needs nothing from elsewhere.
        self.assertEqual(re.findall(r"(?:src|href)=|@import|url[(]", page), [])
        self.assertEqual(set(re.findall(r"https?://[^\"' ]+", page)), {"http://www.w3.org/2000/svg"})
        self.assertEqual(page.count("<figure>"), 4)
        self.assertEqual(page.count("<tr>"), 3)
        for words in ("mock:add", "prefers-color-scheme:dark", "@media print", "<title>mock:two: "):
            self.assertIn(words, page)
        for figure in re.findall(r"<figure>(.*?)</figure>", page, re.S):
            ElementTree.fromstring(figure)
        # Also of a kernel whose name is no text.
        shutil.copy(self.sokr.path("copy.spv"), self.sokr.path("caf\udce9.spv"))
        self.good("bench", "caf\udce9.spv", *RUN[2:], "--repeat", "5", "--svg", "odd.svg")
        self.assertIn("caf\ufffd", "".join(ElementTree.fromstring(self.sokr.load("odd.svg")).itertext()))
        picture = ElementTree.fromstring(self.sokr.load("p.svg"))
        self.assertEqual(len(picture.findall("{http://www.w3.org/2000/svg}svg")), 4)

    def test_bench_over_sizes(self):
        sweep = ["bench", "copy.spv", "--push", "u32:0,u32:5", "--threads", "{count}", "--zero",
                 "0.0={4*count}", "--zero", "0.1={4*count}", "--bytes", "{8*count}", "--repeat", "10", "--on",
                 "mock:add,mock:two", "--sweep", "push.count=16:1K:x4"]
        mocks = ("add", "add_two")
        result = self.good(*sweep, "--json", "s.json", "--csv", "s.csv", "--html", "s.html",
                           "--markdown", "s.md", mocks=mocks)
        rows = [line.split()[0] for line in result.stdout.decode().splitlines()[:5]]
        self.assertEqual(rows, ["push.count", "16", "64", "256", "1K"])
        report = json.loads(self.sokr.load("s.json"))
        self.assertEqual(report["sweep"], {"variable": "push.count", "values": [16, 64, 256, 1024]})
        self.assertEqual([point["push"] for point in report["points"]],
                         [[f"u32:{n},u32:5"] for n in (16, 64, 256, 1024)])
        self.assertEqual([point["buffers"][0]["bytes"] for point in report["points"]],
                         [64, 256, 1024, 4096])
        self.assertEqual(report["benchmarks"][0]["name"], "copy/mock:add/warm/push.count:16")
        self.assertEqual(len(report["benchmarks"]), 4 * 2 * 3)
        points = [row["point"] for row in csv.DictReader(self.sokr.load("s.csv").decode().splitlines())]
        self.assertEqual(points[::6], ["16", "64", "256", "1024"])
        self.assertEqual(self.sokr.load("s.html").decode().count("<figure>"), 4)
        self.assertEqual(self.sokr.load("s.md").decode().count("push.count=64"), 2)
        # A file of --push has as many bytes as it has.
        self.sokr.store("n.bin", struct.pack("<I", 16))
        behind = ["bench", *RUN[1:-4], "--push", "@n.bin", "--push", "u32:5", "--threads", "16",
                  "--repeat", "5", "--sweep"]
        self.good(*behind, "push.offset=1,2", "--json", "s2.json")
        self.assertEqual([point["push"] for point in json.loads(self.sokr.load("s2.json"))["points"]],
                         [["@n.bin", "u32:1"], ["@n.bin", "u32:2"]])
        result = self.sokr.run(*behind, "push.count=1,2")
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"--sweep push.count: the kernel has it at byte 0, which --push takes from the "
                      b"file 'n.bin'; give it as a value, such as --push u32:0", result.stderr)
        # A report of several launches is no baseline for one.
        result = self.sokr.run("bench", *RUN[1:], "--baseline", "s.json", "--max-regress", "5")
        self.assertIn(b"'s.json' is no baseline: it has several launches, of a --sweep", result.stderr)
        text = self.good("bench", *RUN[1:], "--repeat", "5", "--sweep", "local-size=1,2,4").stdout
        self.assertEqual([line.split()[0] for line in text.splitlines()[:4]],
                         [b"local-size", b"1", b"2", b"4"])

    def test_bench_over_odd_values(self):
        flags = ["bench", *RUN[1:], "--repeat", "5"]
        # Every size can be swept, and stand in another flag; what a file is called is its own.
        shutil.copy(self.sokr.path("x"), self.sokr.path("x{1}{.bin"))
        shutil.copy(self.sokr.path("x"), self.sokr.path("x4.bin"))
        shutil.copy(self.sokr.path("x"), self.sokr.path("x8.bin"))
        for name in ("x{1}{.bin", "x{n}.bin"):
            data = [f"0.0={name}" if word == "0.0=x" else word for word in flags]
            self.good(*data, "--sweep", "let.n=4,8", "--subgroup-size", "{n}", "--json", "s.json")
            self.assertEqual([point["subgroup_size"] for point in json.loads(self.sokr.load("s.json"))["points"]],
                             [4, 8])
        self.good(*flags, "--sweep", "subgroup-size=4,8")
        # In ascending order, and 0 is a value.
        text = self.good(*flags, "--sweep", "spec.0=7,0,3", "--flops", "100").stdout.decode()
        tables = [part.splitlines() for part in text.split("\n\n")]
        self.assertEqual([line.split()[0] for line in tables[0]], ["spec.0", "0", "3", "7"])
        self.assertEqual([line.split()[0] for line in tables[1]], ["flops", "0", "3", "7"])
        # The whole text: what is not known as well as was asked for is said.
        flags = ["bench", *RUN[1:], "--budget", "0.002", "--precision", "0.0001"]
        text = self.good(*flags, "--sweep", "let.n=1,2", "--markdown", "m.md").stdout.decode()
        self.assertRegex(text, r"medians +time was up before ±0.0001 % for 2 of 2; the widest is ±")
        self.assertIn("time was up before", self.sokr.load("m.md").decode())
        # An optimiser takes the names of push constants.
        self.sokr.store("bare.spv", without_names(self.sokr.load("copy.spv")))
        result = self.sokr.run("bench", "bare.spv", *RUN[2:], "--sweep", "push.count=1,2")
        self.assertEqual(result.returncode, 2)
        self.assertIn(b"the kernel does not name its push constants; name the value yourself, "
                      b"--sweep let.count=..., and write {count} where --push has it", result.stderr)
        result = self.sokr.run("bench", "bare.spv", *RUN[2:6], "--push", "u32:1", "--threads", "16")
        self.assertIn(b"the kernel takes 8: u32 at 0 and u32 at 4; it reads the one at 4 up to byte 8",
                      result.stderr)

    def test_bench_says_what_its_gate_found(self):
        """In all forms, whether it holds or not."""
        bench = ["bench", *RUN[1:], "--repeat", "50"]
        self.good(*bench, "--json", "base.json")
        report = json.loads(self.sokr.load("base.json"))
        files = ["--json", "r.json", "--markdown", "r.md", "--html", "r.html"]
        for scale, times, code, verdict in ((1e6, "slow", 0, "held"), (1e-6, "fast", 3, "slower")):
            self.sokr.store(f"{times}.json", scaled(report, scale))
            result = self.sokr.run(*bench, "--baseline", f"{times}.json", "--max-regress", "10%", *files)
            self.assertEqual(result.returncode, code, result.stderr)
            self.assertRegex(" ".join(result.stdout.decode().split()),
                             r"against the baseline [+-]\d.* % \([+-].* to [+-].* %; 10 % are allowed\): ")
            (row,) = json.loads(self.sokr.load("r.json"))["gate"]
            self.assertEqual((row["substrate"], row["against"], row["verdict"], row["unit"]),
                             ("mock:add", "the baseline", verdict, "ns"))
            self.assertAlmostEqual(row["now"] / row["before"], row["ratio"], delta=row["ratio"] / 1e6)
            # In front of the times: it is what a comment is read for.
            markdown = self.sokr.load("r.md").decode()
            self.assertLess(markdown.index(verdict), markdown.index("p99.9"))
            self.assertIn(f">{verdict}</td>", self.sokr.load("r.html").decode())
        # Times of another machine are compared, and it is said what that is worth.
        report["context"]["num_cpus"] += 1
        self.sokr.store("away.json", scaled(report, 1e6))
        text = self.good(*bench, "--baseline", "away.json", "--max-regress", "10").stdout.decode()
        self.assertIn("the baseline 'away.json' is of another machine", " ".join(text.split()))
        # Of one turn nothing can be shown, which is no pass.
        result = self.sokr.run("bench", *RUN[1:], "--repeat", "1", "--baseline", "fast.json",
                               "--max-regress", "10", *files)
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"whether mock:add is slower than the baseline cannot be told", result.stderr)
        (one,) = json.loads(self.sokr.load("r.json"))["results"]
        self.assertEqual((one["interval_ns"], one["precision"]), (None, None))
        self.assertIn(b"1 measurement, as asked; how well the median is known cannot be told",
                      b" ".join(result.stdout.split()))
        self.assertIn("**unknown**", self.sokr.load("r.md").decode())
        # Without a gate there is nothing of it.
        self.good(*bench, *files)
        self.assertEqual(json.loads(self.sokr.load("r.json"))["gate"], [])
        self.assertNotIn("allowed", self.sokr.load("r.md").decode())

    def test_bench_of_files_that_are_read_once(self):
        """Nobody waits for ever for what a pipe gives to one reader."""
        os.mkfifo(self.sokr.path("pipe"))
        data = ["bench", "copy.spv", "--in", "0.0=pipe", *RUN[4:], "--budget", "0.2"]
        kernel = ["bench", "pipe", *RUN[2:], "--budget", "0.2"]
        calibration, old = ["--relative-to", "calibration"], ["--baseline-command", "x", "--max-regress", "5"]
        for command in ([*data, *calibration], [*kernel, *calibration], [*data, *old], [*kernel, *old],
                        [*data, "--sweep", "let.n=1,2"],
                        ["bench", *RUN[1:-4], "--push", "@pipe", "--push", "u32:5", "--threads", "16",
                         "--sweep", "push.offset=1,2"]):
            result = self.sokr.run(*command)
            self.assertEqual(result.returncode, 2, result.stderr)
            self.assertIn(b": 'pipe' is no file that can be read more than once", result.stderr)
        for command, content in ((data, WORDS), (kernel, self.sokr.load("copy.spv"))):
            with self.sokr.start(*command) as process:
                with open(self.sokr.path("pipe"), "wb") as pipe:
                    pipe.write(content)
                text, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, 0, errors)
            self.assertIn(b"first and cold are left out: 'pipe' is no file that other processes can",
                          b" ".join(text.split()))

    def test_bench_that_is_interrupted_leaves_nothing(self):
        """Also where it measures first times, whose caches are in a folder of their own."""
        os.mkdir(self.sokr.path("tmp"))
        for end in (signal.SIGINT, signal.SIGTERM):
            with self.sokr.start("bench", *RUN[1:4], "--zero", "0.1=256M", *RUN[6:], "--json", "r.json",
                                 environment={"TMPDIR": self.sokr.path("tmp")}) as process:
                while not os.listdir(self.sokr.path("tmp")):
                    self.assertIsNone(process.poll(), "it ended before it was interrupted")
                process.send_signal(end)
                _, errors = process.communicate(timeout=60)
            self.assertEqual(process.returncode, -end, errors)
            self.assertEqual(os.listdir(self.sokr.path("tmp")), [])
            self.assertFalse(os.path.exists(self.sokr.path("r.json")))

    def test_bench_checks_before_it_measures(self):
        both = ["bench", *RUN[1:], "--repeat", "20", "--on", "mock:add,mock:two"]
        mocks = ("add", "add_two")
        for flags in (["--out", "0.1=y"], ["--check"], ["--out", "0.1=y", "--tolerance", "5"]):
            result = self.sokr.run(*both, *flags, "--json", "r.json", mocks=mocks)
            self.assertEqual(result.returncode, 1)
            self.assertRegex(result.stderr, rb"mock:add and mock:two disagree on binding 0.1: "
                             rb"(byte 0 is 1 and 2|element 0 is 16843009 and 33686018), and")
            self.assertFalse(os.path.exists(self.sokr.path("r.json")))
        self.good(*both, "--out", "0.1=y", "--no-check", mocks=mocks)
        self.good(*both, mocks=mocks)

    def test_bench_ends_when_it_is_precise_or_time_is_up(self):
        result = json.loads(self.good("bench", *RUN[1:], "--precision", "99%", "--json", "-").stdout)
        self.assertEqual(result["results"][0]["ended"], "precise")
        self.assertLessEqual(result["results"][0]["precision"], 0.99)
        text = self.good("bench", *RUN[1:], "--precision", "0.000001%", "--budget", "0.3").stdout
        self.assertIn(b"time was up at", text)

    def test_bench_beside_another_command(self):
        """The old one is asked in turns with new processes of this one."""
        bench = ["bench", *RUN[1:], "--budget", "0.2"]
        old = " ".join([self.sokr.program, *bench])
        result = self.good(*bench, "--baseline-command", old, "--max-regress", "1000", "--json", "r.json")
        self.assertRegex(result.stdout.decode(), r"against the baseline\s+command [+-]\d")
        report = json.loads(self.sokr.load("r.json"))["against_command"]
        self.assertEqual([one["substrate"] for one in report], ["mock:add"])
        self.assertLessEqual(report[0]["interval"][0], report[0]["ratio"])
        self.assertGreater(report[0]["before_ns"], 0)
        # One that waits before each dispatch is what this one would be without.
        fast = self.served("print(' '.join(['1'] * int(line.split()[1])), flush=True)")
        slower = self.sokr.run(*bench, "--baseline-command", fast, "--max-regress", "5")
        self.assertEqual(slower.returncode, 3)
        self.assertRegex(slower.stderr, rb"sokr: mock:add is \d+.* % slower than the baseline")

    def test_commands_that_do_not_serve(self):
        bench = ["bench", *RUN[1:], "--budget", "0.2", "--max-regress", "5", "--json", "r.json"]
        for command, sentence in (
                ("true", "it ended without an answer"),
                ("no-such-program", "it ended without an answer"),
                ("echo hello; cat", "it does not answer as a 'sokr bench' of this version"),
                ("echo sokr.serve/1 cpu; cat", "it measures cpu, and not mock:add"),
                ("echo sokr.serve/1; cat", "it measures nothing, and not mock:add"),
                ("echo sokr.serve/1 mock:add; cat", "something else than times"),
                ("echo sokr.serve/1 mock:add; read x; printf '1 '", "in the middle of an answer"),
                ("yes | tr -d '\\n'", "something else than times"),
                (self.served("print(' '.join(['-1'] * int(line.split()[1])), flush=True)"),
                 "something else than times")):
            result = self.sokr.run(*bench, "--baseline-command", command)
            self.assertEqual(result.returncode, 1, (command, result.stderr))
            last = result.stderr.decode().splitlines()[-1]
            self.assertTrue(last.startswith("sokr: --baseline-command '"), last)
            self.assertIn(sentence, last)
            self.assertFalse(os.path.exists(self.sokr.path("r.json")))

    def test_what_a_server_is_asked(self):
        asked = self.good("bench", *RUN[1:], "--serve", stdin=b"0 3\n0 1\n").stdout.decode().splitlines()
        self.assertEqual(asked[0], "sokr.serve/1 mock:add")
        self.assertEqual([len(line.split()) for line in asked[1:]], [3, 1])
        for line in (b"1 1\n", b"0 0\n", b"0 99999\n", b"x\n", b"0 1 2\n"):
            result = self.sokr.run("bench", *RUN[1:], "--serve", stdin=line)
            self.assertEqual(result.returncode, 1, line)
            self.assertIn(b"asks for nothing that can be measured", result.stderr)

    def served(self, statement):
        """A command that answers each line with what the Python statement prints."""
        self.sokr.store("serve.py", ("import sys\nprint('sokr.serve/1 mock:add', flush=True)\n"
                                     "for line in sys.stdin:\n    " + statement + "\n").encode())
        return f"exec {sys.executable} serve.py"

    def test_bench_relative_to_another(self):
        both = ["bench", *RUN[1:], "--repeat", "60", "--on", "mock:add,mock:two"]
        mocks = ("add", "add_two")
        for unit, flags in (("times mock:two", ["--relative-to", "mock:two"]),
                            ("turns of calibration [a-z]+", ["--relative-to", "calibration"])):
            self.good(*both, *flags, "--json", "base.json", mocks=mocks)
            report = json.loads(self.sokr.load("base.json"))
            # A machine on which everything takes ten times as long is no slower kernel...
            self.sokr.store("machine.json", scaled(report, 0.1))
            self.good(*both, *flags, "--baseline", "machine.json", "--max-regress", "300", mocks=mocks)
            # ... where nothing but mock:add does, it is.
            for one in report["results"]:
                self.assertEqual(len(one["rounds"]), 9)
                self.assertEqual({round_["on_one_processor"] for round_ in one["rounds"]},
                                 {flags[1] == "mock:two"})
                if one["substrate"] == "mock:add":
                    for round_ in one["rounds"]:
                        round_["blocks_ns"] = [time / 1000 for time in round_["blocks_ns"]]
            self.sokr.store("kernel.json", json.dumps(report).encode())
            slower = self.sokr.run(*both, *flags, "--baseline", "kernel.json", "--max-regress", "300",
                                   mocks=mocks)
            self.assertEqual(slower.returncode, 3, slower.stderr)
            self.assertRegex(slower.stderr.decode(), rf"^sokr: mock:add is .* {unit};.*\n$")

    def test_bench_relative_to_the_kernel_of_the_baseline(self):
        """A baseline brings its kernel along, which is measured beside the new one."""
        bench = ["bench", *RUN[1:], "--budget", "0.2"]
        self.good(*bench, "--json", "base.json")
        flags = ["--baseline", "base.json", "--max-regress", "900", "--relative-to", "kernel"]
        self.good(*bench, *flags, "--json", "now.json")
        (one,) = json.loads(self.sokr.load("now.json"))["against_command"]
        self.assertEqual(one["substrate"], "mock:add")
        self.assertGreater(one["before_ns"], 0)
        # Of another time alone, its times are not what is compared with.
        report = json.loads(self.sokr.load("base.json"))
        self.sokr.store("base.json", scaled(report, 0.001))
        self.good(*bench, *flags)
        # What it brings is what runs: no kernel does not.
        for hexadecimal, sentence in (("00ff", b"the kernel of the baseline 'base.json'"),
                                      (None, b"does not bring its kernel along"),
                                      ("0", b"its kernel_hex is no list of bytes"),
                                      ("zz", b"its kernel_hex is no list of bytes")):
            report["kernel_hex"] = hexadecimal
            self.sokr.store("base.json", json.dumps(report).encode())
            result = self.sokr.run(*bench, *flags)
            self.assertEqual(result.returncode, 1, (hexadecimal, result.stderr))
            self.assertIn(sentence, result.stderr)

    def test_trace(self):
        """Each dispatch has its slice, an arrow to its end, and a time."""
        self.good(*RUN, "--repeat", "5", environment={"SOKR_TRACE": "t.json"})
        events = json.loads(self.sokr.load("t.json"))
        self.assertEqual(trace_faults(events), [])
        slices = [event for event in events if event["ph"] == "X"]
        names = [event["name"] for event in slices]
        self.assertEqual(names.count("dispatch"), 5)
        self.assertGreaterEqual(names.count("capability"), 1)
        self.assertGreaterEqual(names.count("wait"), 5)
        for event in slices:
            self.assertEqual(event["args"]["substrate"], "mock:add")
            self.assertGreaterEqual(event["dur"], 0)
        starts = {event["id"]: event["ts"] for event in events if event["ph"] == "s"}
        ends = {event["id"]: event["ts"] for event in events if event["ph"] == "f"}
        self.assertEqual(len(starts), 5)
        self.assertEqual(set(starts), set(ends))
        for token, start in starts.items():
            self.assertLessEqual(start, ends[token])
        complete = [event["args"] for event in events if event["name"] == "complete"]
        self.assertEqual([one["failed"] for one in complete], [False] * 5)
        self.assertEqual({event["name"] for event in events if event["ph"] == "M"},
                         {"process_name", "thread_name"})
        text = self.good("trace", "t.json").stdout.decode()
        self.assertRegex(text, r"dispatch +5 ")
        self.assertRegex(text, r"dispatch to completion +5 ")
        self.assertRegex(text, r"\d+ events of 1 thread in ")
        # What a killed process leaves is read as far as it goes: wherever it was killed, as behind one
        # of an event's two braces, or inside a name that ends as a list does.
        whole = self.sokr.load("t.json")
        sizes = [len(whole) - 3, len(whole) - 40, len(whole) // 2]
        sizes += [at + 1 for at in range(len(whole) - 600, len(whole)) if whole[at:at + 1] in b"}{,]"]
        for size in sizes:
            self.sokr.store("cut.json", whole[:size])
            self.good("trace", "cut.json")
        last = whole.rindex(b",\n{")
        for rest in (b',\n{"pid":1,"name":"image[3]', b',\n{"pid":1,"name":"[{}', b',\n{"pid":1,"args":{}'):
            self.sokr.store("cut.json", whole[:last] + rest)
            self.good("trace", "cut.json")

    def test_trace_of_names_that_are_no_text(self):
        """A program may be called by any bytes, and its trace is UTF-8."""
        subprocess.run([b"s\xf6kr\xc3\xa9\"", *RUN], cwd=self.sokr.work, executable=self.sokr.program,
                       env=self.sokr.variables(("add",), {"SOKR_TRACE": "t.json"}), check=True,
                       capture_output=True)
        events = json.loads(self.sokr.load("t.json").decode())
        self.assertEqual(events[0]["args"]["name"], 's\ufffdkr\u00e9"')
        self.good("trace", "t.json")

    def test_trace_is_read_in_time_that_grows_with_its_size(self):
        """Four times as many events take four times as long, not sixteen times."""
        def seconds(count):
            event = {"ph": "X", "cat": "sokr", "name": "dispatch", "pid": 1, "tid": 1, "ts": 1.5, "dur": 2,
                     "args": {"substrate": "cpu", "token": "1"}}
            self.sokr.store("t.json", b"[" + b",\n".join([json.dumps(event).encode()] * count) + b"]\n")
            before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
            self.assertIn(f"{count} events".encode(), self.good("trace", "t.json").stdout)
            return resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
        few, many = seconds(40_000), seconds(160_000)
        self.assertLess(many, 9 * few, (few, many))

    def test_trace_of_a_pool_with_more_threads_than_it_lets_work(self):
        """The second launch has another worker than the first one; two work at once."""
        def piece(lane, begin, end, token):
            return {"ph": "X", "cat": "workgroups", "name": "main", "pid": 1, "tid": lane, "ts": begin,
                    "dur": end - begin, "args": {"substrate": "cpu", "token": token}}
        pieces = [piece(1, 0, 10, "1"), piece(2, 0, 10, "1"), piece(1, 20, 30, "2"), piece(3, 20, 25, "2"),
                  piece(3, 25, 30, "2")]
        self.sokr.store("t.json", json.dumps(pieces).encode())
        self.assertIn(b"cpu: while workgroups ran, 2.00 of 2 threads worked on average; the busiest did "
                      b"1.00 times its part\n", self.good("trace", "t.json").stdout)

    def test_trace_of_threads_that_take_turns(self):
        """Of threads that work one after the other none has a part; nobody does less than a part of it."""
        def piece(lane, begin, end):
            return {"ph": "X", "cat": "workgroups", "name": "main", "pid": 1, "tid": lane, "ts": begin,
                    "dur": end - begin, "args": {"substrate": "cpu", "token": str(begin)}}
        self.sokr.store("t.json", json.dumps([piece(1, 0, 10), piece(2, 10, 20)]).encode())
        self.assertIn(b"cpu: while workgroups ran, 1.00 of 1 thread worked on average\n",
                      self.good("trace", "t.json").stdout)
        self.sokr.store("t.json", json.dumps(
            [piece(lane, begin, begin + 10) for lane, begin in
             ((1, 0), (2, 1), (3, 20), (4, 21), (5, 40), (6, 41))]).encode())
        self.assertIn(b" of 2 threads worked on average; the busiest did 1.00 times its part\n",
                      self.good("trace", "t.json").stdout)

    def test_trace_of_failures_and_of_nothing(self):
        self.sokr.run(*RUN, "--on", "mock:integrated", mocks=("integrated",),
                      environment={"SOKR_TRACE": "t.json"})
        self.assertIn(b"1 of mock:integrated failed", self.good("trace", "t.json").stdout)
        result = self.sokr.run(*RUN, environment={"SOKR_TRACE": "no/where.json"})
        self.assertEqual(result.returncode, 0)
        self.assertEqual(result.stderr.count(b"SOKR_TRACE: 'no/where.json' cannot be written"), 1)
        self.good(*RUN, environment={"SOKR_TRACE": ""})
        # The processes that a benchmark starts write nothing into it.
        self.good("bench", *RUN[1:], "--repeat", "5", environment={"SOKR_TRACE": "b.json"})
        self.assertEqual(trace_faults(json.loads(self.sokr.load("b.json"))), [])
        processes = [event for event in json.loads(self.sokr.load("b.json"))
                     if event["name"] == "process_name"]
        self.assertEqual(len(processes), 1)

    def test_bench_of_a_counter(self):
        """Processor time is counted without any hardware."""
        bench = ["bench", *RUN[1:], "--repeat", "300"]
        result = self.good(*bench, "--json", "base.json")
        report = json.loads(self.sokr.load("base.json"))
        clock = report["results"][0]["counters"].get("task-clock")
        if not clock:
            self.assertIn(b"not counted", result.stdout)
            self.skipTest("this system counts nothing")
        self.assertIn(b"task-clock", result.stdout)
        # Each way of a dispatch, as its time is: no chain of them.
        of = {one["name"].rsplit("/", 1)[-1]: one["task-clock"] for one in report["benchmarks"]
              if "task-clock" in one}
        self.assertIn("warm", of)
        self.assertLess(of.get("pipelined", 0), 3 * of["warm"])
        self.assertLess(of.get("batched", 0), 4 * of["warm"])
        self.good(*bench, "--baseline", "base.json", "--max-regress", "900", "--metric", "task-clock")
        report["results"][0]["counters"]["task-clock"]["blocks"] = [
            ns / 1000 for ns in clock["blocks"]]
        self.sokr.store("less.json", json.dumps(report).encode())
        slower = self.sokr.run(*bench, "--baseline", "less.json", "--max-regress", "900", "--metric",
                               "task-clock")
        self.assertEqual(slower.returncode, 3)
        self.assertRegex(slower.stderr, rb"mock:add is .* task-clock against")
        # What cannot be counted here says why.
        if "instructions" not in report["results"][0]["counters"]:
            result = self.sokr.run(*bench, "--baseline", "base.json", "--max-regress", "5", "--metric",
                                   "instructions")
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"--metric instructions: it cannot be counted here: ", result.stderr)

    def test_bench_of_a_kernel_on_standard_input(self):
        report = json.loads(self.good("bench", "-", *RUN[2:], "--repeat", "20", "--json", "-",
                                      stdin=self.sokr.load("copy.spv")).stdout)
        self.assertGreater(report["results"][0]["first_ever_ns"], 0)
        self.assertEqual(report["benchmarks"][0]["name"], "stdin/mock:add/warm")

    def test_version(self):
        self.assertEqual(self.good("--version").stdout, b"sokr 0.1.1\n")

    def test_closed_standard_output_is_a_failure(self):
        with open("/dev/full", "wb") as full:
            result = subprocess.run(
                [self.sokr.program, "devices"], stdout=full, stderr=subprocess.PIPE, check=False,
                env={**os.environ, "LD_LIBRARY_PATH": self.sokr.libraries, "SOKR_PLUGIN_PATH": ""})
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"cannot be written to standard output", result.stderr)

    def test_debug_trace(self):
        trace = self.good(*RUN, mocks=("add", "deny"), environment={"SOKR_LOG": "debug"}).stderr
        for text in (b"deny.so: trying", b"sokr-ir-spirv.so: IR plugin 'spirv'",
                     b"routing: mock:deny: passed over: the mock denies everything",
                     b"routing: mock:add: chosen"):
            self.assertIn(text, trace)


def scaled(report, factor):
    """The same result, where everything took so many times as long."""
    report = json.loads(json.dumps(report))
    for one in report["results"]:
        for times in (one, *one["rounds"]):
            times["blocks_ns"] = [time * factor for time in times["blocks_ns"]]
            for name, part in times.get("calibration_ns", {}).items():
                times["calibration_ns"][name] = [time * factor for time in part]
    return json.dumps(report).encode()


def npy_u16(data):
    text = "{'descr': '<u2', 'fortran_order': False, 'shape': (%d,), }" % (len(data) // 2)
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
