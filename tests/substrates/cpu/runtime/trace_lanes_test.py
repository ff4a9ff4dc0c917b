# SPDX-License-Identifier: MIT OR Apache-2.0
"""trace_lanes_test.py SOKR PLUGIN IR_PLUGIN MEET.spv CLI_TESTS: a launch of two workgroups that wait
for one another is a slice on each of two lanes, inside the dispatch's time, and `sokr trace` says how
the work was spread over them. What was compiled is a slice on the thread that did, once."""
import json
import os
import re
import struct
import subprocess
import sys
import tempfile

SOKR, PLUGIN, IR_PLUGIN, MEET, CLI_TESTS = sys.argv[1:]
sys.path.insert(0, CLI_TESTS)
from trace_rules import trace_faults  # noqa: E402  (it lies with the tests of the command)


def expect(holds, what):
    if not holds:
        sys.exit(f"not as it should be: {what}")


with tempfile.TemporaryDirectory() as folder:
    def path(name):
        return os.path.join(folder, name)

    with open(path("data"), "wb") as file:
        file.write(struct.pack("<4I", 2, 0, 0, 0))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SOKR_")}
    environment.update(SOKR_PLUGIN_PATH=f"{PLUGIN}:{IR_PLUGIN}", SOKR_CPU_THREADS="2",
                       XDG_CACHE_HOME=path("cache"))
    subprocess.run([SOKR, "run", MEET, "--on", "cpu", "--groups", "2", "--in", "0.0=data"],
                   check=True, cwd=folder, env={**environment, "SOKR_TRACE": "t.json"})
    with open(path("t.json"), encoding="utf-8") as file:
        events = json.load(file)
    text = subprocess.run([SOKR, "trace", "t.json"], check=True, cwd=folder, env=environment,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout
print(text)

expect(trace_faults(events) == [], trace_faults(events))
dispatch = next(one for one in events if one["name"] == "dispatch")
complete = next(one for one in events if one["name"] == "complete")
pieces = [one for one in events if one.get("cat") == "workgroups"]
expect(len(pieces) == 2 and len({one["tid"] for one in pieces}) == 2, pieces)
expect(sorted(one["args"]["first_group"] for one in pieces) == [0, 1], pieces)
for piece in pieces:
    expect(piece["name"] == "main" and piece["args"]["group_count"] == 1, piece)
    expect(piece["args"]["token"] == dispatch["args"]["token"], piece)
    expect(dispatch["ts"] <= piece["ts"] and piece["ts"] + piece["dur"] <= complete["ts"], piece)
compilations = [one for one in events if one["name"] == "compile"]
expect(len(compilations) == 1 and compilations[0]["tid"] == dispatch["tid"], compilations)
expect(dispatch["ts"] <= compilations[0]["ts"]
       and compilations[0]["ts"] + compilations[0]["dur"] <= dispatch["ts"] + dispatch["dur"], compilations)
lanes = {one["tid"]: one["args"]["name"] for one in events if one["name"] == "thread_name"}
names = [lanes[piece["tid"]] for piece in pieces]
expect(any(re.fullmatch(r"cpu worker \d+", name) for name in names), names)
for name in names:
    expect(re.search(rf"{name} +1 +[\d.]+ .?s +\d+ %", text), name)
expect(re.search(r"cpu: while workgroups ran, [12]\.\d\d of 2 threads worked on average; the busiest "
                 r"did [12]\.\d\d times its part", text), "the sentence")
