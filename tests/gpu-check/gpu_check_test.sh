#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# gpu_check_test.sh BUILD FOLDER: packs the folder, runs it from an empty one on the device that is here,
# then with programs in it that crash, hang, and print what is no JSON.
set -euo pipefail
here=$(dirname "$(realpath "$0")")
build=$1 folder=$2
rm -rf "$folder" "$folder-out"
"$here/pack.sh" "$build" "$folder"
mkdir "$folder-out"
cd "$folder-out"

fail() { echo "gpu_check: $*" >&2; cat "$folder-out/report.txt" >&2 || true; exit 1; }
# An expression over the report `r`, and its steps by name `s`.
holds() {
  python3 -c "
import json, sys
r = json.load(open('$folder-out/report.json'))
s = {step['name']: step for step in r['steps']}
sys.exit(not ($1))" || fail "not so: $1"
}

# Where the folder has a validation layer, that of this machine is hidden, and its drivers are named.
hidden=()
drivers=$(find /usr/share/vulkan/icd.d -name '*.json' 2>/dev/null | paste -sd:)
if [[ -n $drivers ]] && compgen -G "$folder/share/layers/*.gz" >/dev/null; then
  hidden=(XDG_DATA_DIRS=/nonexistent "VK_DRIVER_FILES=$drivers" "VK_ICD_FILENAMES=$drivers")
fi
env -i HOME=/nonexistent PATH=/usr/bin "${hidden[@]}" SOKR_BENCH_QUICK=1 "$folder/gpu-check" --out "$folder-out" \
  --only 'PhysicalDevice.*:*Staged.*:Validation.*' >run.log || fail "it failed: $(cat run.log)"
holds "r['schema'] == 'sokr.gpu-check/1' and r['failed'] == 0 and r['not run'] == 0"
holds "s['devices']['data']['substrates']"
holds "s['devices, tried in a child process']['result'] == 'passed'"
holds "s['timings']['data']['vulkan.null_dispatch.vs_raw'] > 0"
holds "len([n for n in s if '.' in n]) >= 4"
holds "s['conformance']['data']['schema'].startswith('sokr.check')"
grep -q 'vulkan:0' report.txt || fail "the text names no device"
[[ $(ls) == $'report.json\nreport.txt\nrun.log' ]] || fail "more was left: $(ls)"

printf '#!/bin/sh\nkill -SEGV $$\n' >"$folder/bin/bench_vulkan"
printf '#!/bin/sh\ncase $1 in --version) exit 0;; devices) echo "{ no JSON"; exit 3;; esac\nexec tail -f /dev/null\n' \
  >"$folder/bin/sokr"
status=0
"$folder/gpu-check" --out "$folder-out" --seconds 6 --only 'PhysicalDevice.*' >run.log || status=$?
[[ $status == 1 ]] || fail "exit code $status of a run with failures"
holds "s['timings']['result'].startswith('failed: crashed')"
holds "s['devices']['result'] == 'failed: exit code 3'"
holds "s['conformance']['result'].startswith('failed: did not end')"
holds "s['PhysicalDevice.SaysWhatItIs']['result'].startswith('not run')"
rm "$folder/bin/test_vulkan"
printf '#!/bin/sh\nexit 0\n' >"$folder/bin/sokr"
status=0
"$folder/gpu-check" --out "$folder-out" --only 'PhysicalDevice.*' >run.log || status=$?
[[ $status == 1 ]] || fail "exit code $status without the tests"
holds "s['the list of tests']['result'] == 'failed: exit code 127'"
status=0
"$folder/gpu-check" --seconds nonsense >run.log 2>&1 || status=$?
[[ $status == 2 ]] || fail "exit code $status of a wrong command line"
rm -rf "$folder" "$folder-out"
