#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The first commands of the README on bare systems.
#
#   bare_test.sh [bookworm|trixie|noble]...      default: all three, one after the other
#
# For each system a minimal root is made by debootstrap and kept; the committed state of the tree
# is cloned into a fresh copy of it, and in_root.sh runs there. Needs root (chroot, mounts; both in
# namespaces of their own) and the archives of the distributions. What cannot be made is named as
# left out; if that is one that was asked for by name, the test fails.
#
#   SOKR_BARE_CACHE    where roots, packages and logs are kept ($XDG_CACHE_HOME/sokr-bare)
#   SOKR_BARE_DEBIAN   mirror of Debian; default: the first of this machine's apt sources that is one
#   SOKR_BARE_UBUNTU   mirror of Ubuntu; default: likewise, else what debootstrap has for it
#   SOKR_BARE_CCACHE   a ccache folder that the runs share; default: one in the cache for each
#                      system, if there is a ccache here; 0: none
#   SOKR_BARE_FLAGS    more flags for cmake, such as -DCMAKE_CXX_FLAGS_RELEASE=-O0
#   SOKR_BARE_PACKAGE  the folder of the packages; default: one in the cache, where bookworm puts those
#                      that it makes. One with others tries these: SOKR_BARE_STEPS="tarball deb"
#   SOKR_BARE_STEPS    only these steps of in_root.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(git -C "$here" rev-parse --show-toplevel)
cache=${SOKR_BARE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/sokr-bare}
packages=${SOKR_BARE_PACKAGE:-$cache/package}
systems=(bookworm trixie noble)

say() { printf 'bare: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }

distribution_of() {
  case $1 in
    bookworm | trixie) echo Debian ;;
    noble) echo Ubuntu ;;
    *) die "unknown system '$1'; there are: ${systems[*]}" ;;
  esac
}

# The archives of a distribution that apt here uses: "URI RELEASE" lines.
archives_here() {
  apt-get indextargets --format '$(ORIGIN) $(REPO_URI) $(RELEASE)' 'Identifier: Packages' 2>/dev/null |
    awk -v origin="$1" '$1 == origin && !seen[$2 $3]++ { print $2, $3 }'
}

# The mirror of a distribution, or nothing.
mirror_of() {
  local override=SOKR_BARE_${1^^}
  [[ -z ${!override:-} ]] || { echo "${!override}"; return; }
  archives_here "$1" | awk '$2 !~ /security/ { print $1; exit }'
}

# What apt here was told about how to reach archives: proxies, certificates, clocks.
apt_settings() { apt-config dump | grep -E '^Acquire::(http|https|Check)[^ ]* ".' || true; }

# What a root shares with this machine: name resolution, certificates, settings of apt.
carry_in() {
  local root=$1 certificates=/etc/ssl/certs/ca-certificates.crt
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
  apt_settings >"$root/etc/apt/apt.conf.d/99bare"
  if [[ -r $certificates ]]; then
    mkdir -p "$root/etc/ssl/certs"
    cp -L "$certificates" "$root$certificates"
  fi
}

# inside ROOT COMMAND...: in namespaces of its own, so that no mount and no process outlives it.
# Folders of the cache are mounted into it: BIND is a list of FOLDER=PLACE.
inside() {
  local root=$1 bind
  shift
  # shellcheck disable=SC2016
  BIND=${BIND:-} unshare --mount --pid --fork --kill-child bash -c '
    set -e
    root=$1
    shift
    mount --make-rprivate /
    mount -t proc proc "$root/proc"
    mount --rbind /sys "$root/sys"
    mount --rbind /dev "$root/dev"
    mount -t tmpfs tmpfs "$root/run"
    for bind in $BIND; do
      mkdir -p "${bind%%=*}" "$root${bind#*=}"
      mount --bind "${bind%%=*}" "$root${bind#*=}"
    done
    exec chroot "$root" /usr/bin/env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
      HOME=/root LANG=C.UTF-8 TERM=dumb SOKR_CMAKE_FLAGS="${SOKR_BARE_FLAGS:-}" ${http_proxy:+http_proxy="$http_proxy"} \
      ${https_proxy:+https_proxy="$https_proxy"} "$@"' bash "$root" "$@"
}

# debootstrap SYSTEM FOLDER, with its keyring and script of this machine or, where those are
# missing, from inside a Debian that has them.
bootstrap() {
  local system=$1 folder=$2 mirror helper
  mirror=$(mirror_of "$(distribution_of "$system")")
  local keyring=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ $system != noble ]] || keyring=/usr/share/keyrings/ubuntu-archive-keyring.gpg
  if [[ -r $keyring && -e /usr/share/debootstrap/scripts/$system ]]; then
    debootstrap --variant=minbase --keyring="$keyring" "$system" "$folder" ${mirror:+"$mirror"}
    return
  fi
  [[ $system == noble ]] || return 1
  base trixie || return 1
  helper=$cache/helper.run
  rm -rf "$helper"
  cp -a "$cache/trixie.base" "$helper"
  mkdir -p "$folder"
  # shellcheck disable=SC2016
  BIND="$folder=/made" inside "$helper" bash -ec '
    apt-get -qq update
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends debootstrap ubuntu-keyring
    debootstrap --variant=minbase --keyring="$1" "$2" /made ${3:+"$3"}' bash "$keyring" "$system" "$mirror"
  rm -rf "$helper"
}

# The suites of a root: its distribution's main archive, updates and security.
sources_of() {
  local system=$1 root=$2 mirror
  mirror=$(awk '$1 == "deb" { print $2; exit }' "$root/etc/apt/sources.list")
  if [[ $(distribution_of "$system") == Ubuntu ]]; then
    printf 'deb %s %s main universe\n' "$mirror" "$system" "$mirror" "$system-updates"
    return
  fi
  printf 'deb %s %s main\n' "$mirror" "$system" "$mirror" "$system-updates"
  archives_here Debian |
    awk -v name="$system" '$2 ~ /-security/ { print "deb", $1, name "-security main"; exit }'
}

# Makes the root that copies are taken of; false if that is not possible.
base() {
  local system=$1 made=$cache/$1.base making=$cache/$1.making sources
  [[ ! -e $made/.complete ]] || return 0
  say "$system: making a bare root; log in $cache/$system.base.log"
  rm -rf "$made" "$making"
  bootstrap "$system" "$making" >"$cache/$system.base.log" 2>&1 || return 1
  carry_in "$making"
  sources=$(sources_of "$system" "$making")
  echo "$sources" >"$making/etc/apt/sources.list"
  rm -rf "$making"/var/lib/apt/lists/*
  touch "$making/.complete"
  mv "$making" "$made"
}

# run SYSTEM KIND STEP...: steps in a fresh root; a `tree` has the tree in it, a `package` only what
# was packed before.
run() {
  local system=$1 kind=$2 root=$cache/$1.run status=0 ccache=""
  shift 2
  rm -rf "$root"
  cp -a --reflink=auto "$cache/$system.base" "$root"
  carry_in "$root"
  chmod 755 "$root"
  mkdir -p "$root/bare" "$cache/package"
  cp "$here"/in_root.sh "$root/bare/"
  cp -r "$tree/tests/install" "$root/bare/consumers"
  if [[ $kind == tree ]]; then
    git clone -q --no-hardlinks "$tree" "$root/srv/sokr"
    if [[ ${SOKR_BARE_CCACHE:-} != 0 ]] && command -v ccache >/dev/null; then
      ccache=${SOKR_BARE_CCACHE:-$cache/$system.ccache}=/bare/ccache
    fi
  fi
  BIND="$cache/$system.debs=/var/cache/apt/archives $packages=/bare/package $ccache" \
    inside "$root" bash /bare/in_root.sh "$system" "$@" || status=$?
  rm -rf "$root"
  return "$status"
}

# The steps of a root with the tree, then those of a root with what was packed, which the oldest
# system makes and all try.
run_all() {
  local system=$1 step in_tree=() in_package=()
  local steps="refused_without_rights demo_as_root install_as_root consumers"
  [[ $system != bookworm ]] || steps+=" package"
  for step in ${SOKR_BARE_STEPS:-$steps other_llvms demo_as_user install_as_user tarball deb}; do
    case $step in
      tarball | deb) in_package+=("$step") ;;
      *) in_tree+=("$step") ;;
    esac
  done
  if ((${#in_tree[@]})); then run "$system" tree "${in_tree[@]}" || return 1; fi
  ((${#in_package[@]})) || return 0
  if ! compgen -G "$packages/*" >/dev/null; then
    echo "bare: $system: no packages to try: bookworm makes them"
    return 1
  fi
  run "$system" package "${in_package[@]}"
}

((EUID == 0)) || die "this needs root: it makes roots of its own and changes into them"
command -v debootstrap >/dev/null || die "debootstrap is missing: the package of the same name"
mkdir -p "$cache" "$packages"
exec 9>"$cache/lock"
flock --nonblock 9 || die "another run is using $cache"
wanted=("$@")
((${#wanted[@]})) || wanted=("${systems[@]}")
for system in "${wanted[@]}"; do distribution_of "$system" >/dev/null; done
git -C "$tree" diff --quiet HEAD || say "uncommitted changes are not in what is tested: $(git -C "$tree" rev-parse --short HEAD)"

passed=0 failed=0 left_out=0
for system in "${wanted[@]}"; do
  if ! base "$system"; then
    say "$system is left out: its root cannot be made: $(tail -n 1 "$cache/$system.base.log")"
    left_out=$((left_out + 1))
    continue
  fi
  say "$system: running; log in $cache/$system.log"
  begin=$SECONDS
  if run_all "$system" > >(tee "$cache/$system.log" | grep --line-buffered '^bare: ' >&2) 2>&1; then
    passed=$((passed + 1))
    say "$system passed in $(((SECONDS - begin) / 60)) minutes"
  else
    failed=$((failed + 1))
    tail -n 40 "$cache/$system.log" >&2
    say "$system FAILED; the end of its log is above"
  fi
done
echo "$passed passed, $failed failed, $left_out skipped"
((failed == 0 && passed > 0 && (left_out == 0 || $# == 0)))
