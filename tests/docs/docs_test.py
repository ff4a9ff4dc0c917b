# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs what the documents show: every block of sh, C, C++ and Python in them.

The blocks of one language in one chapter (from a heading of the second level to the next)
are the parts of one program, in their order. Blocks of sh are run one after another in one
folder, where the files lie that the documents name. Comments right before or behind a block
say what a reader need not see:

    <!-- given      code that a program needs before this part
    <!-- check      code behind this part; assert is there
    <!-- not run: WHY -->
    <!-- needs NAME -->    not run where the plugin sokr-NAME.so was not built
    <!-- file NAME -->    the block is that file, for a later block of sh
    <!-- from FILE -->    the block is a part of that file of the project, and says so rightly
    <!-- object -->       a source of its own, which is only compiled
"""

import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

BUILD, SOURCE, SHADERS, C_COMPILER, CXX_COMPILER = sys.argv[1:6]
sys.path.insert(0, os.path.join(SOURCE, "tests", "cli"))
from sokr_command import npy  # noqa: E402

DOCUMENTS = ["README.md", "docs/guide.md", "docs/cli.md", "docs/writing-a-substrate.md",
             "docs/writing-an-ir-plugin.md"]
LANGUAGES = ("sh", "c", "cpp", "python", "rust")
TOKEN = re.compile(
    r"^(?P<heading>##) |^<!-- (?P<word>given|check|not run|needs|file|from|object)\b:?(?P<text>.*?)-->$"
    r"|^```(?P<language>\w*)\n(?P<code>.*?)^```$", re.M | re.S)


class Block:
    def __init__(self, language, code, line):
        self.language, self.code, self.line = language, code, line
        self.given = self.check = ""
        self.not_run = self.needs = self.file = self.part_of = None
        self.is_object = False


def chapters(text):
    """Lists of blocks."""
    found, notes = [[]], {}
    for match in TOKEN.finditer(text):
        if match["heading"]:
            found.append([])
        elif match["word"] == "check":
            found[-1][-1].check += match["text"]
        elif match["word"]:
            notes[match["word"]] = match["text"]
        else:
            block = Block(match["language"], match["code"], text.count("\n", 0, match.start()) + 1)
            block.given = notes.pop("given", "")
            block.not_run = notes.pop("not run", None)
            block.needs = notes.pop("needs", "").strip() or None
            block.file = notes.pop("file", "").strip() or None
            block.part_of = notes.pop("from", "").strip() or None
            block.is_object = notes.pop("object", None) is not None
            found[-1].append(block)
    return found


def program(blocks, document):
    """One program of the parts: what is included first, the rest in main."""
    headers = ["cassert", "cstdio", "cstring", "string", "thread", "vector"] \
        if blocks[0].language == "cpp" else ["assert.h", "stdio.h", "string.h"]
    includes, body = ["#undef NDEBUG", *(f"#include <{name}>" for name in headers)], []
    for block in blocks:
        code = []
        for line in block.code.splitlines():
            (includes if line.startswith("#include") else code).append(line)
        body += [block.given, f'#line {block.line + 1} "{document}"', *code, block.check]
    return "\n".join([*includes, "int main(void) {", *body, "return 0;", "}", ""])


class Documents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sokr-docs-")
        cls.addClassCleanup(shutil.rmtree, cls.folder)
        cls.environment = {key: value for key, value in os.environ.items()
                           if not key.startswith("SOKR_")}
        cls.environment.update({
            "PATH": f"{cls.tools()}:{BUILD}/bin:{os.environ['PATH']}",
            "LD_LIBRARY_PATH": f"{BUILD}/lib",
            "PKG_CONFIG_PATH": f"{cls.folder}/tools",
            "SOKR_CACHE_DIR": f"{cls.folder}/cache"})

    @classmethod
    def tools(cls):
        """What an installed SOKR would have in its place: compilers and a pkg-config file."""
        tools = os.path.join(cls.folder, "tools")
        os.makedirs(tools)
        os.symlink(C_COMPILER, os.path.join(tools, "cc"))
        os.symlink(CXX_COMPILER, os.path.join(tools, "c++"))
        folders = ["sokr-core", "substrates", "ir", "host"]
        cls.includes = [f"-I{SOURCE}/{folder}/include" for folder in folders]
        for name in ("sokr", "sokr-core"):
            with open(os.path.join(tools, name + ".pc"), "w", encoding="utf-8") as file:
                file.write(f"Name: {name}\nDescription: build tree\nVersion: 0\n"
                           f"Cflags: {' '.join(cls.includes)}\n"
                           f"Libs: -L{BUILD}/lib -lsokr-host -lsokr-core\n")
        return tools

    def workplace(self, name):
        """A folder with the files that the documents name."""
        work = os.path.join(self.folder, name.replace("/", "_"))
        os.makedirs(work)
        for kernel in ("saxpy", "spec_constants"):
            shutil.copy(os.path.join(SHADERS, kernel + ".spv"), work)
        for text in ("saxpy.comp", "saxpy.wgsl"):
            shutil.copy(os.path.join(SOURCE, "shaders", text), work)
        for example in ("saxpy.c", "saxpy.cpp"):
            shutil.copy(os.path.join(SOURCE, "examples", example), work)
        for example in ("null.c", "launch_reader.h"):
            shutil.copy(os.path.join(SOURCE, "substrates", "null", example), work)
        shutil.copy(os.path.join(SOURCE, "ir", "null", "null_ir.c"), work)
        count = 1_000_000 if name == "README.md" else 1024
        for array, value in (("x", 1.0), ("y", 2.0)):
            with open(os.path.join(work, array + ".npy"), "wb") as file:
                file.write(npy("<f4", f"({count},)", struct.pack("<f", value) * count))
        return work

    def execute(self, where, command, work):
        result = subprocess.run(command, cwd=work, env=self.environment, text=True, check=False,
                                capture_output=True, timeout=240, stdin=subprocess.DEVNULL)
        self.assertEqual(result.returncode, 0,
                         f"{where}: {result.returncode}\n{result.stdout}\n{result.stderr}")
        return result

    def compile_and_run(self, blocks, document, work):
        where = f"{document}:{blocks[0].line}"
        is_cpp = blocks[0].language == "cpp"
        name = os.path.join(work, f"program{blocks[0].line}")
        source = name + (".cpp" if is_cpp else ".c")
        with open(source, "w", encoding="utf-8") as file:
            file.write(program(blocks, document))
        compiler = [CXX_COMPILER, "-std=c++20"] if is_cpp else [C_COMPILER, "-std=c11"]
        self.execute(where, [*compiler, *self.includes, source, "-o", name, f"-L{BUILD}/lib",
                             "-lsokr-host", "-lsokr-core", "-pthread"], work)
        self.execute(where, [name], work)

    def compile_object(self, block, where, work):
        source = os.path.join(work, f"object{block.line}.{block.language}")
        with open(source, "w", encoding="utf-8") as file:
            file.write(f"{block.given}\n{block.code}")
        compiler = [CXX_COMPILER, "-std=c++20"] if block.language == "cpp" else [C_COMPILER]
        folders = ("base", "substrates/common", "ir/common", "ir/conformance")
        more = [f"-I{SOURCE}/{folder}/include" for folder in folders]
        self.execute(where, [*compiler, *self.includes, *more, "-fPIC", "-Wall", "-Werror", "-c",
                             source, "-o", source + ".o"], work)

    def check(self, document):
        with open(os.path.join(SOURCE, document), encoding="utf-8") as file:
            all_chapters = chapters(file.read())
        work = self.workplace(document)
        programs = 0
        for blocks in all_chapters:
            parts = {}
            for block in blocks:
                if block.language not in LANGUAGES:
                    self.assertEqual(block.language, "", f"{document}:{block.line}: unknown language")
                    continue
                programs += 1
                where = f"{document}:{block.line}"
                if block.needs:
                    folder = os.path.join(SOURCE, *block.needs.split("-", 1))
                    self.assertTrue(os.path.isdir(folder), f"{where}: there is no {folder}")
                if block.not_run is not None:
                    self.assertTrue(block.not_run.strip(), f"{where}: say why it is not run")
                elif block.needs and not os.path.exists(
                        os.path.join(BUILD, "lib", "sokr", f"sokr-{block.needs}.so")):
                    continue
                elif block.file:
                    with open(os.path.join(work, block.file), "w", encoding="utf-8") as file:
                        file.write(block.code)
                elif block.part_of:
                    with open(os.path.join(SOURCE, block.part_of), encoding="utf-8") as file:
                        self.assertIn(block.code.strip(), file.read(), where)
                elif block.language == "rust":
                    self.fail(f"{where}: Rust is only shown as a part of a file")
                elif block.is_object:
                    self.compile_object(block, where, work)
                elif block.language == "sh":
                    self.execute(where, ["bash", "-euo", "pipefail", "-c", block.code], work)
                elif block.language == "python":
                    self.execute(where, [sys.executable, "-c", block.code], work)
                else:
                    parts.setdefault(block.language, []).append(block)
            for each in parts.values():
                self.compile_and_run(each, document, work)
        self.assertGreater(programs, 0)


class Extraction(unittest.TestCase):
    """The test that tests nothing when a comment is misspelt is no test."""

    def test_every_comment_and_fence_is_understood(self):
        for document in DOCUMENTS:
            with open(os.path.join(SOURCE, document), encoding="utf-8") as file:
                text = file.read()
            blocks = [block for chapter in chapters(text) for block in chapter]
            self.assertEqual(2 * len(blocks), len(re.findall(r"^```", text, re.M)), document)
            comments = re.findall(r"^<!-- (?!SPDX)", text, re.M)
            used = sum(1 for match in TOKEN.finditer(text) if match["word"])
            self.assertEqual(used, len(comments), document)

    def test_a_broken_block_is_found(self):
        text = "## A\n```c\nint x = 1;\n```\n<!-- check\nassert(x == 1);\n-->\n```c\n#include <math.h>\n```\n"
        (_, blocks) = chapters(text)
        source = program(blocks, "a.md")
        self.assertLess(source.index("#include <math.h>"), source.index("int main"))
        self.assertLess(source.index("int x = 1;"), source.index("assert(x == 1);"))
        self.assertIn('#line 3 "a.md"', source)


class Settings(unittest.TestCase):
    """What can be set is said where people look for it."""

    READERS = ("host", "substrates", "ir", "icd", "base")
    # A process of the command's own.
    INTERNAL = {"SOKR_BENCH_SERVE"}

    def sources(self):
        for place in self.READERS:
            for folder, _, files in os.walk(os.path.join(SOURCE, place)):
                for name in files:
                    if name.endswith((".cpp", ".hpp")):
                        with open(os.path.join(folder, name), encoding="utf-8") as file:
                            yield re.sub(r"//.*", "", file.read())

    def found(self, pattern):
        names = {name for text in self.sources() for name in re.findall(pattern, text)}
        self.assertGreater(len(names), 3)
        return names

    def test_every_option_stands_in_the_guide(self):
        with open(os.path.join(SOURCE, "docs", "guide.md"), encoding="utf-8") as file:
            guide = file.read()
        options = self.found(r'"((?:vulkan|cpu|reference|spirv|host)\.[a-z_]+)"')
        files = {name for name in options if name.endswith((".so", ".json"))}
        self.assertEqual([name for name in sorted(options - files) if f"`{name}`" not in guide], [])

    def test_every_variable_stands_in_the_manual_page(self):
        with open(os.path.join(SOURCE, "host", "data", "sokr.1"), encoding="utf-8") as file:
            page = file.read()
        variables = self.found(
            r'(?:getenv|setting|parse|from_environment)\([^;]*?"(SOKR_[A-Z_]*[A-Z])"') - self.INTERNAL
        self.assertIn("SOKR_CPU_DUMP", variables)
        self.assertEqual([name for name in sorted(variables) if name not in page], [])

    def test_every_command_stands_in_the_manual_page(self):
        with open(os.path.join(SOURCE, "host", "data", "sokr.1"), encoding="utf-8") as file:
            synopsis = file.read().split(".SH DESCRIPTION")[0]
        said = subprocess.run([os.path.join(BUILD, "bin", "sokr"), "help"], capture_output=True,
                              text=True, check=True).stdout
        commands = re.findall(r"^  ([a-z]+) ", said, re.M)
        self.assertIn("bench", commands)
        self.assertEqual([name for name in commands if f".B sokr {name}" not in synopsis], [])


def add_tests():
    for document in DOCUMENTS:
        def run(self, document=document):
            self.check(document)
        setattr(Documents, "test_" + re.sub(r"\W", "_", document), run)


add_tests()

if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1] + sys.argv[6:])
