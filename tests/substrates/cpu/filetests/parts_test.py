#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each part of the compiler that can be left out is missed by a filetest:
parts_test.py PARTS.DEF FOLDER-OF-FILETESTS"""
import pathlib
import re
import sys
import unittest

import run

PARTS, TESTS = sys.argv[1:3]
# Byte dot products are in no least processor, which is what filetests compile for.
ELSEWHERE = {"corrections"}


class Parts(unittest.TestCase):
    def test_each_has_a_filetest_that_fails_without_it(self):
        parts = set(re.findall(r'^SOKR_PART\(k\w+, "([\w-]+)"\)', pathlib.Path(PARTS).read_text(),
                               re.M))
        self.assertGreater(len(parts), 40)
        missed = {part for test in pathlib.Path(TESTS).glob("*/*.spvasm")
                  for part in run.OFF.findall(test.read_text())}
        self.assertEqual(ELSEWHERE, parts - missed, 'no filetest has "; OFF: PART" of these')
        self.assertEqual(set(), missed - parts, "no parts")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
