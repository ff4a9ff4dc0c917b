# SPDX-License-Identifier: MIT OR Apache-2.0
"""`sokr check` finds nothing in the plugins of the build.

usage: plugins_test.py BUILD_FOLDER [less]

`less` leaves out those whose kernels take long under a sanitizer, which sees them elsewhere.
"""

import os
import sys
import unittest

from checked import Checked

BUILD, LESS = os.path.abspath(sys.argv[1]), sys.argv[2:] == ["less"]
GROUPS = ["loading", "capability", "dispatch", "completion", "diagnostics", "memory", "threads",
          "life"]


def plugin(name):
    for folder in ("sokr", "sokr-uninstalled"):
        path = os.path.join(BUILD, "lib", folder, f"sokr-{name}.so")
        if os.path.exists(path):
            return path
    return None


class Check(unittest.TestCase):
    def expect_green(self, name, kind):
        path = plugin(name)
        if path is None:
            self.skipTest(f"{name} was not built")
        checked = Checked(BUILD, path)
        if name == "vulkan" and "it offers nothing here" in checked.text:
            self.assertEqual(checked.code, 1)
            self.skipTest(checked.text)
        self.assertEqual(checked.broken(), {}, checked.text)
        self.assertEqual(checked.code, 0, checked.text + checked.errors)
        self.assertTrue(checked.report["holds"] and checked.plugin["holds"])
        self.assertEqual(checked.report["schema"], "sokr.check/1")
        self.assertEqual({part["kind"] for part in checked.plugin["parts"]}, {kind})
        for line in checked.text.splitlines():
            self.assertLessEqual(len(line), max(80, len(path) + 80), line)
        return checked

    def expect_substrate(self, name, not_tried, kernels):
        checked = self.expect_green(name, "substrate")
        for part in checked.plugin["parts"]:
            groups = list(dict.fromkeys(rule["group"] for rule in part["rules"]))
            self.assertEqual(groups, GROUPS + (["kernels"] if kernels else []))
            held = [rule for rule in part["rules"]
                    if rule["group"] == "kernels" and rule["verdict"] == "holds"]
            self.assertGreaterEqual(len(held), kernels)
        self.assertEqual(set(checked.rules("not_tried")), set(not_tried))

    def test_null(self):
        self.expect_substrate("null", {"DIS-10", "MEM-1", "MEM-2", "MEM-3", "LIF-8"}, 0)

    @unittest.skipIf(LESS, "its kernels take long")
    def test_cpu(self):
        self.expect_substrate("cpu", {}, 120)

    def test_reference(self):
        self.expect_substrate("reference", {}, 120)

    @unittest.skipIf(LESS, "its kernels take long")
    def test_vulkan(self):
        self.expect_substrate("vulkan", {}, 60)

    def test_ir_plugins(self):
        for name in ("ir-spirv", "ir-wgsl", "null-ir"):
            with self.subTest(name):
                checked = self.expect_green(name, "ir")
                self.assertEqual(len(checked.rules("holds")), 12)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
