# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ./dev asks of cmake and cpack, which are stubs here that write it down."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

SOURCE = sys.argv[1]
STUB = """#!/bin/sh
echo "$(umask) ${0##*/} $*" >>"$SAID"
case ${0##*/} in
  dpkg-query) echo installed ;;
  cpack) mkdir -p build/release/package && touch build/release/package/file ;;
  cmake)
    # The build that compiles tests together, and a folder that lists them one by one.
    case "$*" in
      --build*) ;;
      *"-B build/tidy"*"-DSOKR_TESTS_TOGETHER=OFF")
        mkdir -p build/tidy
        echo "\\"command\\": \\"c++ -I$PWD/build/tidy/generated\\" \\"file\\": \\"$PWD/tests/one.cpp\\"" \
          >build/tidy/compile_commands.json ;;
      *)
        mkdir -p build/dev
        echo "\\"file\\": \\"$PWD/build/dev/tests/Unity/unity_0_cxx.cxx\\"" >build/dev/compile_commands.json ;;
    esac ;;
esac
"""


class Dev(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sokr-dev-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.makedirs(os.path.join(self.folder, "cmake"))
        for name in ("dev", os.path.join("cmake", "packages.txt")):
            shutil.copy(os.path.join(SOURCE, name), os.path.join(self.folder, name))
        for name in ("cmake", "cpack", "dpkg-query", "ccache", "clang-format-19", "clang-tidy-19"):
            path = os.path.join(self.folder, "stubs", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(STUB)
            os.chmod(path, 0o755)

    def git(self, *arguments):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], cwd=self.folder,
                       check=True, stdout=subprocess.DEVNULL)

    def dev(self, *arguments):
        """What the stubs were called with, behind their umask, where that of the user is 077."""
        said = os.path.join(self.folder, "said")
        stubs = os.path.join(self.folder, "stubs")
        result = subprocess.run(
            ["sh", "-c", 'umask 077; exec "$@"', "sh", os.path.join(self.folder, "dev"), *arguments],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": stubs + os.pathsep + os.environ["PATH"], "SAID": said,
                 "SOKR_DEV_NO_INSTALL": "1", "SOKR_CMAKE_FLAGS": "-DSOKR_TESTS_TOGETHER=ON"})
        self.assertEqual(result.returncode, 0, result.stderr)
        self.errors = result.stderr
        with open(said, encoding="utf-8") as file:
            return file.read().splitlines()

    def test_clang_tidy_sees_tests_that_are_compiled_together(self):
        """One by one, with what the build generated; what nobody compiles here is named."""
        self.git("init", "-q")
        self.git("add", "dev")
        self.git("commit", "-q", "-m", "first")
        os.makedirs(os.path.join(self.folder, "tests"))
        for name in ("one.cpp", "nowhere.cpp"):
            with open(os.path.join(self.folder, "tests", name), "w", encoding="utf-8"):
                pass
        self.git("add", "tests")
        said = [line.split(" ", 1)[1] for line in self.dev("check")]
        self.assertIn("clang-tidy-19 -quiet -p build/tidy tests/one.cpp", said)
        self.assertNotIn("nowhere.cpp", "".join(line for line in said if "tidy-19" in line))
        self.assertIn("clang-tidy: 1 files are clean", self.errors)
        self.assertIn("not compiled here, and passed over: tests/nowhere.cpp", self.errors)
        with open(os.path.join(self.folder, "build", "tidy", "compile_commands.json"),
                  encoding="utf-8") as file:
            self.assertIn(os.path.join(self.folder, "build", "dev", "generated"), file.read())
        # It is not built.
        self.assertEqual([line for line in said if "build/tidy" in line and "--build" in line], [])

    def test_everybody_can_read_what_is_installed(self):
        """The folders, which cmake makes as the umask says."""
        self.assertIn("0022 cmake --install build/release --prefix /anywhere",
                      self.dev("install", "/anywhere"))

    def test_everybody_can_read_what_a_package_installs(self):
        self.assertIn("0022 cpack --config build/release/CPackConfig.cmake", self.dev("package"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
