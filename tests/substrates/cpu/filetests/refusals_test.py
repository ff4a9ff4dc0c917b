#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What sokr-cpu-compile does not take, it names: refusals_test.py SOKR-CPU-COMPILE KERNEL"""
import pathlib
import subprocess
import sys
import tempfile
import unittest

COMPILER, KERNEL = sys.argv[1:3]


class Refusals(unittest.TestCase):
    def refused(self, sentence, *arguments):
        result = subprocess.run([COMPILER, *arguments], capture_output=True, text=True, timeout=60,
                                check=False)
        self.assertEqual(1, result.returncode, result.stdout)
        self.assertIn(sentence, result.stderr)
        self.assertEqual("", result.stdout)

    def test_names(self):
        self.refused("no stage is called lowered: lower ", KERNEL, "--print-after=plan,lowered")
        self.refused("no part is called all: promote ", KERNEL, "--without=all")
        self.refused('"mmx" is no instruction set', KERNEL, "--isa=mmx")
        self.refused("8 lanes: --width is 1 or 8", KERNEL, "--isa=avx2", "--width=16")
        self.refused("no compute entry point 'other'", KERNEL, "--entry=other")

    def test_files(self):
        self.refused("/nonexistent cannot be read", "/nonexistent")
        with tempfile.TemporaryDirectory() as folder:
            text = pathlib.Path(folder, "kernel.spvasm")
            lines = pathlib.Path(KERNEL).read_text().splitlines()
            wrong = next(i for i, line in enumerate(lines) if "OpFunctionEnd" in line)
            lines[wrong] = "OpNothing"
            text.write_text("\n".join(lines))
            self.refused(f"kernel.spvasm:{wrong + 1}: ", str(text))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
