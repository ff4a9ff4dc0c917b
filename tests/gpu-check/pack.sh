#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# pack.sh BUILD FOLDER: a folder that checks SOKR on the GPUs of any machine with a Vulkan driver, from
# what was built in BUILD. It brings all libraries but the C library, the Vulkan loader, and the
# validation layer where this machine has one.
set -euo pipefail
(($# == 2)) || { echo "usage: pack.sh BUILD FOLDER" >&2; exit 2; }
build=$(realpath "$1")
[[ ! -e $2 ]] || { [[ -d $2 && -z $(ls -A "$2") ]] || { echo "pack.sh: $2 is not empty" >&2; exit 2; }; }
mkdir -p "$2"
folder=$(realpath "$2")
mkdir -p "$folder"/{bin,lib/{sokr,cxx,loader},share/{tests,layers,sokr/examples}}

copy() {  # FILE TO: without debug information
  cp -L "$1" "$2"
  strip --strip-unneeded "$2" 2>/dev/null || true
}
for program in sokr test_vulkan bench_vulkan; do copy "$build/bin/$program" "$folder/bin/$program"; done
copy "$build/bin/gpu-check" "$folder/gpu-check"
copy "$build/lib/sokr/sokr-vulkan-probe" "$folder/lib/sokr/sokr-vulkan-probe"
for plugin in vulkan ir-spirv; do
  copy "$build/lib/sokr/sokr-$plugin.so" "$folder/lib/sokr/sokr-$plugin.so"
done
cp "$build"/tests/substrates/vulkan/*.spv "$build"/bench/vulkan/*.spv "$folder/share/tests/"
find "$build/shaders" -name '*.spv' -exec cp {} "$folder/share/sokr/examples/" \;

# Every library that these need, but those of the C library, which belong to the system.
{ for file in "$folder"/bin/* "$folder"/lib/sokr/*.so; do ldd "$file"; done; } |
  awk '$3 ~ /^\// { print $1, $3 }' | sort -u | while read -r name path; do
  case $name in
    libc.so.* | libm.so.* | libdl.so.* | librt.so.* | libpthread.so.*) ;;
    libstdc++.so.* | libgcc_s.so.*) copy "$path" "$folder/lib/cxx/$name" ;;
    *) copy "$path" "$folder/lib/$name" ;;
  esac
done
find_library() {
  local path
  path=$(ldconfig -p | awk -v name="$1" '$1 == name { print $NF; exit }')
  [[ -z $path ]] || { echo "$path"; return 0; }
  find /usr/lib /usr/local/lib -name "$1" -print -quit
}
loader=$(find_library libvulkan.so.1)
[[ -z $loader ]] || copy "$loader" "$folder/lib/loader/libvulkan.so.1"
layer=libVkLayer_khronos_validation.so
path=$(find_library "$layer")
manifest=$(find /usr/share/vulkan /usr/local/share/vulkan -name VkLayer_khronos_validation.json \
  -print -quit 2>/dev/null || true)
if [[ -n $path && -n $manifest ]]; then
  copy "$path" "$folder/share/layers/$layer"
  gzip -n -9 "$folder/share/layers/$layer"
  sed "s|\"library_path\": *\"[^\"]*\"|\"library_path\": \"./$layer\"|" "$manifest" \
    >"$folder/share/layers/VkLayer_khronos_validation.json"
else
  echo "pack.sh: no validation layer (vulkan-validationlayers): the tests will say so" >&2
fi
cat >"$folder/README" <<'TEXT'
./gpu-check    checks SOKR on every Vulkan device of this machine, in less than 8 minutes, and leaves
               report.txt (for people) and report.json (for programs) here. It needs a Vulkan driver
               and nothing else, and changes nothing outside this folder.
TEXT
most=60
size=$(du -sm "$folder" | cut -f1)
((size <= most)) || { echo "pack.sh: $folder has $size MiB, more than $most" >&2; exit 1; }
echo "$folder: $size MiB; run gpu-check in it"
