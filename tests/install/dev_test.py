# SPDX-License-Identifier: MIT OR Apache-2.0
"""What ./dev asks of cmake and cpack, which are stubs here that write it down."""

import json
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
        echo "[{\\"directory\\": \\"$PWD/build/tidy\\", \\"file\\": \\"$PWD/tests/one.cpp\\"," \
          "\\"command\\": \\"c++ -I$PWD/build/tidy/generated -o one.o -c $PWD/tests/one.cpp\\"}]" \
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
        for name in ("dev", os.path.join("cmake", "packages.txt"), os.path.join("cmake", "tidy.py")):
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

    def test_clang_tidy_reads_sources_of_the_same_flags_at_once(self):
        """And one by one where together they do not compile; a header with a source that includes it."""
        texts = {
            "lib/one.cpp": '#include "one.hpp"\nint one() { return 1; }\n',
            "lib/two.cpp": "int two() { return 2; }\n",
            "lib/three.cpp": "static int helper() { return 3; }\nint three() { return helper(); }\n",
            "lib/four.cpp": "static int helper() { return 4; }\nint four() { return helper(); }\n",
            "lib/one.hpp": '#include "deep.hpp"\nint one();\n',
            "lib/deep.hpp": "int deep();\n",
            "lib/lonely.hpp": "int lonely();\n",
            "app/five.cpp": "int five() { return 5; }\n",
            "app/six.cpp": "int six(int x) { return x; }\n",
        }
        commands = []
        for name, text in texts.items():
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            if name.endswith(".cpp"):
                commands.append({"directory": self.folder, "file": path, "command":
                                 f"c++ -D{name.split('/')[0].upper()} -o {name}.o -c {path}"})
        with open(os.path.join(self.folder, "compile_commands.json"), "w", encoding="utf-8") as file:
            json.dump(commands, file)
        # It finds "x", and that two functions have one name, in what a file includes too.
        tidy = os.path.join(self.folder, "tidy")
        with open(tidy, "w", encoding="utf-8") as file:
            file.write("""#!/bin/sh
echo "$4" >>"$SAID"
all=$(cat "$4" $(sed -n 's/#include "\\(\\/.*\\)"/\\1/p' "$4"))
case $all in *helper*helper*helper*) echo "$4: [clang-diagnostic-error]"; exit 1 ;; esac
case $all in *"int x"*) echo "$4: named x"; exit 1 ;; esac
""")
        os.chmod(tidy, 0o755)

        def judged(*names):
            said = os.path.join(self.folder, "judged")
            with open(said, "w", encoding="utf-8"):
                pass
            result = subprocess.run(
                [sys.executable, os.path.join(SOURCE, "cmake", "tidy.py"), "./tidy", ".", *names],
                cwd=self.folder, capture_output=True, text=True, check=False,
                env={**os.environ, "SAID": said})
            with open(said, encoding="utf-8") as file:
                read = sorted(os.path.relpath(line, self.folder) if os.path.isabs(line) else line
                              for line in file.read().split())
            return read, result

        read, result = judged("lib/one.cpp", "lib/two.cpp", "lib/lonely.hpp", "app/five.cpp")
        self.assertEqual(read, ["app/five.cpp", "together/0.cpp"])
        self.assertEqual((result.returncode, result.stdout), (0, ""))
        self.assertIn("3 files are clean", result.stderr)
        self.assertIn("passed over: lib/lonely.hpp", result.stderr)

        self.assertEqual(judged("lib/one.hpp")[0], ["lib/one.cpp"])
        self.assertEqual(judged("lib/deep.hpp")[0], ["lib/one.cpp"])

        read, result = judged("lib/three.cpp", "lib/four.cpp")
        self.assertEqual(read, ["lib/four.cpp", "lib/three.cpp", "together/0.cpp"])
        self.assertEqual((result.returncode, result.stdout), (0, ""))

        read, result = judged("app/five.cpp", "app/six.cpp")
        self.assertEqual((read, result.returncode), (["together/0.cpp"], 1))
        self.assertIn("named x", result.stdout)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
