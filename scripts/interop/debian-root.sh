#!/usr/bin/env bash
# Packages from Debian, unpacked into a folder of their own with everything that they need, the C library included, so that
# the machine's own packages stay as they are and no root is needed. Prints the folder.
#
#   scripts/interop/debian-root.sh PACKAGE...     one line on stdout: the folder; progress goes to stderr
#
# Its programs run under its own dynamic linker: see debian.mjs. The folder appears by one rename, so it is whole or absent.
set -euo pipefail

suite=${INTEROP_SUITE:-trixie}
packages=$*

start=$SECONDS
say() { printf '[debian %3ds] %s\n' "$((SECONDS - start))" "$*" >&2; }
die() { say "$*"; exit 1; }
need() { command -v "$1" >/dev/null || die "needs $1: apt-get install -y $2"; }

# shellcheck source=../lib/apt.sh
. "$(dirname "${BASH_SOURCE[0]}")/../lib/apt.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/node-mvfst/interop
key=$(echo "$suite $packages $(uname -m)" | sha256sum | cut -c1-12)
prefix=$cache/debian-$key
if [ -f "$prefix/.ok" ]; then echo "$prefix"; exit 0; fi

need flock util-linux
need dpkg-deb dpkg
mkdir -p "$cache"
exec 9>"$prefix.lock"
flock 9
if [ -f "$prefix/.ok" ]; then echo "$prefix"; exit 0; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/node-mvfst-debian.XXXXXX")
trap 'rm -rf "$work" "$prefix.new.$$"' EXIT
log=$prefix.log
: >"$log"
prepare_apt "$suite" || { tail -n 20 "$log" >&2; die "the package index of $suite could not be read"; }

# As if nothing were installed: every library comes from the same suite.
: >"$work/status"
say "fetching $packages and what they need"
# shellcheck disable=SC2086
apt-get -q -y --no-install-recommends --download-only -o Dir::State::status="$work/status" install $packages >>"$log" 2>&1 ||
  { tail -n 20 "$log" >&2; die "the packages could not be fetched, log: $log"; }
say "unpacking $(find "$work/apt/cache/archives" -name '*.deb' | wc -l) packages"
mkdir "$prefix.new.$$"
for package in "$work"/apt/cache/archives/*.deb; do
  dpkg-deb -x "$package" "$prefix.new.$$"
  dpkg-deb -f "$package" Package Version | sed -n 's/^[^:]*: //p' | paste -sd' ' >>"$prefix.new.$$/versions.txt"
done
# Never needed by programs that run here; the last are drivers of graphics cards.
rm -rf "$prefix.new.$$"/usr/share/{doc,man,locale,info} "$prefix.new.$$"/var/log "$prefix.new.$$"/usr/lib/*/{libLLVM,libgallium,dri}*
touch "$prefix.new.$$/.ok"
rm -rf "$prefix"
mv "$prefix.new.$$" "$prefix"
say "ready: $prefix"
echo "$prefix"
