# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every rule of docs/contract.md that the core enforces has a test in tests/core named after it.

usage: rules_test.py SOURCE_FOLDER
"""
import glob
import os
import re
import sys

source = sys.argv[1]
with open(os.path.join(source, "docs", "contract.md"), encoding="utf-8") as file:
    rules = re.findall(r"^\| ([A-Z]+-\d+) \|.*\| core \|$", file.read(), re.M)
tests = ""
for path in glob.glob(os.path.join(source, "tests", "core", "*.cpp")):
    with open(path, encoding="utf-8") as file:
        tests += file.read()
missing = [rule for rule in rules
           if not re.search(r"TEST(_F)?\(\w+, %s_" % rule.replace("-", "_"), tests)]
if missing or len(rules) < 20:
    sys.exit(f"of {len(rules)} rules that the core enforces these have no test: {missing}")
print(f"{len(rules)} rules have tests")
