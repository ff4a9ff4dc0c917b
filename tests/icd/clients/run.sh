#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Programs that others wrote, on the Vulkan driver: `./dev clients [NAME...]`. Each is installed by
# its package names into a virtual environment of its own; what a registry does not serve is named
# and left out. A client prints "ok" for each thing that came out right.
#
# usage: run.sh SOKR WORK_FOLDER [NAME...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sokr=$1 work=$2
shift 2

# NAME | packages | what it needs to be told
clients="halide | halide numpy |
vkfft   | vkdispatch vkdispatch-vulkan-native numpy | SOKR_ICD_DEVICE_TYPE=integrated
ncnn    | ncnn numpy |
iree    | iree-base-compiler iree-base-runtime numpy |
wgpu    | wgpu numpy | SOKR_ICD_GRAPHICS=claim
llama   | cyllama-vulkan gguf numpy | SOKR_ICD_DEVICE_TYPE=integrated"

mkdir -p "$work"
failed=0
while IFS='|' read -r name packages settings; do
  name=${name// /}
  [[ $# == 0 || " $* " == *" $name "* ]] || continue
  place=$work/$name
  # shellcheck disable=SC2086
  if [[ ! -x $place/bin/python ]] && ! { python3 -m venv "$place" &&
    "$place/bin/pip" install -q $packages; } >"$work/$name-install.log" 2>&1; then
    rm -rf "$place"
    echo "$name: left out, its packages cannot be installed: $(tail -1 "$work/$name-install.log")"
    continue
  fi
  start=$SECONDS
  # shellcheck disable=SC2086
  if env $settings timeout "${SOKR_CLIENT_SECONDS:-900}" "$sokr" icd -- \
    "$place/bin/python" "$here/${name}_client.py" >"$work/$name.log" 2>&1; then
    echo "$name: $(grep -c '^ok' "$work/$name.log") right in $((SECONDS - start)) s"
  else
    failed=1
    echo "$name: FAILED after $((SECONDS - start)) s; $work/$name.log ends with:"
    tail -3 "$work/$name.log" | sed 's/^/    /'
  fi
done <<<"$clients"
exit "$failed"
