# SPDX-License-Identifier: MIT OR Apache-2.0
"""Does the gate of `sokr bench` catch what is slower, and nothing else, on a machine made noisy?

usage: gate_proof.py SOKR GLSLC KERNEL.comp [--runs N] [--mode command|relative|kernel|substrate] [--keep FOLDER]

Runs alternately a kernel against itself, and the same with 5 % more work (more turns of its loop)
against it; --max-regress is 2. Other processes meanwhile keep cores busy, in bursts of random
lengths. `command` measures old and new in turns (--baseline-command). `relative` compares with
baselines that were taken before there was noise, by ratios to the calibration; then every core has
a busy neighbour without pause. `kernel` does so with the kernel that the baseline brings.
`substrate` does so by ratios to lavapipe, with more work on `cpu` alone. Fails unless 95 of 100 slow
runs are caught and no other alarms.
"""
import argparse
import multiprocessing
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

LAUNCH = ["--threads", "1024", "--zero", "0.0=4K"]


def burn(always):
    """Keeps a core busy, for 5 to 300 ms at a time with pauses as long, or without any."""
    while True:
        end = time.monotonic() + random.uniform(0.005, 0.3)
        while time.monotonic() < end:
            pass
        if not always:
            time.sleep(random.uniform(0.005, 0.3))


class Noise:
    def __init__(self, count, always):
        self.burners = [multiprocessing.Process(target=burn, args=(always,), daemon=True)
                        for _ in range(count)]

    def __enter__(self):
        for one in self.burners:
            one.start()

    def __exit__(self, *_):
        for one in self.burners:
            one.kill()


def compile_kernel(glslc, source, folder, turns, wide=0):
    os.makedirs(folder)
    path = os.path.join(folder, "work.spv")
    subprocess.run([glslc, "--target-env=vulkan1.2", "-O", f"-DTURNS={turns}",
                    f"-DWIDE={wide}", source, "-o", path],
                   check=True)
    return path


def alarm(command):
    """What it says where it exits with 3, else nothing; any other end is a failure of the proof."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode not in (0, 3):
        sys.exit(f"{command} failed: {result.stderr}")
    return result.stderr if result.returncode == 3 else ""


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sokr")
    parser.add_argument("glslc")
    parser.add_argument("kernel")
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--mode", choices=("command", "relative", "kernel", "substrate"), default="command")
    parser.add_argument("--keep", help="a folder for the results of all runs")
    flags = parser.parse_args()
    keep = lambda name: (["--json", os.path.join(flags.keep, f"{name}.json")] if flags.keep else [])
    with tempfile.TemporaryDirectory(prefix="sokr-gate-") as folder:
        same = compile_kernel(flags.glslc, flags.kernel, os.path.join(folder, "same"), 2000)
        more = (2000, 100) if flags.mode == "substrate" else (2100, 0)
        slow = compile_kernel(flags.glslc, flags.kernel, os.path.join(folder, "slow"), *more)
        on = ["--on", "cpu,vulkan:0"] if flags.mode == "substrate" else ["--on", "cpu"]
        bench = lambda kernel: [flags.sokr, "bench", kernel, *LAUNCH, *on]
        if flags.mode == "command":
            compare = ["--baseline-command", " ".join(bench(same))]
        else:
            to = {"kernel": "kernel", "relative": "calibration", "substrate": "vulkan:0"}[flags.mode]
            compare = ["--relative-to", to]
            for i in range(1 if to == "kernel" else 5):
                baseline = os.path.join(folder, f"{i}.json")
                subprocess.run(bench(same) + ([] if to == "kernel" else compare[:2]) +
                               ["--json", baseline], check=True, capture_output=True)
                compare += ["--baseline", baseline]
                if flags.keep:
                    shutil.copy(baseline, os.path.join(flags.keep, f"baseline-{i}.json"))
        compare += ["--max-regress", "2"]
        alarms, seconds = {same: 0, slow: 0}, []
        relative = flags.mode != "command"
        with Noise(os.cpu_count() if relative else max(1, os.cpu_count() // 2), relative):
            for run in range(flags.runs):
                for kernel in (same, slow):
                    begin = time.monotonic()
                    said = alarm(bench(kernel) + compare + keep(f"{run}-{kernel == slow:d}"))
                    seconds.append(time.monotonic() - begin)
                    alarms[kernel] += bool(said)
                    if said and kernel == same:
                        print("a false alarm: " + said, end="", flush=True)
                print(f"{run + 1}: {alarms[slow]} of {run + 1} slow ones caught, "
                      f"{alarms[same]} false alarms, {statistics.median(seconds):.1f} s a run",
                      flush=True)
    good = alarms[same] == 0 and alarms[slow] * 100 >= 95 * flags.runs
    print(f"gate-proof {flags.mode}: {'holds' if good else 'does NOT hold'}")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
