#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the filetests of a folder: run.py SOKR-CPU-COMPILE FILECHECK FOLDER [NAME...]

A test is a kernel in SPIR-V's assembly text. In its comments stand

  ; RUN: FLAGS          the flags of sokr-cpu-compile; what it prints is given to FileCheck
  ; RUN[NAME]: FLAGS    the same, with the lines NAME:, NAME-NEXT: and so on instead of CHECK:
  ; OFF: PART           without this part of the compiler (sokr-cpu-compile --without=PART) at least
                        one of the runs must not find what it looks for: who leaves the part out by
                        mistake is told so
"""
import pathlib
import re
import shlex
import subprocess
import sys

RUN = re.compile(r";\s*RUN(?:\[(\w+)\])?:\s*(.*)")
OFF = re.compile(r";\s*OFF:\s*(\S+)")
SECONDS = 60


def compile_kernel(compiler, path, flags):
    return subprocess.run([compiler, *flags, str(path)], capture_output=True, text=True,
                          timeout=SECONDS, check=False)


def checked(filecheck, path, prefix, text):
    return subprocess.run([filecheck, f"--check-prefix={prefix}", "--dump-input=fail",
                           "--allow-empty", str(path)],
                          input=text, capture_output=True, text=True, timeout=SECONDS, check=False)


def failures_of(compiler, filecheck, path):
    source = path.read_text()
    runs = [(found[1] or "CHECK", shlex.split(found[2])) for found in RUN.finditer(source)]
    if not runs:
        return [f"{path}: no line says '; RUN: FLAGS'"]
    failures = []
    for prefix, flags in runs:
        result = compile_kernel(compiler, path, flags)
        if result.returncode != 0:
            failures.append(f"{path}: {shlex.join(flags)}: {result.stderr}")
            continue
        found = checked(filecheck, path, prefix, result.stdout)
        if found.returncode != 0:
            failures.append(f"{path}: {shlex.join(flags)}:\n{found.stderr}")
    if failures:
        return failures
    for part in OFF.findall(source):
        texts = [(prefix, compile_kernel(compiler, path, [*flags, f"--without={part}"]))
                 for prefix, flags in runs]
        failures += [f"{path}: without {part}: {result.stderr}" for _, result in texts
                     if result.returncode != 0]
        if all(checked(filecheck, path, prefix, result.stdout).returncode == 0
               for prefix, result in texts):
            failures.append(f"{path}: finds all that it looks for without {part}, too")
    return failures


def main():
    compiler, filecheck, folder, *names = sys.argv[1:]
    tests = sorted(pathlib.Path(folder).glob("*.spvasm"))
    tests = [test for test in tests if not names or test.stem in names]
    if not tests:
        sys.exit(f"{folder}: no tests")
    failures = [text for test in tests for text in failures_of(compiler, filecheck, test)]
    print("\n".join(failures) or f"{len(tests)} tests")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
