#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""trace_test.py PROGRAM PLUGIN VERSION: runs host_program with SOKR_TRACE. A plugin of 1.2 or later
tells the host's trace of its launch; an older one, whose structures end before that, just runs."""
import json
import os
import subprocess
import sys
import tempfile

PROGRAM, PLUGIN, VERSION = sys.argv[1:]
SLICES = 0 if VERSION in ("1.0", "1.1") else 1

with tempfile.TemporaryDirectory() as folder:
    trace = os.path.join(folder, "trace.json")
    subprocess.run([PROGRAM, PLUGIN], check=True, env={**os.environ, "SOKR_TRACE": trace})
    # The first event begins the file.
    events = []
    if os.path.exists(trace):
        with open(trace, encoding="utf-8") as file:
            events = json.load(file)
pieces = [one for one in events if one.get("cat") == "workgroups"]
if len(pieces) != SLICES:
    sys.exit(f"{VERSION}: {len(pieces)} slices, expected {SLICES}: {events}")
lanes = {one["tid"]: one["args"]["name"] for one in events if one["name"] == "thread_name"}
for piece in pieces:
    token = int(piece["args"].pop("token"), 16)
    if piece["args"] != {"substrate": "abi:0", "first_group": 0, "group_count": 1}:
        sys.exit(f"{VERSION}: not what it told: {piece}")
    if piece["name"] != "add" or piece["dur"] != 1.0 or token >> 48 == 0 or token & 0xFFFFFFFFFFFF != 1:
        sys.exit(f"{VERSION}: not what it told: {piece}, token {token:x}")
    # It named no thread, so that it is the program's.
    if lanes[piece["tid"]] != "main thread":
        sys.exit(f"{VERSION}: on a lane {lanes[piece['tid']]}")
print(f"{VERSION}: {len(pieces)} slices")
