# SPDX-License-Identifier: MIT OR Apache-2.0
"""Where results go, and what is left behind: files, what is given open, processes."""

import array
import fcntl
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import termios
import unittest

from sokr_command import Sokr

BUILD, MOCKS, KERNELS = sys.argv[1:4]
WORDS = struct.pack("<16I", *range(16))
ONES = b"\x01" * 64
RUN = ["run", "copy.spv", "--in", "0.0=x", "--zero", "0.1=64", "--push", "u32:16,u32:5",
       "--threads", "16"]
BENCH = ["bench", *RUN[1:], "--repeat", "20"]


class Files(unittest.TestCase):
    def setUp(self):
        self.sokr = Sokr(BUILD, MOCKS)
        self.addCleanup(self.sokr.close)
        shutil.copy(os.path.join(KERNELS, "copy.spv"), self.sokr.work)
        self.sokr.store("x", WORDS)

    def call(self, *words, **options):
        """Any program, as Sokr.run; what it writes goes where the options say."""
        options = {"stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
        return subprocess.run(words, cwd=self.sokr.work, env=self.sokr.variables(("add",), {}),
                              timeout=60, check=False, **options)

    def shell(self, script, *arguments, **options):
        """$0 of the script is the command, and "$@" the arguments."""
        return self.call("sh", "-c", script, self.sokr.program, *arguments, **options)

    def as_root(self, script, *arguments, **options):
        """The same where mounts can be made that nobody else sees."""
        if self.call("unshare", "-rm", "true").returncode != 0:
            self.skipTest("this system lets nobody make mounts of their own")
        return self.call("unshare", "-rm", "sh", "-e", "-c", script, self.sokr.program, *arguments,
                         **options)

    # ---- What is given open -------------------------------------------------------------------

    def test_what_is_given_open_is_written_behind_what_is_there(self):
        for name in ("-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "log", "./log", "link"):
            self.sokr.store("log", b"before\n")
            if not os.path.lexists(self.sokr.path("link")):
                os.symlink("log", self.sokr.path("link"))
            inode = os.stat(self.sokr.path("log")).st_ino
            with open(self.sokr.path("log"), "ab") as log:
                result = self.call(self.sokr.program, *RUN, "--out", "0.1=" + name, stdout=log)
                self.assertEqual(result.returncode, 0, result.stderr)
                log.write(b"\nbehind")
            self.assertEqual(self.sokr.load("log"), b"before\n" + ONES + b"\nbehind", name)
            self.assertEqual(os.stat(self.sokr.path("log")).st_ino, inode, name)

    def test_other_descriptors_and_standard_error(self):
        self.sokr.store("log", b"before\n")
        result = self.shell('exec "$0" "$@" 3>>log', *RUN, "--out", "0.1=/dev/fd/3")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.sokr.load("log"), b"before\n" + ONES)
        result = self.shell('exec "$0" "$@" 2>>log', *RUN, "--out", "0.1=log")
        self.assertEqual(result.returncode, 0)
        self.assertTrue(self.sokr.load("log").startswith(b"before\n" + ONES + ONES + b"sokr: ran on"))
        # One that is not open, and one that is open for reading.
        for script in ('exec "$0" "$@"', 'exec "$0" "$@" 9<x'):
            result = self.shell(script, *RUN, "--out", "0.1=/dev/fd/9")
            self.assertEqual(result.returncode, 1)
            self.assertIn(b"'/dev/fd/9' cannot be written: Bad file descriptor", result.stderr)
        self.assertEqual(self.sokr.load("x"), WORDS)

    def test_who_reads_slowly_gets_all(self):
        """A pipe that does not wait is full now and then."""
        size = 1 << 20
        large = [f"0.1={size}" if one == "0.1=64" else one for one in RUN]
        for flags, least in ((["--out", "0.1=-"], size), (["--out", "0.1=/dev/stdout"], size),
                             (["--print", "0.1[0:]"], size)):
            ours, theirs = os.pipe()
            os.set_blocking(theirs, False)
            with subprocess.Popen([self.sokr.program, *large, *flags], cwd=self.sokr.work,
                                  env=self.sokr.variables(("add",), {}), stdout=theirs,
                                  stderr=subprocess.PIPE) as process:
                os.close(theirs)
                with open(ours, "rb") as file:
                    got = file.read()
                said = process.stderr.read()
            self.assertEqual(process.returncode, 0, said)
            self.assertGreaterEqual(len(got), least, flags)
            if flags[0] == "--out":
                self.assertEqual(got, b"\x01" * size)

    def test_who_writes_slowly_is_waited_for(self):
        """A pipe that does not wait has nothing yet."""
        ours, theirs = os.pipe()
        os.set_blocking(ours, False)
        with subprocess.Popen([self.sokr.program, "inspect", "-"], cwd=self.sokr.work,
                              env=self.sokr.variables(("add",), {}), stdin=ours,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            with open(ours, "rb"), open(theirs, "wb", buffering=0) as file:
                kernel = self.sokr.load("copy.spv")
                file.write(kernel[:100])
                left = array.array("i", [1])
                while left[0] and process.poll() is None:  # until it has that, and asks for more
                    fcntl.ioctl(file, termios.FIONREAD, left)
                    os.sched_yield()
                file.write(kernel[100:])
            said = process.communicate(timeout=60)
        self.assertEqual(process.returncode, 0, said[1])
        self.assertIn(b"entry point main", said[0])

    def test_a_socket_is_standard_input(self):
        """It cannot be opened by its name in /dev."""
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.sendall(self.sokr.load("copy.spv"))
            ours.shutdown(socket.SHUT_WR)
            result = self.call(self.sokr.program, "inspect", "-", stdin=theirs, stdout=subprocess.PIPE)
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertIn(b"entry point main", result.stdout)

    def test_without_standard_descriptors(self):
        """What is opened takes the place of none of them."""
        plugin = os.path.join(MOCKS, "add.so")
        result = self.shell('exec "$0" "$@" >&-', "check", plugin, "--json", "r.json")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"the result cannot be written to standard output: Bad file descriptor",
                      result.stderr)
        self.assertFalse(os.path.exists(self.sokr.path("r.json")))
        result = self.shell('exec "$0" "$@" 2>&-', *RUN, "--out", "0.1=y")
        self.assertEqual(result.returncode, 0)
        self.assertEqual(self.sokr.load("y"), ONES)
        result = self.shell('exec "$0" "$@" <&-', "inspect", "-")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"standard input cannot be read: Bad file descriptor", result.stderr)
        # Processes of its own have a standard input, whatever this one has.
        old = " ".join([self.sokr.program, *BENCH[:-2], "--budget", "0.1"])
        result = self.shell('exec "$0" "$@" <&- >&- 3>r.json', *BENCH[:-2], "--budget", "0.1",
                            "--baseline-command", old, "--max-regress", "1000", "--json", "/dev/fd/3")
        self.assertEqual(result.returncode, 1, result.stderr)  # it has a text for people, too
        self.assertEqual(len(json.loads(self.sokr.load("r.json"))["against_command"]), 1)

    # ---- Files --------------------------------------------------------------------------------

    def test_a_link_to_nothing_stays_a_link(self):
        os.mkdir(self.sokr.path("folder"))
        os.symlink("folder/second", self.sokr.path("first"))
        os.symlink("missing", self.sokr.path("folder/second"))
        result = self.sokr.run(*RUN, "--out", "0.1=first")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertTrue(os.path.islink(self.sokr.path("first")))
        self.assertTrue(os.path.islink(self.sokr.path("folder/second")))
        self.assertEqual(self.sokr.load("folder/missing"), ONES)
        os.symlink("circle", self.sokr.path("circle"))
        result = self.sokr.run(*RUN, "--out", "0.1=circle")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"'circle' cannot be written: ", result.stderr)

    def test_a_file_that_is_mounted_is_written(self):
        """No other can take its place."""
        self.sokr.store("there", b"longer than what is written" * 9)
        self.sokr.store("here", b"")
        result = self.as_root('mount --bind there here; exec "$0" "$@"', *RUN, "--out", "0.1=here")
        self.assertEqual(result.returncode, 0, result.stderr)
        self.assertEqual(self.sokr.load("there"), ONES)
        self.assertEqual(sorted(os.listdir(self.sokr.work)), ["copy.spv", "here", "there", "x"])

    def test_what_cannot_be_taken_back_comes_last(self):
        """When a file cannot be completed nothing has been written to standard output."""
        os.mkdir(self.sokr.path("full"))
        mounted = 'mount -t tmpfs -o size=4k none full; exec "$0" "$@"'
        large = ["0.1=65536" if one == "0.1=64" else one for one in RUN]
        for command in ([*large, "--out", "0.0=-", "--out", "0.1=full/y"],
                        [*large, "--out", "0.1=full/y", "--out", "0.0=-"],
                        [*BENCH, "--out", "0.1=-", "--json", "full/r.json"],
                        ["bench", *large[1:], "--repeat", "20", "--out", "0.1=full/y", "--json", "-"]):
            result = self.as_root(mounted, *command, stdout=subprocess.PIPE)
            self.assertEqual(result.returncode, 1, command)
            self.assertIn(b"No space left on device", result.stderr)
            self.assertEqual(result.stdout, b"", command)

    def test_what_keeps_nothing_may_be_named_twice(self):
        twice = [*RUN, "--out", "0.0=/dev/null", "--out", "0.1=/dev/null"]
        self.assertEqual(self.sokr.run(*twice).returncode, 0)
        for name in ("-", "y"):
            result = self.sokr.run(*[one.replace("/dev/null", name) for one in twice])
            self.assertEqual(result.returncode, 2)
            self.assertIn(b"is named twice", result.stderr)

    # ---- Processes ----------------------------------------------------------------------------

    def assert_gone(self, process):
        with self.assertRaises(ProcessLookupError):
            os.kill(process, 0)

    def test_a_command_that_does_not_serve_is_ended(self):
        result = self.sokr.run(*BENCH[:-2], "--budget", "0.1", "--max-regress", "5",
                               "--baseline-command", "echo $$ > pid; echo hello; exec sleep 1000")
        self.assertEqual(result.returncode, 1)
        self.assertIn(b"does not answer as a 'sokr bench'", result.stderr)
        self.assert_gone(int(self.sokr.load("pid")))

    def test_who_is_ended_ends_what_it_measures(self):
        for asked in (signal.SIGINT, signal.SIGTERM):
            os.mkfifo(self.sokr.path("pid"))
            with self.sokr.start(*BENCH[:-2], "--budget", "0.1", "--max-regress", "5",
                                 "--baseline-command", "echo $$ > pid; exec sleep 1000") as process:
                with open(self.sokr.path("pid"), "rb") as pid:
                    child = int(pid.read())
                process.send_signal(asked)
                process.communicate(timeout=60)
            self.assertEqual(process.returncode, -asked)
            self.assert_gone(child)
            os.unlink(self.sokr.path("pid"))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
