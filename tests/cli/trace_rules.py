# SPDX-License-Identifier: MIT OR Apache-2.0
"""The rules of Chrome's trace format, as its viewers apply them."""


def trace_faults(events):
    """What of these events is against the rules of Chrome's trace format, as its viewers apply them."""
    faults, lanes, named, open_flows = [], {}, set(), {}
    processes = {event.get("pid") for event in events}
    if len(processes) != 1 or not all(isinstance(pid, int) for pid in processes):
        faults.append(f"processes {processes}")
    for event in events:
        kind = event.get("ph")
        if kind not in ("M", "X", "i", "s", "f") or not isinstance(event.get("name"), str):
            faults.append(f"of no kind: {event}")
        elif kind == "M":
            if event["name"] == "thread_name":
                named.add(event["tid"])
        elif not isinstance(event.get("tid"), int) or not isinstance(event.get("ts"), (int, float)):
            faults.append(f"no thread or time: {event}")
        elif event["tid"] not in named:
            faults.append(f"a thread without a name before it: {event}")
        elif kind == "X":
            lanes.setdefault(event["tid"], []).append((event["ts"], event["ts"] + event["dur"]))
            if event["dur"] < 0:
                faults.append(f"ends before it begins: {event}")
    near = 0.0015  # times have three digits behind the point
    for tid, slices in lanes.items():
        around = []
        for begin, end in sorted(slices, key=lambda one: (one[0], -one[1])):
            while around and around[-1] <= begin + near:
                around.pop()
            if around and end > around[-1] + near:
                faults.append(f"slices of {tid} overlap, and none is inside the other: {begin} {end}")
            around.append(end)
    for event in events:
        if event["ph"] not in "sf":
            continue
        # An arrow is between slices that are around its ends ("bp": "e" at the second).
        if not any(begin - near <= event["ts"] <= end + near
                   for begin, end in lanes.get(event["tid"], ())):
            faults.append(f"an arrow's end that is in no slice: {event}")
        key = (event["cat"], event["name"], event["id"])
        if event["ph"] == "s":
            if key in open_flows:
                faults.append(f"two arrows of one name: {event}")
            open_flows[key] = event["ts"]
        elif event.get("bp") != "e" or open_flows.pop(key, float("inf")) > event["ts"]:
            faults.append(f"an arrow that ends before it begins: {event}")
    return faults
