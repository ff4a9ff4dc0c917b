# SPDX-License-Identifier: MIT OR Apache-2.0
"""sokr cache: what it shows, and that it removes nothing but what is ours."""

import json
import os
import re
import sys
import time
import unittest

from sokr_command import Sokr

BUILD, MOCKS = sys.argv[1:3]
ENTRY = "0123456789abcdef" * 2 + ".entry"
OTHER = "f" * 32 + ".entry"
UNFINISHED = ENTRY + ".1234.0.new"
FOREIGN = ["README", "0123.entry", "0123456789ABCDEF" * 2 + ".entry", ENTRY + ".bak",
           ENTRY + "new", "x" + ENTRY, ".entry"]


class Cache(unittest.TestCase):
    def setUp(self):
        self.sokr = Sokr(BUILD, MOCKS)
        self.addCleanup(self.sokr.close)
        self.folder = self.sokr.path("cache")

    def cache(self, *arguments, code=0, **variables):
        environment = {"SOKR_CACHE_DIR": self.folder, **variables}
        result = self.sokr.run("cache", *arguments, mocks=(), environment=environment)
        self.assertEqual(result.returncode, code, result.stderr)
        return result.stdout.decode() if code == 0 else result.stderr.decode()

    def put(self, name, size, age=0):
        path = os.path.join(self.folder, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(b"x" * size)
        os.utime(path, (time.time() - age,) * 2)
        return path

    def report(self, *arguments, **variables):
        return json.loads(self.cache(*arguments, "--json", **variables))

    def test_nothing_is_kept(self):
        self.assertEqual(self.cache(), f"{self.folder}\n  nothing is kept\n")
        self.assertEqual(self.report(), {"schema": "sokr.cache/1", "folder": self.folder,
                                         "substrates": []})
        self.assertEqual(self.cache("clear"), f"removed 0 entries, 0 bytes, from {self.folder}\n")
        self.assertFalse(os.path.exists(self.folder))

    def test_entries_are_counted(self):
        self.put("vulkan/" + ENTRY, 5)
        self.put("cpu/" + ENTRY, 1000, age=200)
        self.put("cpu/" + OTHER, 24, age=3 * 86400 + 60)
        self.put("cpu/" + UNFINISHED, 76)
        for name in FOREIGN:
            self.put("cpu/" + name, 10)
        text = self.cache("list")
        self.assertEqual(text, self.cache())
        self.assertRegex(text, r"\n  cpu     2 entries  1100 bytes  last used 3 min to 3 days ago\n")
        self.assertRegex(text, r"\n  vulkan    1 entry     5 bytes  last used \d+ s ago\n")
        cpu, vulkan = self.report()["substrates"]
        self.assertEqual((cpu["name"], cpu["entries"], cpu["bytes"]), ("cpu", 2, 1100))
        self.assertEqual(cpu["folder"], os.path.join(self.folder, "cpu"))
        self.assertTrue(200 <= cpu["newest_used_s"] < 400, cpu)
        self.assertTrue(259260 <= cpu["oldest_used_s"] < 259660, cpu)
        self.assertEqual((vulkan["name"], vulkan["entries"]), ("vulkan", 1))

    def test_clear_removes_only_what_is_ours(self):
        ours = [self.put("cpu/" + ENTRY, 100), self.put("cpu/" + UNFINISHED, 1),
                self.put("vulkan/" + OTHER, 20)]
        foreign = [self.put("cpu/" + name, 10) for name in FOREIGN]
        foreign += [self.put(ENTRY, 1), self.put("cpu/deeper/" + ENTRY, 1)]
        os.makedirs(os.path.join(self.folder, "cpu", "a" * 32 + ".entry"))
        outside = self.sokr.path("outside")
        os.makedirs(outside)
        self.sokr.store("outside/" + ENTRY, b"mine")
        os.symlink(outside, os.path.join(self.folder, "linked"))
        os.symlink(os.path.join(outside, ENTRY), os.path.join(self.folder, "cpu", OTHER))
        report = self.report("clear")
        self.assertEqual(report["removed"], {"entries": 2, "bytes": 121})
        for path in ours:
            self.assertFalse(os.path.exists(path), path)
        for path in foreign:
            self.assertTrue(os.path.exists(path), path)
        self.assertEqual(self.sokr.load("outside/" + ENTRY), b"mine")
        self.assertEqual(self.report()["substrates"], [])

    def test_where_it_is(self):
        self.assertIn("there is no cache", self.cache(SOKR_CACHE_DIR=""))
        self.assertIsNone(self.report(SOKR_CACHE_DIR="")["folder"])
        self.assertIn("there is no cache", self.cache("clear", SOKR_CACHE_DIR=""))
        variables = {key: os.environ.pop(key, None) for key in ("XDG_CACHE_HOME", "HOME")}
        try:
            for more, folder in (({"HOME": "/h"}, "/h/.cache/sokr"),
                                 ({"HOME": "/h", "XDG_CACHE_HOME": "/x"}, "/x/sokr"),
                                 ({"HOME": "/h", "XDG_CACHE_HOME": ""}, "/h/.cache/sokr")):
                result = self.sokr.run("cache", "--json", mocks=(), environment=more)
                self.assertEqual(json.loads(result.stdout)["folder"], folder)
        finally:
            os.environ.update({key: value for key, value in variables.items() if value})

    def test_bad_usage(self):
        self.assertRegex(self.cache("empty", code=2),
                         r"^sokr: cache: unknown action 'empty'; there are list.* and clear\n$")
        self.assertIn("unexpected argument 'now'", self.cache("clear", "now", code=2))
        self.assertIn("unknown flag '--jsno'; did you mean '--json'?",
                      self.cache("--jsno", code=2))

    def test_a_folder_that_is_none_is_a_sentence(self):
        self.sokr.store("file", b"")
        text = self.cache(code=1, SOKR_CACHE_DIR=self.sokr.path("file"))
        self.assertTrue(re.fullmatch(r"sokr: the cache folder .*/file cannot be read: .*\n", text),
                        text)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
