# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the build chooses of a machine: an LLVM that it can use once there is one, and the libstdc++
that its packages depend on."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE, CMAKE, CXX_COMPILER = sys.argv[1:4]


def run(*command):
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {result.returncode}\n"
                             f"{result.stdout}\n{result.stderr}")
    return result.stdout + result.stderr


class Llvm(unittest.TestCase):
    """With packages that say no more than their version."""

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sokr-llvm-")
        self.addCleanup(shutil.rmtree, self.folder)
        with open(os.path.join(self.folder, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(llvm LANGUAGES NONE)\n"
                       f"include({SOURCE}/cmake/SokrLlvm.cmake)\n"
                       'message(STATUS "LLVM_FOUND is ${LLVM_FOUND}, ${LLVM_PACKAGE_VERSION}")\n')

    def install(self, prefix, major):
        folder = os.path.join(self.folder, prefix, "lib", "cmake", "llvm")
        os.makedirs(folder)
        with open(os.path.join(folder, "LLVMConfig.cmake"), "w", encoding="utf-8") as file:
            file.write(f"set(LLVM_PACKAGE_VERSION {major}.0.1)\nset(LLVM_VERSION_MAJOR {major})\n")
        return folder

    def configure(self, *flags):
        """As often as wanted in the same build folder. Finds nothing of this machine."""
        return run(CMAKE, "-S", self.folder, "-B", os.path.join(self.folder, "build"),
                   f"-DSOKR_LLVM_PREFIX={self.folder}/llvm-",
                   f"-DCMAKE_PREFIX_PATH={self.folder}/usual",
                   "-DCMAKE_FIND_USE_CMAKE_SYSTEM_PATH=OFF",
                   "-DCMAKE_FIND_USE_PACKAGE_REGISTRY=OFF", *flags)

    def test_one_that_is_refused_is_not_kept(self):
        self.install("usual", 14)
        said = self.configure()
        self.assertIn("LLVM 14.0.1 (LLVM_DIR is ", said)
        self.assertIn("the CPU substrate is left out", said)
        self.assertIn("LLVM_FOUND is FALSE", said)
        self.install("llvm-19", 19)
        self.assertIn("LLVM_FOUND is 1, 19.0.1", self.configure())

    def test_one_that_is_good_is_kept(self):
        self.install("llvm-20", 20)
        self.assertIn("LLVM_FOUND is 1, 20.0.1", self.configure())
        self.install("llvm-19", 19)
        self.assertIn("LLVM_FOUND is 1, 20.0.1", self.configure())

    def test_one_that_is_named_is_taken_or_refused(self):
        self.install("llvm-19", 19)
        named = self.install("named", 14)
        for flags in ((f"-DLLVM_DIR={named}",), ()):
            said = self.configure(*flags)
            self.assertIn(f"LLVM 14.0.1 (LLVM_DIR is {named}) is none of", said)
            self.assertIn("LLVM_FOUND is FALSE", said)


class Libstdcxx(unittest.TestCase):
    def test_is_not_newer_than_the_one_here(self):
        """A number of the compiler's own would be, with clang."""
        if not shutil.which("dpkg-query"):
            self.skipTest("no dpkg here")
        query = subprocess.run(["dpkg-query", "-W", "-f=${Version}", "libstdc++6"],
                               capture_output=True, text=True, check=False)
        if query.returncode != 0:
            self.skipTest("libstdc++6 is no package here")
        here = int(re.match(r"\d+", query.stdout).group())
        for compiler in [CXX_COMPILER, *filter(None, map(shutil.which, ("clang++-19", "clang++")))]:
            said = run(CMAKE, f"-DCMAKE_CXX_COMPILER={compiler}", "-P",
                       os.path.join(SOURCE, "cmake", "SokrLibstdcxx.cmake")).strip()
            self.assertRegex(said, r"^\d+$", compiler)
            self.assertLessEqual(int(said), here, compiler)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
