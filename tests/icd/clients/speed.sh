#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# How much longer programs that others wrote take on lavapipe than on the Vulkan driver:
# `./dev clients --speed [NAME...]`, after `./dev clients`, which installs them. Each program is run on
# both in turns, each time in a process that finds no compiled kernel on disk and in one that finds what
# the first left there; medians over rounds.
#
# In the first process:
#   llama.first      21 tokens by a model of two layers, all kernels compiled in this time
#   llama.next       the 64 tokens after these
#   waifu.first      a net of waifu2x loaded and run once, 96 x 96, all kernels compiled in this time
#
# In the second:
#   waifu.warm       the same net, after a first run
#   vkfft.1024       four transforms of 1024 x 1024 forward and back
#   iree.matmul_512  a product of matrices of 512 x 512, with its result read
#   halide.blur_2048 a blur of 3 x 3 on 2048 x 2048
#
# usage: speed.sh SOKR WORK_FOLDER [NAME...]      SOKR_CLIENT_ROUNDS (5): rounds
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
sokr=$1 work=$2
shift 2
lavapipe=$(find /usr/local/share/vulkan/icd.d /etc/vulkan/icd.d /usr/share/vulkan/icd.d \
  -name 'lvp_icd*.json' 2>/dev/null | head -1 || true)
[[ -n $lavapipe ]] || { echo "there is no lavapipe (mesa-vulkan-drivers)" >&2; exit 1; }
names=(halide iree vkfft waifu llama)
(($# == 0)) || names=("$@")

# once SIDE NAME: appends "SIDE KEY SECONDS" of both processes.
once() {
  local side=$1 name=$2 caches keys
  caches=$(mktemp -d)
  local settings=(XDG_CACHE_HOME="$caches" MESA_SHADER_CACHE_DIR="$caches" PYTHONDONTWRITEBYTECODE=1)
  local program=("$work/$name/bin/python" "$here/speed.py" "$name")
  if [[ $side == driver ]]; then
    [[ $name != llama ]] || settings+=(SOKR_ICD_DEVICE_TYPE=integrated)  # it passes over processors
    program=("$sokr" icd -- "${program[@]}")
  else
    settings+=(VK_DRIVER_FILES="$lavapipe" VK_ICD_FILENAMES="$lavapipe" GGML_VK_VISIBLE_DEVICES=0)  # or be named
  fi
  for keys in '[a-z]*\.\(first\|next\) ' '[a-z]*\.\(warm\|[a-z_]*[0-9]\+\) '; do
    # Nothing of llama is measured with kernels on disk.
    [[ $name != llama || $keys == *first* ]] || continue
    env "${settings[@]}" timeout "${SOKR_CLIENT_SECONDS:-1800}" "${program[@]}" 2>"$work/speed-$name.log" |
      sed -n "s/^time \($keys\)/$side \1/p" >>"$work/speed.txt" || { rm -rf "$caches"; return 1; }
  done
  rm -rf "$caches"
}

: >"$work/speed.txt"
for name in "${names[@]}"; do
  if [[ ! -x $work/$name/bin/python ]]; then
    echo "$name: not installed: ./dev clients $name"
    continue
  fi
  for ((round = 0; round < ${SOKR_CLIENT_ROUNDS:-5}; ++round)); do
    sides=(driver lavapipe)
    ((round % 2 == 0)) || sides=(lavapipe driver)
    for side in "${sides[@]}"; do
      once "$side" "$name" || echo "$name: failed on $side: $(tail -1 "$work/speed-$name.log")"
    done
  done
done
python3 - "$work/speed.txt" <<'TEXT'
import collections, statistics, sys
times = collections.defaultdict(lambda: collections.defaultdict(list))
for line in open(sys.argv[1]):
    side, key, seconds = line.split()
    times[key][side].append(float(seconds))
for key, sides in times.items():
    medians = {side: statistics.median(values) for side, values in sides.items()}
    text = ", ".join(f"{side} {1e3 * value:.2f} ms" for side, value in medians.items())
    if len(medians) == 2:
        text += f": {medians['lavapipe'] / medians['driver']:.2f} times as long on lavapipe"
    print(f"{key}: {text} ({min(map(len, sides.values()))} rounds)")
TEXT
