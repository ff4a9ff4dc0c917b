# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the workflows of docs/ci.md and docs/vulkan-driver.md as they stand there: against an installed
tree, in a clean folder that has two commits of a kernel, or a Vulkan program. Left out are the steps
that install packages, or talk to a service.

usage: ci_test.py BUILD SOURCE CMAKE
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE, CMAKE = sys.argv[1:4]
LEFT_OUT = ("Install SOKR and glslc", "Install SOKR, glslc and the Vulkan loader", "Fetch the baseline")
# Asks a service, which is a stub here that writes down what it is given.
STUB = """#!/bin/sh
printf '%s\\n' "${0##*/}" "$@" >>said
"""


def indented(lines, begin):
    """The lines behind `begin` that are indented deeper than it, without that, and none empty."""
    depth = len(lines[begin]) - len(lines[begin].lstrip())
    found = []
    for line in lines[begin + 1:]:
        if line.strip() and len(line) - len(line.lstrip()) <= depth:
            break
        found.append(line.strip())
    return [line for line in found if line]


def variables(text, key):
    """NAME: VALUE below `key:`, of its first occurrence."""
    lines = text.splitlines()
    begin = next(i for i, line in enumerate(lines) if line.strip() == key + ":")
    return dict(line.split(": ", 1) for line in indented(lines, begin))


def github_steps(text):
    """(name, commands) of each step that runs some."""
    lines, name, steps = text.splitlines(), None, []
    for i, line in enumerate(lines):
        word = line.strip()
        if word.startswith("- "):
            name = word.removeprefix("- name: ")
        if word == "run: |":
            steps.append((name, indented(lines, i)))
    return steps


def blocks(page, language):
    with open(os.path.join(SOURCE, "docs", page), encoding="utf-8") as file:
        return re.findall(rf"^```{language}\n(.*?)^```$", file.read(), re.M | re.S)


def can_link(library):
    """Whether programs can be linked with it here."""
    done = subprocess.run(["cc", "-x", "c", "-", "-o", os.devnull, "-l" + library], text=True,
                          input="int main(void) { return 0; }", capture_output=True, check=False)
    return done.returncode == 0


class Workflows(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sokr-ci-")
        cls.prefix = os.path.join(cls.folder, "prefix")
        subprocess.run([CMAKE, "--install", BUILD, "--prefix", cls.prefix], check=True,
                       stdout=subprocess.DEVNULL)
        cls.yaml, cls.shell = blocks("ci.md", "yaml"), blocks("ci.md", "sh")

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def setUp(self):
        self.work = tempfile.mkdtemp(dir=self.folder)
        stubs = os.path.join(self.work, "stubs")
        os.makedirs(stubs)
        for name in ("gh", "curl"):
            with open(os.path.join(stubs, name), "w", encoding="utf-8") as file:
                file.write(STUB)
            os.chmod(file.name, 0o755)
        path = (stubs, os.path.join(self.prefix, "bin"), os.environ["PATH"])
        self.environment = {"PATH": os.pathsep.join(path), "HOME": self.work, "GIT_CONFIG_NOSYSTEM": "1",
                            "GITHUB_STEP_SUMMARY": os.path.join(self.work, "summary.md"), "CHANGE": "17"}
        os.makedirs(os.path.join(self.work, "kernels"))
        shutil.copy(os.path.join(SOURCE, "shaders", "saxpy.comp"),
                    os.path.join(self.work, "kernels"))
        self.sh("git init -q . && git add kernels && "
                "git -c user.name=a -c user.email=a@b commit -q -m first")
        self.base = self.sh("git rev-parse HEAD").stdout.strip()

    def sh(self, command, expected=0):
        result = subprocess.run(["bash", "-e", "-c", command], cwd=self.work, text=True,
                                env=self.environment, capture_output=True, check=False)
        self.assertEqual(result.returncode, expected,
                         f"{command}\n{result.stdout}\n{result.stderr}")
        return result

    def slow_down(self):
        """A change that does the work of the kernel sixteen times over."""
        path = os.path.join(self.work, "kernels", "saxpy.comp")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        end = text.rindex("}")
        body = text.index("{", text.index("void main"))
        changed = (text[:body + 1] + "\nfor (int again = 0; again < 16; ++again) {\n"
                   + text[body + 1:end].replace("return;", "break;") + "memoryBarrierBuffer();\n}\n"
                   + text[end:])
        with open(path, "w", encoding="utf-8") as file:
            file.write(changed)

    def check_results(self):
        with open(os.path.join(self.work, "result.json"), encoding="utf-8") as file:
            (row,) = json.load(file)["gate"]
        self.assertEqual((row["substrate"], row["against"]), ("cpu", "the baseline command"))
        with open(os.path.join(self.work, "comment.md"), encoding="utf-8") as file:
            self.assertIn(row["verdict"], file.read())
        for name, start in (("comment.md", "### `saxpy`"), ("page.html", "<!doctype html>")):
            with open(os.path.join(self.work, name), encoding="utf-8") as file:
                self.assertTrue(file.read().startswith(start), name)

    def load(self, name):
        with open(os.path.join(self.work, name), encoding="utf-8") as file:
            return file.read()

    def run_commands(self, commands, gate):
        """The gate is the last command of those that measure."""
        for command in commands:
            is_gate = "--max-regress" in command
            self.sh(command, gate if is_gate else 0)

    def github(self, gate):
        given = variables(self.yaml[0], "env")
        self.assertEqual(given["BASE"], "${{ github.event.pull_request.base.sha }}")
        self.environment.update(LAUNCH=given["LAUNCH"], BASE=self.base)
        steps = github_steps(self.yaml[0])
        self.assertIn(LEFT_OUT[0], {name for name, _ in steps})
        for name, commands in steps:
            if name not in LEFT_OUT:
                self.run_commands(commands, gate)
        self.check_results()
        self.assertEqual(self.load("said").split(), ["gh", "pr", "comment", "17", "--body-file", "comment.md"])
        self.assertEqual(self.load("summary.md"), self.load("comment.md"))
        # Where it may: the token of a change from a fork does not write, and of a kernel that does not
        # compile there is nothing to say.
        (condition,) = re.findall(r"- name: Comment on the change\n +if: (.*)\n", self.yaml[0])
        for part in ("!cancelled()", "hashFiles('comment.md') != ''",
                     "github.event.pull_request.head.repo.full_name == github.repository"):
            self.assertIn(part, condition)
        self.assertNotIn("always()", self.yaml[0])

    def test_github_passes_what_is_as_fast(self):
        self.github(0)

    def test_github_stops_what_is_slower(self):
        self.slow_down()
        self.github(3)

    def test_gitlab(self):
        text = self.yaml[1]
        given = variables(text, "variables")
        self.assertEqual(given["BASE"], "$CI_MERGE_REQUEST_DIFF_BASE_SHA")
        self.environment.update(LAUNCH=given["LAUNCH"], BASE=self.base)
        lines = text.splitlines()
        script = indented(lines, next(i for i, line in enumerate(lines) if line == "  script:"))
        self.run_commands([line.removeprefix("- ") for line in script], 0)
        self.check_results()
        behind = indented(lines, next(i for i, line in enumerate(lines) if line == "  after_script:"))
        after = "\n".join(line.removeprefix("- ") for line in behind)
        # A fork has no token.
        self.sh(after)
        self.assertFalse(os.path.exists(os.path.join(self.work, "said")))
        self.environment.update(COMMENT_TOKEN="t", CI_API_V4_URL="https://x/api/v4",
                                CI_MERGE_REQUEST_PROJECT_ID="5", CI_MERGE_REQUEST_IID="17")
        self.sh(after)
        self.assertEqual(self.load("said").splitlines(), [
            "curl", "-fsS", "-H", "PRIVATE-TOKEN:t", "-F", "body=<comment.md",
            "https://x/api/v4/projects/5/merge_requests/17/notes"])
        # Nothing was measured.
        os.remove(os.path.join(self.work, "said"))
        os.remove(os.path.join(self.work, "comment.md"))
        self.sh(after)
        self.assertFalse(os.path.exists(os.path.join(self.work, "said")))

    def test_vulkan_program(self):
        library = os.path.join(self.prefix, os.environ["SOKR_LIBRARY_FOLDER"], "libsokr_vulkan.so")
        if not os.path.exists(library) or not can_link("vulkan"):
            self.skipTest("there is no Vulkan driver in this build, or no Vulkan loader to link")
        os.makedirs(os.path.join(self.work, "tests"))
        shutil.copy(os.path.join(SOURCE, "tests", "docs", "saxpy_program.c"),
                    os.path.join(self.work, "tests"))
        steps = github_steps(blocks("vulkan-driver.md", "yaml")[0])
        self.assertIn(LEFT_OUT[1], {name for name, _ in steps})
        said = [self.sh(command).stdout for name, commands in steps if name not in LEFT_OUT
                for command in commands]
        self.assertIn("on SOKR cpu", said[-2])
        self.assertIn("on SOKR reference", said[-1])
        for one in said[-2:]:
            self.assertIn("65536 values are right", one)

    def test_kept_baselines(self):
        """What is kept as an artefact is what a change compares with."""
        self.environment["LAUNCH"] = variables(self.yaml[2], "env")["LAUNCH"]
        kept, compared = github_steps(self.yaml[2]), github_steps(self.yaml[3])
        self.assertIn(LEFT_OUT[2], {name for name, _ in compared})
        self.assertIn("path: baseline-*.json", self.yaml[2])
        self.assertIn("name: baseline\n", self.yaml[2])
        for name, commands in kept + compared:
            if name not in LEFT_OUT:
                self.run_commands(commands, 0)
        for block in self.shell:
            self.sh(block)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
