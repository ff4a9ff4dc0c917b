# SPDX-License-Identifier: MIT OR Apache-2.0
"""Installs into an empty prefix, moves that elsewhere, and builds and runs consumers that
know nothing but the prefix: C with the core, C and C++ with the host, the skeleton plugin
in both languages, through find_package and through pkg-config."""

import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

BUILD, CMAKE, C_COMPILER, CXX_COMPILER, PKG_CONFIG, LIBDIR = sys.argv[1:7]
HERE = os.path.dirname(os.path.abspath(__file__))


def run(*command, **variables):
    environment = {key: value for key, value in os.environ.items()
                   if not key.startswith("SOKR_") and key != "LD_LIBRARY_PATH"}
    environment.update(variables)
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if result.returncode != 0:
        raise AssertionError(f"{' '.join(command)}: {result.returncode}\n"
                             f"{result.stdout}\n{result.stderr}")
    return result.stdout


class Install(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sokr-install-")
        first = os.path.join(cls.folder, "first")
        run(CMAKE, "--install", BUILD, "--prefix", first)
        cls.prefix = os.path.join(cls.folder, "moved", "elsewhere")
        os.makedirs(os.path.dirname(cls.prefix))
        os.rename(first, cls.prefix)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def installed(self, *names):
        return os.path.join(self.prefix, *names)

    def build(self, name):
        """Configures and builds a project of this folder; its build folder."""
        work = os.path.join(self.folder, name)
        run(CMAKE, "-S", os.path.join(HERE, name), "-B", work, f"-DCMAKE_PREFIX_PATH={self.prefix}",
            f"-DCMAKE_C_COMPILER={C_COMPILER}", f"-DCMAKE_CXX_COMPILER={CXX_COMPILER}")
        run(CMAKE, "--build", work)
        return work

    def compile(self, package, source, program):
        flags = run(PKG_CONFIG, "--cflags", "--libs", package,
                    PKG_CONFIG_PATH=self.installed(LIBDIR, "pkgconfig")).split()
        out = os.path.join(self.folder, program)
        run(C_COMPILER, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
            os.path.join(HERE, source), *flags, "-o", out)
        return out

    def test_files(self):
        for name in ("include/sokr/sokr.h", "include/sokr/growth.h", "include/sokr/compute.h",
                     "include/sokr/launch.h", "include/sokr/kernel.h", "include/sokr/memory.h",
                     "include/sokr/ir.h", "include/sokr/image.h",
                     "include/sokr/host.h", "include/sokr/sokr.hpp", "include/sokr/observe.hpp",
                     "share/man/man1/sokr.1",
                     "share/bash-completion/completions/sokr", "share/zsh/site-functions/_sokr",
                     "share/fish/vendor_completions.d/sokr.fish", "bin/sokr",
                     "share/doc/sokr/README.md", "share/doc/sokr/docs/cli.md",
                     "share/sokr/examples/saxpy.cpp", "share/sokr/examples/saxpy.comp"):
            self.assertTrue(os.path.isfile(self.installed(*name.split("/"))), name)

    def test_nothing_points_back(self):
        """No installed text file names the build folder or the first prefix."""
        for folder, _, names in os.walk(self.prefix):
            for name in names:
                if not name.endswith((".cmake", ".pc", ".h", ".hpp", "sokr.1")):
                    continue
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    text = file.read()
                self.assertNotIn(BUILD, text, name)
                self.assertNotIn(os.path.join(self.folder, "first"), text, name)

    def test_command(self):
        report = json.loads(run(self.installed("bin", "sokr"), "devices", "--json"))
        self.assertEqual(report["schema"], "sokr.devices/1")
        self.assertEqual(run(self.installed("bin", "sokr"), "--version"), "sokr 0.1.1\n")

    def test_check(self):
        """The kernels of the suite, and the plugin that reads what others lower to, are found."""
        folder = self.installed(LIBDIR, "sokr")
        for plugin, least in (("sokr-ir-spirv.so", 12), ("sokr-ir-wgsl.so", 12),
                              ("sokr-reference.so", 120)):
            path = os.path.join(folder, plugin)
            if not os.path.exists(path):
                continue
            report = json.loads(run(self.installed("bin", "sokr"), "check", path, "--json", "-"))
            rules = report["plugins"][0]["parts"][0]["rules"]
            held = [rule["id"] for rule in rules if rule["verdict"] == "holds"]
            self.assertGreaterEqual(len(held), least, plugin)
            self.assertEqual([], [r["id"] for r in rules if r["verdict"] == "not_tried"], plugin)

    def test_wgsl(self):
        """A text runs on the substrates that every machine has, where the build has the plugin."""
        if not os.path.exists(self.installed(LIBDIR, "sokr", "sokr-ir-wgsl.so")):
            self.skipTest("the WGSL plugin was not built")
        examples = self.installed("share", "sokr", "examples")
        out = os.path.join(self.folder, "wgsl.npy")
        for substrate in ("cpu", "reference"):
            run(self.installed("bin", "sokr"), "run", os.path.join(examples, "saxpy.wgsl"),
                "--on", substrate, "--threads", "1000000", "--push", "u32:1000000,f32:3",
                "--in", f"0.0={examples}/x.npy", "--in", f"0.1={examples}/y.npy",
                "--out", f"0.1={out}:f32")
            with open(out, "rb") as file:
                values = struct.unpack("<1000000f", file.read()[-4000000:])
            self.assertEqual(values, tuple(3.0 * (i % 1000) + 1 for i in range(1000000)))

    def test_the_commands_of_the_readme(self):
        """As they stand there, in an empty folder: result = 3 x + y over the installed arrays."""
        commands = run("sh", os.path.join(HERE, "readme_commands.sh"),
                       self.installed("share", "doc", "sokr", "README.md"))
        self.assertIn("sokr run ", commands)
        work = os.path.join(self.folder, "readme")
        os.makedirs(work)
        run("sh", "-ec", f"cd '{work}'\n{commands}",
            PATH=self.installed("bin") + os.pathsep + os.environ["PATH"])
        with open(os.path.join(work, "examples", "result.npy"), "rb") as file:
            values = struct.unpack("<1000000f", file.read()[-4000000:])
        self.assertEqual(values, tuple(3.0 * (i % 1000) + 1 for i in range(1000000)))

    def test_c_core(self):
        work = self.build("c_core")
        for program in ("shared", "static"):
            self.assertEqual(run(os.path.join(work, program)), "core 0.1.1\n")
        program = self.compile("sokr-core", "c_core/main.c", "c_core_pkg_config")
        self.assertEqual(run(program, LD_LIBRARY_PATH=self.installed(LIBDIR)), "core 0.1.1\n")

    def test_hosts_load_the_skeleton_in_both_languages(self):
        c_plugin = os.path.join(self.build("c_core"), "libnull_c.so")
        work = self.build("cpp_host")
        host = self.compile("sokr", "c_host.c", "c_host")
        for plugin in (c_plugin, os.path.join(work, "libnull_cpp.so")):
            self.assertIn("null\n", run(os.path.join(work, "consumer"), plugin))
            self.assertIn("null: ", run(host, plugin, LD_LIBRARY_PATH=self.installed(LIBDIR)))
            self.assertIn("null  ", run(self.installed("bin", "sokr"), "devices",
                                        SOKR_PLUGIN_PATH=plugin))

    def test_unknown_components_are_refused(self):
        work = os.path.join(self.folder, "unknown")
        os.makedirs(work, exist_ok=True)
        with open(os.path.join(work, "CMakeLists.txt"), "w", encoding="utf-8") as file:
            file.write("cmake_minimum_required(VERSION 3.25)\nproject(unknown LANGUAGES C)\n"
                       "find_package(sokr REQUIRED COMPONENTS quantum)\n")
        with self.assertRaisesRegex(AssertionError, "quantum"):
            run(CMAKE, "-S", work, "-B", os.path.join(work, "build"),
                f"-DCMAKE_PREFIX_PATH={self.prefix}")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
