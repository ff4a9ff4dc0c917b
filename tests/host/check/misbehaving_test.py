# SPDX-License-Identifier: MIT OR Apache-2.0
"""`sokr check` names the rule that a plugin breaks, whatever becomes of the process meanwhile.

usage: misbehaving_test.py BUILD_FOLDER [less]

`less` is of a build with sanitizers.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

from checked import Checked

BUILD, SANITIZED = os.path.abspath(sys.argv[1]), sys.argv[2:] == ["less"]
SUBSTRATE, IR = (os.path.join(BUILD, "lib", "sokr-flawed", f"sokr-{kind}.so")
                 for kind in ("substrate", "ir"))
SIGNAL, EXIT, LATE = "ended by signal", "ended, with exit code", "did not return within"

# What SOKR_TEST_FLAW names, the rule that it breaks, a pattern in what is seen, and other rules
# that look at the same.
SUBSTRATES = [
    ("ABI-6", "ABI-6", "its size is 8", {"REG-1"}),
    ("ABI-6: facts", "ABI-6", "fact_size", set()),
    ("REG-1", "REG-1", "capability_fn is null", set()),
    ("REG-2", "REG-2", "version.major is 1", set()),
    ("PLG-5", "PLG-5", "not what its file declares", set()),
    ("CAP-1", "CAP-1", SIGNAL + ".*, in capability_fn of a null query", set()),
    ("CAP-5", "CAP-5", SIGNAL, {"DIS-10"}),
    ("CAP-5: too far", "CAP-5", SIGNAL, {"CAP-1", "CAP-6"}),
    ("CAP-6", "CAP-6", "which it does not list", {"CAP-1", "DIS-8", "THR-3"}),
    ("exits", "CAP-6", EXIT + " 3, in dispatch_fn of 0 bytes", {"DIS-1", "DIS-8", "DIA-1", "DIA-3"}),
    ("DIS-1", "DIS-1", SIGNAL + ".*, in dispatch_fn of a null request", set()),
    ("DIS-4", "DIS-4", "the token 0x0 was given out", None),
    ("DIS-7", "DIS-7", "given out twice", {"CAP-6", "COM-5", "PLG-6"}),
    ("DIS-8", "DIS-8", "with the id of", set()),
    ("DIS-9", "DIS-9", "and no sentence", set()),
    ("DIS-10", "DIS-10", "a handle that was released", set()),
    ("DIS-11", "DIS-11", SIGNAL, set()),
    ("DIS-11: some", "DIS-11", "whose flags is .* are accepted", set()),
    ("DIS-11: takes all", "DIS-11", "are accepted", {"CAP-6", "COM-5"}),
    ("COM-1", "COM-1", SIGNAL + ".*, in completion_fn of a null query", set()),
    ("COM-3", "COM-3", LATE + " 5 s, in completion_fn of the token .* a timeout of 0 ns", {"COM-5", "COM-8", "THR-3"}),
    ("COM-5", "COM-5", "the signal 7", {"COM-8"}),
    ("COM-8", "COM-8", "asked again it is", {"THR-3", "COM-5", "COM-9"}),
    ("COM-9", "COM-9", "one is told", {"COM-8", "THR-3"}),
    ("COM-10", "COM-10", "which it never gave out", {"COM-1"}),
    ("DIA-1", "DIA-1", "the sentence is ''", set()),
    ("DIA-2", "DIA-2", "of a sentence were written", set()),
    ("DIA-3", "DIA-3", "of which nothing failed", set()),
    ("DIA-4", "DIA-4", "a launch that never was", set()),
    ("MEM-1", "MEM-1", "is not zeros", {"MEM-2"}),
    ("MEM-2", "MEM-2", SIGNAL + ".*, in the memory table", set()),
    ("MEM-3", "MEM-3", "given out twice", set()),
    ("THR-3", "THR-3", "threads at once", set()),
    ("LIF-6", "LIF-6", "threads are left", set()),
    ("LIF-8", "LIF-8", LATE, set()),
    ("LIF-9", "LIF-9", "the child " + SIGNAL, set()),
    ("LIF-9: goes on", "LIF-9", "in the child dispatch_fn does not answer", set()),
    ("LIF-10", "LIF-10", "of a destroyed substrate", set()),
    ("PLG-6", "PLG-6", "before everything was destroyed", set()),
]
IR_PLUGINS = [
    ("table", "table", "no name", set()),
    ("recognition", "recognition", "recognise says 2", set()),
    ("recognition: too far", "recognition", SIGNAL, set()),
    ("truncation", "truncation", "validate answers 0", {"sentences"}),
    ("truncation: too far", "truncation", SIGNAL + ".*, in validate of 0 bytes", set()),
    ("sentences", "sentences", "of a sentence were written", {"samples"}),
    ("requests", "requests", EXIT + " 0", set()),
    ("lowering", "lowering", LATE + " 5 s, in lower of", {"threads"}),
]
# What does not return is waited for as long as this; everything else is over long before.
PATIENT = {"COM-3", "LIF-8", "lowering"}


def flags(flaw):
    return ["--timeout", "5"] if flaw in PATIENT or flaw.startswith("hangs") else []


def checked_all(plugin, rows):
    """Each row with what is said of its flaw: several at a time, those that wait long first."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
        under_way = {row[0]: pool.submit(Checked, BUILD, plugin, *flags(row[0]),
                                         SOKR_TEST_FLAW=row[0])
                     for row in sorted(rows, key=lambda row: row[0] not in PATIENT)}
    return [(row, under_way[row[0]].result()) for row in rows]


class Misbehaving(unittest.TestCase):
    def expect(self, plugin, checked, rule, seen, others):
        broken = checked.broken()
        self.assertIn(rule, broken, checked.text)
        self.assertRegex("\n".join(broken[rule]), seen)
        # A sanitizer sees it wherever it happens.
        if others is not None and not SANITIZED:
            self.assertLessEqual(set(broken), others | {rule}, checked.text)
        self.assertEqual(checked.code, 1)
        self.assertFalse(checked.report["holds"])
        self.assertIn(f"\n  {rule} is broken\n    seen   ", checked.text)
        self.assertIn("\n    right  ", checked.text)
        for line in checked.text.splitlines():
            self.assertLessEqual(len(line), max(80, len(plugin) + 70), line)

    def test_substrates(self):
        for (flaw, *row), checked in checked_all(SUBSTRATE, SUBSTRATES):
            with self.subTest(flaw):
                self.expect(SUBSTRATE, checked, *row)

    def test_ir_plugins(self):
        for (flaw, *row), checked in checked_all(IR, IR_PLUGINS):
            with self.subTest(flaw):
                self.expect(IR, checked, *row)

    def test_without_a_flaw_all_rules_hold(self):
        """And each of them is broken by a flaw above."""
        checked = Checked(BUILD, SUBSTRATE)
        self.assertEqual((checked.code, checked.broken()), (0, {}), checked.text)
        self.assertEqual(set(checked.rules("not_tried")), {"LIF-8"})
        rules = set(checked.rules("holds")) | {"LIF-8"}
        self.assertEqual(rules, {rule for _, rule, *_ in SUBSTRATES})
        self.assertEqual(Checked(BUILD, IR).code, 0)

    def test_what_cannot_be_used_is_tried_no_further(self):
        checked = Checked(BUILD, SUBSTRATE, SOKR_TEST_FLAW="REG-2")
        self.assertEqual(set(checked.rules("broken")), {"REG-2"})
        self.assertTrue(all(rule["reason"] == "it cannot be used at all"
                            for rule in checked.rules("not_tried").values()))
        self.assertEqual(set(checked.rules("holds")), {"ABI-6", "REG-1"})

    def test_files_that_cannot_be_opened(self):
        for flaw, seen in (("crashes", SIGNAL + " 6"), ("hangs", LATE), ("hangs elsewhere", LATE),
                           ("offers nothing", "it offers nothing here")):
            checked = Checked(BUILD, SUBSTRATE, *flags(flaw), SOKR_TEST_FLAW=flaw)
            self.assertEqual(checked.code, 1)
            self.assertIn(seen, checked.plugin["failure"])
            self.assertIn(seen, checked.text)
        with tempfile.TemporaryDirectory() as folder:
            with open(SUBSTRATE, "rb") as file:
                library = file.read()
            files = {"empty.so": b"", "text.so": b"sokr\n", "half.so": library[:len(library) // 2]}
            for name, data in files.items():
                with open(os.path.join(folder, name), "wb") as file:
                    file.write(data)
            os.mkfifo(os.path.join(folder, "pipe.so"))
            core = [os.path.join(BUILD, "lib", name) for name in os.listdir(f"{BUILD}/lib")
                    if re.fullmatch(r"libsokr-core\.so\.\d+\.\d+", name)][0]
            for name, seen in (("absent.so", "there is no such file"), ("", "it is no file"),
                               ("pipe.so", "it is no file"), ("empty.so", "cannot be loaded"),
                               ("text.so", "cannot be loaded"), ("half.so", ""),
                               (core, "exports neither")):
                checked = Checked(BUILD, os.path.join(folder, name))
                self.assertEqual(checked.code, 1, name)
                self.assertFalse(checked.report["holds"])
                self.assertIsNotNone(checked.plugin["failure"], name)
                self.assertIn(seen, checked.plugin["failure"])

    def test_seeds(self):
        """A text that another text is a prefix of: only whoever says so is believed."""
        with tempfile.TemporaryDirectory() as folder:
            seed = os.path.join(folder, "seed")
            with open(seed, "w", encoding="utf-8") as file:
                file.write("ports 1\nadd\nin x f32[]\nend\n# more to read\n")
            self.assertEqual(list(Checked(BUILD, IR, "--seed", seed).broken()), ["truncation"])
            self.assertEqual(Checked(BUILD, IR, "--seed", seed + "@26").broken(), {})
            with open(seed, "w", encoding="utf-8") as file:
                file.write("ports 1\nadd\nin x f32[]\n")
            self.assertIn("samples", Checked(BUILD, IR, "--seed", seed).broken())
            with open(seed, "w", encoding="utf-8") as file:
                file.write("NULL and more")
            self.assertEqual(Checked(BUILD, SUBSTRATE, "--seed", seed).code, 0)
            with open(seed, "w", encoding="utf-8") as file:
                file.write("nothing that it runs")
            broken = Checked(BUILD, SUBSTRATE, "--seed", seed).broken()
            self.assertIn("CAP-6", broken)
            self.assertIn("which it runs", "\n".join(broken["CAP-6"]))

    def test_several_files_and_standard_output(self):
        environment = {**os.environ, "SOKR_TEST_FLAW": "DIA-1"}
        done = subprocess.run([os.path.join(BUILD, "bin", "sokr"), "check", IR, SUBSTRATE,
                               "--json", "-"], capture_output=True, text=True, env=environment,
                              check=False)
        self.assertEqual(done.returncode, 1)
        report = json.loads(done.stdout)
        self.assertEqual([plugin["holds"] for plugin in report["plugins"]], [True, False])
        self.assertEqual((report["schema"], report["holds"], report["timeout_s"]),
                         ("sokr.check/1", False, 60))
        self.assertIn("a line of the plugin's own", done.stderr)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
