# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every source includes the standard header of what it names, itself or through headers of the
project: through another standard header it may come with one compiler's library and not with the
next one's.

usage: includes_test.py SOURCE_FOLDER
"""
import os
import re
import sys
import unittest

SOURCE = sys.argv[1]
ROOMS = ("base", "bench", "examples", "host", "ir", "sokr-core", "substrates", "tests")
SKIPPED = ("tests/core/model",)  # sources of other tools

# What is named, the header of it, and others that have to have it. C's own headers, which ours in C
# include, need not put anything into std.
ROWS = [
    (r"std::u?int(_fast|_least)?(8|16|32|64|ptr)_t", "cstdint", ("cinttypes",)),
    (r"\bU?INT(8|16|32|64)_MAX", "cstdint", ("cinttypes", "stdint.h")),
    (r"std::(sort|stable_sort|find|find_if|any_of|all_of|none_of|count|count_if|nth_element|"
     r"max_element|min_element|lower_bound|upper_bound|unique|remove_if|transform|clamp|reverse|"
     r"shuffle|rotate|for_each)\b", "algorithm", ()),
    (r"std::ranges::(sort|find|find_if|any_of|all_of|none_of|count|count_if|copy|fill|equal|"
     r"transform|max_element|min_element|stable_sort|for_each|reverse)\b", "algorithm", ()),
    (r"std::(unique_ptr|shared_ptr|make_unique|make_shared|weak_ptr)\b", "memory", ()),
    (r"std::(optional|nullopt)\b", "optional", ()),
    (r"std::array\b", "array", ()),
    (r"std::(bit_cast|countr_zero|countl_zero|popcount|bit_width|has_single_bit|bit_ceil)\b",
     "bit", ()),
    (r"std::numeric_limits\b", "limits", ()),
    (r"std::(span|as_bytes|as_writable_bytes)\b", "span", ()),
    (r"std::(iota|accumulate|gcd|lcm)\b", "numeric", ()),
    (r"std::(memcpy|memcmp|memset|strlen|strcmp)\b", "cstring", ()),
    (r"std::(atomic|memory_order\w*)\b", "atomic", ()),
    (r"std::(getenv|abort|exit|strtoul|strtoull|strtod|malloc|free)\b", "cstdlib", ()),
    (r"std::(FILE|fopen|fprintf|snprintf|printf|fputs|fflush)\b", "cstdio", ()),
    (r"std::(mutex|lock_guard|unique_lock|scoped_lock)\b", "mutex", ("condition_variable",)),
    (r"std::(isfinite|isnan|fma|sqrt|lround|pow|floor|ceil|trunc|fmod|hypot|ldexp|frexp)\b",
     "cmath", ()),
    (r"std::(thread|jthread|this_thread)\b", "thread", ()),
    (r"std::function\b", "functional", ()),
    (r"std::chrono::", "chrono", ()),
    (r"std::(variant|visit|get_if|holds_alternative)\b", "variant", ()),
    (r"std::vector\b", "vector", ()),
    (r"std::(string|to_string)\b", "string", ()),
    (r"std::string_view\b", "string_view", ("string",)),
    (r"std::(map|multimap)<", "map", ()),
    (r"std::unordered_(multi)?map<", "unordered_map", ()),
    (r"std::set<", "set", ()),
    (r"std::deque<", "deque", ()),
    (r"std::filesystem::", "filesystem", ()),
    (r"std::(system_error|error_code|errc)\b", "system_error", ()),
    (r"std::(condition_variable)\b", "condition_variable", ()),
    (r"std::(shared_mutex|shared_lock)\b", "shared_mutex", ()),
    (r"std::source_location\b", "source_location", ()),
]
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^">]+)[">]', re.M)


def sources():
    found = {}
    for room in ROOMS:
        for folder, _, names in os.walk(os.path.join(SOURCE, room)):
            where = os.path.relpath(folder, SOURCE)
            if where.startswith(SKIPPED):
                continue
            for name in names:
                if name.endswith((".cpp", ".hpp", ".h")):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        found[os.path.join(where, name)] = file.read()
    return found


def standard_headers(path, texts, by_name, seen):
    """What `path` and the project's headers that it includes name of other headers."""
    if path in seen:
        return set()
    seen.add(path)
    headers = set()
    for name in INCLUDE.findall(texts[path]):
        own = os.path.normpath(os.path.join(os.path.dirname(path), name))
        candidates = [own] if own in texts else [
            other for other in by_name.get(os.path.basename(name), ()) if other.endswith("/" + name)]
        if not candidates:
            headers.add(name)
        for other in candidates:
            headers |= standard_headers(other, texts, by_name, seen)
    return headers


def missing(texts):
    by_name = {}
    for path in texts:
        by_name.setdefault(os.path.basename(path), []).append(path)
    for path, text in sorted(texts.items()):
        if path.endswith(".h"):
            continue
        code = re.sub(r"//.*", "", text)
        headers = standard_headers(path, texts, by_name, set())
        for pattern, header, others in ROWS:
            named = re.search(pattern, code)
            if named and not headers & {header, *others}:
                yield f"{path} names {named[0]}: #include <{header}>"


class Includes(unittest.TestCase):
    def test_the_sources(self):
        texts = sources()
        self.assertGreater(len(texts), 200)
        self.assertEqual([], list(missing(texts)))

    def test_what_is_missing_is_found(self):
        texts = {"a/include/a/x.hpp": "#include <cstdint>\n", "a/y.cpp":
                 '#include <a/x.hpp>\nstd::uint32_t n; std::sort(b, e); // std::array\n'}
        self.assertEqual(["a/y.cpp names std::sort: #include <algorithm>"], list(missing(texts)))


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
