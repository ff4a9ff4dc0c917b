#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Runs inside a bare root, where bare_test.sh has put it, the tree (/srv/sokr), the consumers
# (/bare/consumers) and a folder for packages (/bare/package): in_root.sh SYSTEM STEP...
set -euo pipefail
system=$1
shift
steps=("$@")
tree=/srv/sokr

say() { printf 'bare: %s: %s\n' "$system" "$*" >&2; }
die() { say "FAILED: $*"; exit 1; }

# Runs a command as a user who has no rights. What ccache does not have, or cannot keep, is compiled by
# way of a temporary file.
as_user() {
  id somebody >/dev/null 2>&1 || useradd --create-home somebody
  setpriv --reuid somebody --regid somebody --init-groups \
    env HOME=/home/somebody CCACHE_READONLY=1 CCACHE_TEMPDIR=/home/somebody/ccache "$@"
}

# Compiled objects are taken from former runs; ccache itself changes nothing that the build sees.
use_ccache() {
  [[ -d /bare/ccache ]] || return 0
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends ccache >/dev/null
  export CCACHE_DIR=/bare/ccache CCACHE_BASEDIR=/srv CCACHE_NOHASHDIR=1
}

# The table of the demo names every substrate that the machine can have, and each agrees.
check_demo() {
  local output=$1 folder=$2 substrate
  for substrate in cpu vulkan:0 reference; do
    grep -q "^$substrate " "$output" || die "the demo has no line of $substrate"
  done
  ! grep -q 'NO: ' "$output" || die "substrates disagree"
  [[ -s $folder/before.png && -s $folder/after.png ]] || die "the demo wrote no pictures"
}

# A user without sudo hears in one line what is missing, and nothing is made.
refused_without_rights() {
  local output=/tmp/refused.txt
  ! (cd "$tree" && as_user ./dev demo) >"$output" 2>&1 || die "a bare system had all packages"
  [[ $(wc -l <"$output") == 1 && $(<"$output") == "dev: missing packages: cmake "*"; run as root"* ]] ||
    die "not the one sentence: $(<"$output")"
  [[ ! -e $tree/build ]] || die "a refused command left a build folder"
}

# What a command writes is kept in a file, and shown if it fails.
keep_output() {
  local output=$1
  shift
  "$@" >"$output" || { tail -n 60 "$output"; die "'$*' failed"; }
}

demo_as_root() {
  (cd "$tree" && keep_output /tmp/demo.txt ./dev demo /tmp/demo)
  cat /tmp/demo.txt
  check_demo /tmp/demo.txt /tmp/demo
}

install_as_root() { (cd "$tree" && ./dev install /opt/sokr); }

# consumers [PREFIX [AS]]: C and C++ projects that know the prefix only, and the command.
consumers() {
  local prefix=${1:-/opt/sokr} work=/tmp/consumers library as=${2:-env}
  rm -rf "$work"
  # What somebody who builds programs has. The default generator of cmake needs make.
  apt-get -qq install -y --no-install-recommends g++ cmake make pkg-config >/dev/null
  library=$(dirname "$(find "$prefix" -name libsokr-core.so | head -n 1)")
  for project in c_core cpp_host; do
    "$as" cmake -S "/bare/consumers/$project" -B "$work/$project" -DCMAKE_PREFIX_PATH="$prefix"
    "$as" cmake --build "$work/$project"
  done
  for program in shared static; do
    [[ $("$work/c_core/$program") == "core "* ]] || die "the C consumer ($program) does not run"
  done
  # shellcheck disable=SC2046
  "$as" cc -std=c99 "/bare/consumers/c_host.c" -o "$work/c_host" \
    $(PKG_CONFIG_PATH=$library/pkgconfig pkg-config --cflags --libs sokr)
  local plugin=$work/c_core/libnull_c.so
  [[ $("$work/cpp_host/consumer" "$plugin") == *null* ]] || die "the C++ consumer does not run"
  [[ $(LD_LIBRARY_PATH=$library "$work/c_host" "$plugin") == *"null: "* ]] ||
    die "the C host consumer does not run"
  for substrate in cpu vulkan:0 reference; do
    "$as" "$prefix/bin/sokr" devices | grep -q "^$substrate " || die "no $substrate in $prefix"
  done
}

# The versions of LLVM that the system has beside the one that a build takes: the compiler is built
# with each of them, and its plugin agrees with the other substrates and keeps the rules.
other_llvms() {
  local version taken other plugin none=1
  taken=$(sed -n 's|^LLVM_DIR:.*/llvm-\([0-9]*\)/.*|\1|p' "$tree/build/release/CMakeCache.txt")
  for version in 18 19 20 21 22; do
    if [[ $version == "$taken" ]] || ! apt-cache show "llvm-$version-dev" >/dev/null 2>&1; then
      continue
    fi
    none=0
    say "LLVM $version, where LLVM $taken is taken"
    apt-get -qq install -y --no-install-recommends "llvm-$version-dev" >/dev/null
    other=/srv/llvm-$version
    mkdir "$other"
    tar -C "$tree" --exclude=./build -cf - . | tar -C "$other" -xf -  # git is no part of the system
    (cd "$other" && keep_output /tmp/demo_llvm.txt env \
      SOKR_CMAKE_FLAGS="${SOKR_CMAKE_FLAGS:-} -DLLVM_DIR=/usr/lib/llvm-$version/lib/cmake/llvm" ./dev demo /tmp/demo_llvm)
    grep -q "^LLVM_DIR:.*/llvm-$version/" "$other/build/release/CMakeCache.txt" ||
      die "the build did not take LLVM $version"
    cat /tmp/demo_llvm.txt
    check_demo /tmp/demo_llvm.txt /tmp/demo_llvm
    plugin=$other/build/release/lib/sokr/sokr-cpu.so
    env SOKR_CACHE_DIR= "$other/build/release/bin/sokr" check "$plugin"
  done
  ((none == 0)) || say "there is no other LLVM that the build knows"
}

demo_as_user() {
  rm -rf "$tree/build"
  chown -R somebody: "$tree"
  (cd "$tree" && keep_output /tmp/demo_user.txt as_user ./dev demo /tmp/demo_user)
  check_demo /tmp/demo_user.txt /tmp/demo_user
}

install_as_user() {
  (cd "$tree" && as_user ./dev install /home/somebody/sokr)
  consumers /home/somebody/sokr as_user
}

# The packages, for the roots that have nothing else.
package() {
  (cd "$tree" && ./dev package)
  rm -f /bare/package/*
  cp "$tree"/build/release/package/*.tar.gz "$tree"/build/release/package/*.deb /bare/package/
}

# The commands of the README as they stand there, by a user, with the given sokr in PATH.
readme_commands() {
  local programs=$1 readme=$2
  rm -rf /tmp/readme
  as_user mkdir /tmp/readme
  (cd /tmp/readme && sh /bare/consumers/readme_commands.sh "$readme" |
    as_user env PATH="$programs:$PATH" sh -e)
  # 3 x + y, x = 0, 1, ..., y = 1
  [[ $(od -An -j 128 -N 12 -t f4 /tmp/readme/examples/result.npy | xargs) == "1 4 7" ]] ||
    die "the README's saxpy has a wrong result"
}

# wgsl_on FOLDER SUBSTRATE...: WGSL, as a text, on each, where the package has the plugin for it.
# FOLDER has bin and share.
wgsl_on() {
  local folder=$1 examples=$1/share/sokr/examples substrate
  shift
  if [[ -z $(find "$folder" -name sokr-ir-wgsl.so) ]]; then
    say "no WGSL: cargo was not there when the package was made"
    return
  fi
  rm -rf /tmp/wgsl
  as_user mkdir /tmp/wgsl
  for substrate in "$@"; do
    as_user "$folder/bin/sokr" run "$examples/saxpy.wgsl" --on "$substrate" --threads 1000000 \
      --push u32:1000000,f32:3 --in "0.0=$examples/x.npy" --in "0.1=$examples/y.npy" \
      --out "0.1=/tmp/wgsl/$substrate.npy:f32"
    [[ $(od -An -j 128 -N 12 -t f4 "/tmp/wgsl/$substrate.npy" | xargs) == "1 4 7" ]] ||
      die "WGSL has a wrong result on $substrate"
    say "WGSL runs on $substrate"
  done
}

# Every plugin of the package keeps the rules, with what came in the package.
check_plugins() {
  local folder=$1 plugin
  while IFS= read -r plugin; do
    as_user env SOKR_CACHE_DIR= "$folder/bin/sokr" check "$plugin"
  done < <(find "$folder" -path '*/sokr/sokr-*.so' ! -name sokr-vulkan.so)
}

# A system that has the tarball and nothing that it did not come with.
tarball() {
  local folder
  mkdir -p "/opt/un packed"
  tar -xf /bare/package/*.tar.gz -C "/opt/un packed"
  folder=$(echo "/opt/un packed"/*)
  readme_commands "$folder/bin" "$folder/share/doc/sokr/README.md"
  for substrate in cpu reference; do
    as_user "$folder/bin/sokr" devices | grep -q "^$substrate " || die "the tarball has no $substrate"
  done
  wgsl_on "$folder" cpu reference
  check_plugins "$folder"
  # With a Vulkan driver, which a system brings and no package of ours.
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends libvulkan1 mesa-vulkan-drivers >/dev/null
  wgsl_on "$folder" vulkan:0
}

deb() {
  apt-get -qq update
  apt-get -qq install -y /bare/package/*.deb >/dev/null
  readme_commands /usr/bin /usr/share/doc/sokr/README.md
  as_user sokr devices | grep -q "^vulkan:0 " || die "with what the package recommends, no vulkan:0"
  wgsl_on /usr cpu reference vulkan:0
  consumers /usr
}

for step in "${steps[@]}"; do
  begin=$SECONDS
  "$step"
  say "$step ok in $((SECONDS - begin)) s"
  # The first step sees the system as it comes.
  [[ $step != refused_without_rights ]] || use_ccache
done
