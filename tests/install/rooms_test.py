# SPDX-License-Identifier: MIT OR Apache-2.0
"""Rooms include what the table of docs/architecture.md says that they include, no more and no less,
and what is kept is source.

usage: rooms_test.py SOURCE_FOLDER
"""
import collections
import os
import re
import subprocess
import sys
import unittest

SOURCE = sys.argv[1]
FOLDERS = ("sokr-core", "base", "ir", "substrates", "host", "icd")
# Headers of others, by how their names begin. What is not here is a system's, and of no interest.
LIBRARIES = {"llvm/": "llvm", "vulkan/": "volk", "volk": "volk", "oneapi/": "oneapi",
             "tbb/": "oneapi", "spirv/": "spirv-headers", "spirv-tools/": "spirv-tools",
             "CLI/": "CLI", "nlohmann/": "nlohmann", "xxhash": "xxhash", "fmt/": "fmt"}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)


def table(text):
    """{room: (rooms, libraries)} of the rows that begin with a folder and have four cells."""
    rooms = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if not line.startswith("| `") or len(cells) != 4:
            continue
        names = lambda cell: {name.strip(" `") for name in cell.split(",") if name.strip()}
        rooms[cells[0].strip("`")] = names(cells[2]), names(cells[3])
    return rooms


def sources():
    found = {}
    for top in FOLDERS:
        for folder, _, names in os.walk(os.path.join(SOURCE, top)):
            for name in names:
                if name.endswith((".c", ".h", ".cpp", ".hpp")):
                    path = os.path.join(folder, name)
                    with open(path, encoding="utf-8") as file:
                        found[os.path.relpath(path, SOURCE)] = file.read()
    return found


def room_of(path, rooms):
    return max((room for room in rooms if path.startswith(room + "/")), key=len, default=None)


def arrows(texts, rooms):
    """What each room includes of others, and of libraries."""
    by_name = collections.defaultdict(list)
    for path in texts:
        by_name[os.path.basename(path)].append(path)
    found = {room: (set(), set()) for room in rooms}
    for path, text in texts.items():
        room = room_of(path, rooms)
        if room is None:
            continue
        for name in INCLUDE.findall(text):
            own = os.path.normpath(os.path.join(os.path.dirname(path), name))
            others = [own] if own in texts else [
                other for other in by_name.get(os.path.basename(name), ())
                if other.endswith("/" + name)]
            # A name that stands for several headers is the room's own, if it has one.
            theirs = {room_of(other, rooms) for other in others}
            if others and room not in theirs:
                found[room][0].update(theirs - {None})
            if not others:
                found[room][1].update(library for start, library in LIBRARIES.items()
                                      if name.startswith(start))
    return found


def reach(rooms, start):
    """The room, all that it includes and what these include, and the libraries of all of them."""
    reached, left = set(), {start}
    while left:
        room = left.pop()
        reached.add(room)
        left |= rooms[room][0] - reached
    return reached, set().union(*(rooms[room][1] for room in reached))


class Rooms(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(SOURCE, "docs", "architecture.md"), encoding="utf-8") as file:
            self.rooms = table(file.read())
        self.texts = sources()

    def test_every_source_has_a_room(self):
        self.assertGreater(len(self.rooms), 15)
        self.assertEqual([], [p for p in self.texts if room_of(p, self.rooms) is None])

    def test_arrows_are_those_of_the_table(self):
        self.maxDiff = None
        said = {room: (sorted(a), sorted(b)) for room, (a, b) in self.rooms.items()}
        found = {room: (sorted(a), sorted(b)) for room, (a, b) in
                 arrows(self.texts, self.rooms).items()}
        self.assertEqual(said, found)

    def test_arrows_point_down(self):
        """The rows are in an order in which each includes only rows above it."""
        above = set()
        for room, (includes, _) in self.rooms.items():
            self.assertEqual(set(), includes - above, room)
            above.add(room)

    def test_what_substrates_share_knows_no_format(self):
        """Whoever writes a substrate of another format needs nothing of SPIR-V, nor of what makes
        code: not by any way along the arrows, and not to link."""
        reached, libraries = reach(self.rooms, "substrates/common")
        self.assertIn("ir/common", reached)
        self.assertNotIn("ir/spirv", reached)
        self.assertEqual(set(), libraries & {"spirv-headers", "spirv-tools", "llvm", "volk"})
        for room in reached:
            for folder in (room, os.path.dirname(room)):
                path = os.path.join(SOURCE, folder, "CMakeLists.txt")
                if os.path.isfile(path) and folder not in ("ir", "substrates"):
                    with open(path, encoding="utf-8") as file:
                        self.assertNotRegex(file.read(), r"sokr::spirv|SPIRV|LLVM", path)

    def test_a_way_along_arrows_is_found(self):
        rooms = {"a": (set(), {"llvm"}), "b": ({"a"}, set()), "c": ({"b"}, {"fmt"}), "d": ({"c"}, set())}
        self.assertEqual(({"a", "b", "c"}, {"llvm", "fmt"}), reach(rooms, "c"))

    def test_a_wrong_arrow_is_found(self):
        rooms = {"a": (set(), set()), "b": ({"a"}, {"fmt"})}
        texts = {"a/x.hpp": "#include <y.hpp>\n#include <llvm/IR/Type.h>\n", "b/y.hpp": ""}
        self.assertEqual({"a": ({"b"}, {"llvm"}), "b": (set(), set())}, arrows(texts, rooms))

    def test_what_is_kept_is_text(self):
        """Nothing that a build, a test or somebody else made."""
        listed = subprocess.run(["git", "-C", SOURCE, "ls-files", "-z"], capture_output=True,
                                check=False)
        if listed.returncode != 0:
            self.skipTest("no checkout")
        binary = []
        for path in filter(None, listed.stdout.decode().split("\0")):
            full = os.path.join(SOURCE, path)
            if os.path.islink(full) or not os.path.isfile(full):
                continue
            with open(full, "rb") as file:
                if b"\0" in file.read():
                    binary.append(path)
        self.assertEqual([], binary)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
