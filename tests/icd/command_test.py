# SPDX-License-Identifier: MIT OR Apache-2.0
"""`sokr icd`, and SOKR on its own Vulkan driver.

usage: command_test.py SOKR MANIFEST TEST_ICD
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOKR, MANIFEST, TEST_ICD = sys.argv[1:4]


def run(*words, **environment):
    clean = {k: v for k, v in os.environ.items()
             if k not in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES")}
    return subprocess.run(words, env={**clean, **environment}, text=True, capture_output=True,
                          timeout=120)


class Command(unittest.TestCase):
    def test_prints_what_a_shell_takes(self):
        asked = run("sh", "-c", f"eval \"$({SOKR} icd)\" && printf '%s' \"$VK_DRIVER_FILES\"")
        self.assertEqual(os.path.realpath(MANIFEST), asked.stdout, asked.stderr)

    def test_runs_a_program_and_nothing_else(self):
        asked = run(SOKR, "icd", "--", "sh", "-c", 'echo "$1 $VK_ICD_FILENAMES"; exit 7', "x", "--on")
        self.assertEqual(7, asked.returncode, asked.stderr)
        self.assertEqual(f"--on {os.path.realpath(MANIFEST)}\n", asked.stdout)
        ignored = run(SOKR, "icd", "--", "grep", "SigIgn", "/proc/self/status")
        self.assertEqual(0, int(ignored.stdout.split()[1], 16) >> 12 & 1, "SIGPIPE is ignored")

    def test_wrong_usage_is_named(self):
        for words, why in ((("--",), "no program behind --"), (("vulkaninfo",), "vulkaninfo"),
                           (("--on", "cpu"), "--on")):
            asked = run(SOKR, "icd", *words)
            self.assertEqual(2, asked.returncode)
            self.assertIn(why, asked.stderr)

    def test_says_why_a_program_cannot_run(self):
        asked = run(SOKR, "icd", "--", "/no/such/program")
        self.assertEqual(1, asked.returncode)
        self.assertIn("cannot run /no/such/program: No such file", asked.stderr)
        self.assertEqual(1, len(asked.stderr.splitlines()), asked.stderr)

    @unittest.skipUnless(shutil.which("vulkaninfo"), "no vulkaninfo (vulkan-tools)")
    def test_vulkaninfo_is_clean(self):
        asked = run(SOKR, "icd", "--", "vulkaninfo", "--summary")
        self.assertEqual(0, asked.returncode, asked.stderr)
        self.assertIn("driverName         = SOKR", asked.stdout)
        self.assertIn("PHYSICAL_DEVICE_TYPE_CPU", asked.stdout)
        for word in ("ERROR", "WARNING"):
            self.assertNotIn(word, asked.stdout + asked.stderr)

    @unittest.skipUnless(shutil.which("vulkaninfo"), "no vulkaninfo (vulkan-tools)")
    def test_the_two_exceptions(self):
        asked = run(SOKR, "icd", "--", "vulkaninfo", SOKR_ICD_DEVICE_TYPE="discrete",
                    SOKR_ICD_GRAPHICS="claim")
        self.assertIn("PHYSICAL_DEVICE_TYPE_DISCRETE_GPU", asked.stdout)
        self.assertIn("QUEUE_GRAPHICS", asked.stdout)
        plain = run(SOKR, "icd", "--", "vulkaninfo")
        self.assertNotIn("QUEUE_GRAPHICS", plain.stdout)
        wrong = run(SOKR, "icd", "--", "vulkaninfo", "--summary", SOKR_ICD_DEVICE_TYPE="fast")
        self.assertIn("it takes cpu, integrated, discrete or virtual", wrong.stderr)

    @unittest.skipUnless(shutil.which("vulkaninfo"), "no vulkaninfo (vulkan-tools)")
    def test_a_substrate_that_is_not_there_is_named(self):
        for name, why in (("none", "none"), ("vulkan:0", "SOKR_ICD_ON is 'vulkan:0'")):
            asked = run(SOKR, "icd", "--", "vulkaninfo", "--summary", SOKR_ICD_ON=name)
            self.assertIn(why, asked.stderr)

    def test_labels_are_slices_of_the_trace(self):
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "trace.json")
            ran = run(TEST_ICD, "--gtest_filter=Objects.LabelsChangeNothing", SOKR_TRACE=trace,
                      SOKR_TEST_DIRECT="1")
            self.assertEqual(0, ran.returncode, ran.stdout + ran.stderr)
            with open(trace, encoding="utf-8") as file:
                events = json.load(file)
        lanes = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
        slices = {e["name"]: e for e in events if e["ph"] == "X" and lanes[e["tid"]] in
                  ("Vulkan commands", "Vulkan queue")}
        self.assertEqual({"outer", "inner", "point", "frame"}, set(slices))
        begin, end = (lambda e: e["ts"]), (lambda e: e["ts"] + e["dur"])
        self.assertLessEqual(begin(slices["outer"]), begin(slices["inner"]))
        self.assertLessEqual(end(slices["inner"]), end(slices["outer"]))
        self.assertEqual("Vulkan queue", lanes[slices["frame"]["tid"]])
        self.assertEqual("Vulkan commands", lanes[slices["outer"]["tid"]])

    def test_the_vulkan_substrate_does_not_offer_it(self):
        """And does not wait for itself: the driver would look for substrates meanwhile."""
        asked = run(SOKR, "icd", "--", SOKR, "devices")
        self.assertEqual(0, asked.returncode, asked.stderr)
        self.assertNotIn("SOKR cpu", asked.stdout)
        self.assertNotIn("vulkan:0", asked.stdout)
        self.assertIn("reference", asked.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
