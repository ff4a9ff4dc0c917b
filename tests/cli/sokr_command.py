# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the sokr command in an isolated copy of the build's libraries.

The copy has the SPIR-V plugin beside the libraries and nothing else, so that what a test
loads is what it names in SOKR_PLUGIN_PATH, whatever else the build has.
"""

import glob
import os
import shutil
import struct
import subprocess
import tempfile


class Sokr:
    def __init__(self, build, mocks):
        self.program = os.path.join(build, "bin", "sokr")
        self.mocks = mocks
        self.folder = tempfile.mkdtemp(prefix="sokr-cli-")
        self.libraries = os.path.join(self.folder, "lib")
        os.makedirs(os.path.join(self.libraries, "sokr"))
        for library in glob.glob(os.path.join(build, "lib", "libsokr-*.so.?.?")):
            shutil.copy(library, self.libraries)
        shutil.copy(os.path.join(build, "lib", "sokr", "sokr-ir-spirv.so"),
                    os.path.join(self.libraries, "sokr"))
        self.work = os.path.join(self.folder, "work")
        self.clean()

    def clean(self):
        """An empty folder to work in, which is the current one of what runs."""
        shutil.rmtree(self.work, ignore_errors=True)
        os.makedirs(self.work)

    def close(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def path(self, name):
        return os.path.join(self.work, name)

    def store(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)

    def load(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def variables(self, mocks, environment):
        variables = {key: value for key, value in os.environ.items()
                     if not key.startswith("SOKR_") and key != "COLUMNS"}
        variables["LD_LIBRARY_PATH"] = self.libraries
        variables["SOKR_PLUGIN_PATH"] = ":".join(
            os.path.join(self.mocks, mock + ".so") for mock in mocks)
        variables.update(environment or {})
        return variables

    def run(self, *arguments, mocks=("add",), stdin=b"", environment=None, timeout=60):
        return subprocess.run([self.program, *arguments], cwd=self.work,
                              env=self.variables(mocks, environment), input=stdin,
                              capture_output=True, timeout=timeout, check=False)

    def start(self, *arguments, mocks=("add",), environment=None):
        """The process, which is at work; its input is empty."""
        return subprocess.Popen([self.program, *arguments], cwd=self.work,
                                env=self.variables(mocks, environment), stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def npy(descr, shape, data, fortran=False, version=1, header=None):
    """A .npy file, or something that pretends to be one."""
    text = header if header is not None else (
        "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }" % (descr, fortran, shape))
    encoded = text.encode() + b" " * (-(len(text) + 11 + (2 if version > 1 else 0)) % 64) + b"\n"
    length = struct.pack("<H" if version == 1 else "<I", len(encoded))
    return b"\x93NUMPY" + bytes([version, 0]) + length + encoded + data
