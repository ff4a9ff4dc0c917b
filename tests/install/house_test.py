# SPDX-License-Identifier: MIT OR Apache-2.0
"""The compiler's house stays one that strangers find their way in: files and classes of a size that
is read at once, each source named on the page that explains it, what is special about a processor
in its own room.

usage: house_test.py SOURCE_FOLDER
"""
import os
import re
import sys
import unittest

SOURCE = sys.argv[1]
HOUSE = os.path.join(SOURCE, "substrates", "cpu", "compiler")
MOST_SOURCE_LINES = 700
MOST_HEADER_LINES = 400
MOST_MEMBERS = 60  # of a class, fields and functions together


def files():
    found = {}
    for folder, _, names in os.walk(HOUSE):
        for name in names:
            if name.endswith((".cpp", ".hpp")):
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    found[os.path.relpath(path, HOUSE)] = file.read()
    return found


def without_comments(text):
    text = re.sub(r'"(?:\\.|[^"\\\n])*"', '""', text)
    return re.sub(r"//[^\n]*|/\*.*?\*/|\btemplate\s*<[^<>]*>", "", text, flags=re.S)


def end_of(text, begin):
    """Behind the bracket that closes the one at `begin`."""
    depth = 0
    for at in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[at], 0)
        if depth == 0:
            return at + 1
    return len(text)


def members(body):
    """The declarations of a class, each function and each field once."""
    count, statement, at = 0, "", 0
    while at < len(body):
        c = body[at]
        if c == "{":
            end = end_of(body, at)
            is_type = re.search(r"\b(struct|class|enum|union)\b[^=(]*$", statement)
            is_value = re.search(r"[=\w]\s*$", statement) and "(" not in statement
            at = end
            if is_type:
                rest = re.match(r"\s*(\w[^;{]*)?;", body[at:])
                count += bool(rest and rest[1])  # a field of the type just declared
                at += rest.end() if rest else 0
                statement = ""
            elif not is_value:
                count += 1
                statement = ""
            continue
        if c == ";":
            statement = re.sub(r"\b(public|protected|private)\s*:", "", statement).strip()
            if statement and not re.match(r"(using|friend|static_assert|struct|class|enum)\b", statement):
                count += 1
                if "(" not in statement:
                    count += re.sub(r"<[^<>]*>", "", re.sub(r"<[^<>]*>", "", statement)).count(",")
            statement = ""
        else:
            statement += c
        at += 1
    return count


def classes(text):
    """{name: members} of all classes of a file."""
    text = without_comments(text)
    found = {}
    for match in re.finditer(r"(?<!enum )\b(?:class|struct)\s+([\w:]+)[^;{}()]*\{", text):
        begin = match.end() - 1
        found[match[1]] = members(text[begin + 1:end_of(text, begin) - 1])
    return found


class House(unittest.TestCase):
    texts = files()

    def test_files_are_read_at_once(self):
        self.assertGreater(len(self.texts), 100)
        for path, text in self.texts.items():
            most = MOST_HEADER_LINES if path.endswith(".hpp") else MOST_SOURCE_LINES
            self.assertLessEqual(text.count("\n"), most, path)

    def test_classes_are_read_at_once(self):
        seen = 0
        for path, text in self.texts.items():
            for name, count in classes(text).items():
                seen += 1
                self.assertLessEqual(count, MOST_MEMBERS, f"{path}: {name}")
        self.assertGreater(seen, 100)

    def test_the_page_names_every_source(self):
        with open(os.path.join(SOURCE, "docs", "cpu-compiler.md"), encoding="utf-8") as file:
            page = file.read()
        missing = [path for path in self.texts
                   if path.endswith(".cpp") and f"`{os.path.basename(path)}`" not in page]
        self.assertEqual([], missing)

    def test_what_the_page_names_exists(self):
        with open(os.path.join(SOURCE, "docs", "cpu-compiler.md"), encoding="utf-8") as file:
            named = set(re.findall(r"`(?:[\w-]+/)*([\w-]+\.[ch]pp)`", file.read()))
        exist = {name for top in ("substrates/cpu", "ir/spirv", "tests/substrates/cpu", "tests/differential")
                 for _, _, names in os.walk(os.path.join(SOURCE, top)) for name in names}
        self.assertEqual(set(), named - exist)

    def test_processors_are_named_in_their_room(self):
        named = re.compile(r"\bIsa::k|\bIntrinsic::(x86|aarch64)_|\bllvm/IR/Intrinsics[A-Z]\w*\.h")
        self.assertEqual([], [path for path, text in self.texts.items()
                              if not path.startswith("target/") and named.search(without_comments(text))])
        self.assertTrue(named.search(self.texts["target/traits.cpp"]))

    def test_counting_counts(self):
        text = """class A : B { public: A(); int f(int a, int b) const { return 1; }
                  struct C { int x = 0, y = 0; }; enum class D { kOne, kTwo };
                  struct { int z; } last_; // int no_;
                  std::map<int, int> m_; int a_ = 1, b_{2}; using X = int; };"""
        self.assertEqual({"A": 6, "C": 2}, {k: v for k, v in classes(text).items() if k in "AC"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
