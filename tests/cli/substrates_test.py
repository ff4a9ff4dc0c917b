# SPDX-License-Identifier: MIT OR Apache-2.0
"""The command with every substrate that this build and this machine have."""

import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

BUILD, KERNELS = sys.argv[1], sys.argv[3]
COUNT = 1000
SOKR = os.path.join(BUILD, "bin", "sokr")


class Substrates(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sokr-substrates-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.store("x", struct.pack(f"<{COUNT}I", *range(COUNT)))
        report = json.loads(self.good("inspect", os.path.join(KERNELS, "copy.spv"),
                                      "--json").stdout)
        self.names = [one["name"] for one in report["substrates"] if one["can_run"]]
        self.assertIn("reference", self.names)

    def store(self, name, data):
        with open(os.path.join(self.folder, name), "wb") as file:
            file.write(data)

    def load(self, name):
        with open(os.path.join(self.folder, name), "rb") as file:
            return file.read()

    def run_command(self, *arguments, **environment):
        return subprocess.run([SOKR, *arguments], cwd=self.folder, capture_output=True,
                              env={**os.environ, **environment}, timeout=120, check=False)

    def good(self, *arguments):
        result = self.run_command(*arguments)
        self.assertEqual(result.returncode, 0, result.stderr)
        return result

    def copy(self, *arguments, kernel=os.path.join(KERNELS, "copy.spv")):
        return ["run", kernel, "--in", "0.0=x", "--zero", f"0.1={4 * COUNT}", "--push",
                f"u32:{COUNT - 1},u32:5", "--threads", str(COUNT), *arguments]

    def test_each_computes(self):
        for name in self.names:
            for size in ("--spec", "7=32"), ("--local-size", "16"), ():
                with self.subTest(name, size=size):
                    self.good(*self.copy("--on", name, "--spec", "0=7", "--spec", "2=3", *size,
                                         "--out", "0.1=y"))
                    expected = [7 * i + 5 + 3 for i in range(COUNT - 1)] + [0]
                    self.assertEqual(self.load("y"), struct.pack(f"<{COUNT}I", *expected))

    def test_a_sweep_that_a_limit_ends_is_refused_before_it_measures(self):
        if "cpu" not in self.names:
            self.skipTest("no cpu substrate")
        launch = self.copy("--on", "cpu")[1:]
        result = self.run_command("bench", *launch, "--sweep", "local-size=64:1M:x4", "--budget", "1000")
        self.assertEqual((result.returncode, result.stderr), (
            2, b"sokr: at local-size 4096: cpu cannot run this launch: 4096 invocations in x of a "
               b"workgroup are over its limit of 1024\n"))
        result = self.run_command("run", *launch, "--local-size", "64,64")
        self.assertEqual((result.returncode, result.stderr), (
            2, b"sokr: cpu cannot run this launch: 4096 invocations of a workgroup are over its "
               b"limit of 1024\n"))

    def test_bench_says_where_the_time_goes(self):
        """What tells when a kernel begins and ends; and the four parts of those are a dispatch."""
        tells = [name for name in self.names if name in ("cpu", "reference")]
        launch = self.copy("--on", ",".join(tells))[1:]
        self.good("bench", *launch, "--repeat", "20", "--json", "r.json")
        for one in json.loads(self.load("r.json"))["results"]:
            with self.subTest(one["substrate"]):
                parts = one["split"]
                self.assertGreater(parts["submit_ns"], 0)
                self.assertGreaterEqual(parts["queue_ns"], 0)
                self.assertGreater(parts["execute_ns"], 0)
                self.assertGreater(parts["notice_ns"], 0)

    def test_buffers_change_places(self):
        expected = [((i * 2 + 6) * 2 + 6) * 2 + 6 for i in range(COUNT - 1)]
        for name in self.names:
            with self.subTest(name):
                result = self.good(*self.copy("--on", name, "--spec", "0=2", "--repeat", "3", "--swap",
                                              "0.0,0.1", "--out", "0.1=y", "--print", "0.1[:2]"))
                self.assertEqual(struct.unpack(f"<{COUNT}I", self.load("y"))[:-1], tuple(expected))
                self.assertIn(b"0  42 50\n", result.stdout)

    def test_a_dump_folder_is_made_or_said_to_be_impossible(self):
        if "cpu" not in self.names:
            self.skipTest("no cpu substrate")
        dump = os.path.join(self.folder, "dump", "here")
        result = self.run_command(*self.copy("--on", "cpu"), SOKR_CPU_DUMP=dump)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(os.listdir(dump))
        impossible = os.path.join(self.folder, "x", "here")  # x is a file
        result = self.run_command(*self.copy("--on", "cpu"), SOKR_CPU_DUMP=impossible)
        self.assertEqual(result.returncode, 0, result.stderr)
        lines = result.stderr.decode().splitlines()
        self.assertEqual(len(lines), 2, lines)
        self.assertIn(f"SOKR_CPU_DUMP is '{impossible}', which is no folder that can be written to",
                      lines[0])
    def test_sizes_are_judged_with_the_values(self):
        kernel = os.path.join(KERNELS, "sized.spv")
        report = json.loads(self.good("inspect", kernel, "--json").stdout)
        self.assertEqual([one["name"] for one in report["substrates"] if one["can_run"]],
                         self.names)
        shown = json.loads(self.good("inspect", kernel, "--spec", "0=4096", "--json").stdout)
        self.assertEqual(shown["entry_points"][0]["workgroup_bytes"], 4096)
        self.assertEqual([one["name"] for one in shown["substrates"] if one["can_run"]],
                         self.names)
        beyond = json.loads(self.good("inspect", kernel, "--spec", "0=1073741824", "--json").stdout)
        for one in beyond["substrates"]:
            self.assertFalse(one["can_run"], one)
            self.assertRegex(one["reason"], r"^needs 1073741824 bytes of shared memory, over the "
                                            r"limit of \d+, in entry point main$")
        for name in self.names:
            run = ["run", kernel, "--on", name, "--groups", "1", "--zero", "0.0=128", "--out",
                   "0.0=z"]
            with self.subTest(name):
                self.good(*run, "--spec", "0=128")
                self.assertEqual(self.load("z"), struct.pack("<32I", *[128] * 32))
                for values, sentence in (
                        ([], "its length is 0, it has to be 1 to 4294967295; decided by "
                             "specialization constants 0 (kBytes), 1 (kElement)"),
                        (["--spec", "1=0"], "its length is 0, it has to be 1"),
                        (["--spec", "0=1073741824"], "of shared memory, over the limit of"),
                        (["--spec", "0=4294967295", "--spec", "1=1"],
                         "of shared memory, over the limit of")):
                    refused = self.run_command(*run, *values)
                    self.assertNotEqual(refused.returncode, 0)
                    self.assertIn(sentence, refused.stderr.decode())

    def test_blocks_and_descriptor_arrays(self):
        self.store("scale", struct.pack("<4f", 1, 2, 3, 4))
        self.store("a", struct.pack("<16f", *range(16)))
        self.store("b", struct.pack("<16f", *(0.5 for _ in range(16))))
        for name in self.names:
            with self.subTest(name):
                self.good("run", os.path.join(KERNELS, "blocks.spv"), "--groups", "1", "--on", name,
                          "--in", "0.0=scale", "--in", "1.3[0]=a", "--in", "1.3[1]=b",
                          "--out", "0.1=y")
                expected = [(i % 4 + 1) * (i + 0.5) for i in range(16)]
                self.assertEqual(struct.unpack("<16f", self.load("y")), tuple(expected))

    def test_a_name_opens_no_other_plugin(self):
        for name in self.names:
            with self.subTest(name):
                result = self.run_command(*self.copy("--on", name, "--out", "0.1=y"),
                                          SOKR_LOG="debug")
                self.assertEqual(result.returncode, 0, result.stderr)
                opened = re.findall(r"/sokr-([^/]*)\.so: trying", result.stderr.decode())
                self.assertEqual(sorted(opened), sorted([name.split(":")[0], "ir-spirv"]))

    def test_all_agree(self):
        result = self.good(*self.copy("--on", ",".join(self.names), "--out", "0.1=y.npy:u32",
                                      "--json"))
        self.assertEqual([one["substrate"] for one in json.loads(result.stdout)["runs"]],
                         self.names)

    def test_the_default_is_the_best(self):
        result = self.good(*self.copy("--json"))
        self.assertEqual(json.loads(result.stdout)["runs"][0]["substrate"], self.names[0])

    def test_damaged_kernels_run_or_fail_with_one_sentence(self):
        with open(os.path.join(KERNELS, "copy.spv"), "rb") as file:
            good = file.read()
        for at in range(5 * 32, len(good) * 8, len(good) * 8 // 24 + 1):
            damaged = bytearray(good)
            damaged[at // 8] ^= 1 << (at % 8)
            self.store("damaged.spv", bytes(damaged))
            result = self.run_command(*self.copy("--on", "reference", "--out", "0.1=never",
                                                 kernel="damaged.spv"))
            self.assertIn(result.returncode, (0, 1, 2), f"bit {at}: {result.stderr}")
            if result.returncode:
                self.assertFalse(os.path.exists(os.path.join(self.folder, "never")))
                lines = [line for line in result.stderr.splitlines() if line.startswith(b"sokr: ")]
                self.assertEqual(len(lines), 1, result.stderr)
            else:
                os.remove(os.path.join(self.folder, "never"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
