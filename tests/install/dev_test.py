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
esac
"""


class Dev(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="sokr-dev-")
        self.addCleanup(shutil.rmtree, self.folder)
        os.makedirs(os.path.join(self.folder, "cmake"))
        for name in ("dev", os.path.join("cmake", "packages.txt")):
            shutil.copy(os.path.join(SOURCE, name), os.path.join(self.folder, name))
        for name in ("cmake", "cpack", "dpkg-query", "ccache"):
            path = os.path.join(self.folder, "stubs", name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(STUB)
            os.chmod(path, 0o755)

    def dev(self, *arguments):
        """What the stubs were called with, behind their umask, where that of the user is 077."""
        said = os.path.join(self.folder, "said")
        stubs = os.path.join(self.folder, "stubs")
        result = subprocess.run(
            ["sh", "-c", 'umask 077; exec "$@"', "sh", os.path.join(self.folder, "dev"), *arguments],
            capture_output=True, text=True, check=False,
            env={**os.environ, "PATH": stubs + os.pathsep + os.environ["PATH"], "SAID": said,
                 "SOKR_DEV_NO_INSTALL": "1"})
        self.assertEqual(result.returncode, 0, result.stderr)
        with open(said, encoding="utf-8") as file:
            return file.read().splitlines()

    def test_everybody_can_read_what_is_installed(self):
        """The folders, which cmake makes as the umask says."""
        self.assertIn("0022 cmake --install build/release --prefix /anywhere",
                      self.dev("install", "/anywhere"))

    def test_everybody_can_read_what_a_package_installs(self):
        self.assertIn("0022 cpack --config build/release/CPackConfig.cmake", self.dev("package"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
