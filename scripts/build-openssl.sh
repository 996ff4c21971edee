#!/usr/bin/env bash
# Prints the prefix of a static, position-independent OpenSSL >= 3.5, and builds it when there is none.
#
#   scripts/build-openssl.sh            prints one line on stdout: the prefix; progress goes to stderr
#
# In this order, the first that answers wins:
#   1. OPENSSL_ROOT=<prefix>            taken as it is
#   2. the cache                        ${XDG_CACHE_HOME:-$HOME/.cache}/node-mvfst/openssl/<key>
#   3. the system's OpenSSL             pkg-config says >= 3.5 and its libssl.a and libcrypto.a are there
#   4. a build from source              OPENSSL_TARBALL=<file>, or the distribution's own source package (about 2 CPU minutes)
#   5. the distribution's static .a     from its newer libssl-dev package; bigger and not tuned, but needs no build
#
#   NODE_MVFST_OPENSSL=auto             (default) all of the above
#                      system           3 or fail
#                      source           2 or 4 or fail
#                      binary           5 or fail
#   OPENSSL_SERIES=3.5  OPENSSL_SUITES="trixie"     which release series, and from which suites of the distribution
#
# The key names everything that shapes the result: series, options, flags, compiler, architecture. The prefix appears by one
# rename, so it is whole or absent; a lock makes runs at the same time wait for one build.
set -euo pipefail

series=${OPENSSL_SERIES:-3.5}
mode=${NODE_MVFST_OPENSSL:-auto}
start=$SECONDS

# Only TLS 1.3 and what QUIC needs of it. no-quic leaves out OpenSSL's own QUIC, not the callbacks for other QUIC stacks.
options="no-shared no-apps no-tests no-docs no-module no-dso no-engine no-legacy
 no-dtls no-ssl3 no-tls1 no-tls1_1 no-tls1_2 no-quic no-dgram no-sock no-http no-ocsp no-ct no-ts no-cms no-cmp
 no-comp no-srp no-srtp no-psk no-nextprotoneg no-gost no-async no-autoload-config no-atexit no-thread-pool
 no-default-thread-pool no-ui-console no-secure-memory no-rfc3779 no-multiblock no-ssl-trace no-tls-deprecated-ec
 no-integrity-only-ciphers no-dsa no-dh no-ec2m no-sm2 no-sm3 no-sm4 no-aria no-bf no-blake2 no-camellia no-cast
 no-des no-idea no-md4 no-mdc2 no-ocb no-rc2 no-rc4 no-rc5 no-rmd160 no-scrypt no-argon2 no-seed no-siphash no-siv
 no-whirlpool no-ml-dsa no-slh-dsa no-cmac no-uplink no-filenames"
flags="-fPIC -fvisibility=hidden -ffunction-sections -fdata-sections"
machine=$(uname -m)
case $machine in x86_64 | aarch64) options="$options enable-ec_nistp_64_gcc_128" ;; esac

say() { printf '[openssl %3ds] %s\n' "$((SECONDS - start))" "$*" >&2; }
die() { say "$*"; exit 1; }
need() { command -v "$1" >/dev/null || die "needs $1: apt-get install -y $2"; }

static_libraries_in() {  # prefix: are both static libraries somewhere below it?
  local dir
  for dir in "$1/lib" "$1/lib64" "$1/lib/$machine-linux-gnu"; do
    if [ -f "$dir/libssl.a" ] && [ -f "$dir/libcrypto.a" ]; then return 0; fi
  done
  return 1
}

system_prefix() {
  command -v pkg-config >/dev/null || return 1
  pkg-config --atleast-version="$series" openssl || return 1
  local prefix
  prefix=$(pkg-config --variable=prefix openssl)
  static_libraries_in "$prefix" || return 1
  echo "$prefix"
}

# ---- where the distribution keeps its packages: read from the machine's own apt sources -------------------------------------

# shellcheck source=lib/debian.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib/debian.sh"

default_suites() {
  if [ -n "$(apt_uri '/debian$')" ]; then echo trixie; else echo resolute questing; fi
}

# ---- source -----------------------------------------------------------------------------------------------------------------

fetch_source() {  # leaves the tree in $work/tree
  if [ -n "${OPENSSL_TARBALL:-}" ]; then
    mkdir -p "$work/tree"
    tar -xf "$OPENSSL_TARBALL" -C "$work/tree" --strip-components=1
    version=$(basename "$OPENSSL_TARBALL")
    return 0
  fi
  need dpkg-source dpkg-dev
  local suite candidate
  for suite in $suites; do
    prepare_apt "$suite" || continue
    mkdir -p "$work/src"
    # Newest first: a mirror may list a version that it no longer holds.
    for candidate in $(apt-cache showsrc openssl 2>/dev/null | sed -n 's/^Version: //p' | grep "^${series//./\\.}\." | sort -Vru); do
      say "fetching the source of openssl $candidate"
      if (cd "$work/src" && rm -f ./*.dsc && apt-get -q source --download-only "openssl=$candidate") >>"$log" 2>&1; then
        # apt has checked the files against the signed index.
        dpkg-source --no-check -x "$work"/src/openssl_*.dsc "$work/tree" >>"$log" 2>&1
        version=$candidate
        return 0
      fi
      say "openssl $candidate is listed but not served, trying an older one"
    done
  done
  return 1
}

build_from_source() {
  need perl perl
  need make make
  fetch_source || { say "no source of OpenSSL $series could be had"; return 1; }
  mkdir "$work/build"
  cd "$work/build"
  local jobs
  jobs=$(nproc)
  say "building openssl $version with $jobs jobs (1 to 5 minutes; log: $log)"
  # shellcheck disable=SC2086
  CC="$launcher$compiler" perl ../tree/Configure "linux-$machine" $options $flags \
    --prefix="$prefix" --libdir=lib --openssldir=/etc/ssl >>"$log" 2>&1 || return 1
  make -s -j"$jobs" build_libs >>"$log" 2>&1 || return 1
  make -s install_dev DESTDIR="$work/stage" >>"$log" 2>&1 || return 1
  publish "$work/stage$prefix" "source $version"
}

# ---- the distribution's static libraries --------------------------------------------------------------------------------------

unpack_binary() {
  need dpkg-deb dpkg
  local suite stage=$work/binary
  # shellcheck disable=SC2086
  echo 'int main(void) { return 0; }' | $compiler -x c - -l:libz.a -l:libzstd.a -o "$work/try" 2>>"$log" ||
    { say "they need zlib and zstd: apt-get install -y zlib1g-dev libzstd-dev"; return 1; }
  for suite in $suites; do
    prepare_apt "$suite" || continue
    mkdir -p "$work/deb"
    (cd "$work/deb" && apt-get -q download libssl-dev) >>"$log" 2>&1 || continue
    dpkg-deb -x "$work"/deb/libssl-dev_*.deb "$work/unpacked"
    mkdir -p "$stage/lib/pkgconfig" "$stage/include"
    cp -r "$work/unpacked/usr/include/openssl" "$stage/include/"
    cp -r "$work"/unpacked/usr/include/*-linux-gnu/openssl "$stage/include/"
    cp "$work"/unpacked/usr/lib/*-linux-gnu/lib{ssl,crypto}.a "$stage/lib/"
    # These were compiled against a newer libc that renamed strtol for C23.
    printf '%s\n' '#include <stdlib.h>' 'long __isoc23_strtol(const char *s, char **e, int b);' \
      '__attribute__((weak)) long __isoc23_strtol(const char *s, char **e, int b) { return strtol(s, e, b); }' >"$work/shim.c"
    # shellcheck disable=SC2086
    $compiler -O2 $flags -c "$work/shim.c" -o "$work/shim.o"
    ar r "$stage/lib/libcrypto.a" "$work/shim.o" 2>>"$log"
    printf 'Name: OpenSSL-libcrypto\nDescription: static\nVersion: %s\nLibs.private: -lz -lzstd -ldl -pthread\n' "$series" >"$stage/lib/pkgconfig/libcrypto.pc"
    publish "$stage" "binary $(basename "$work"/deb/libssl-dev_*.deb)"
    return 0
  done
  return 1
}

# -------------------------------------------------------------------------------------------------------------------------------

publish() {  # directory, description: one rename, so that nobody sees half of it
  echo "$2" >"$1/.ok"
  cp -r "$1" "$prefix.new.$$"
  rm -rf "$prefix"
  mv "$prefix.new.$$" "$prefix"
  say "ready: $prefix"
}

case $mode in auto | system | source | binary) ;; *) die "NODE_MVFST_OPENSSL must be auto, system, source or binary, not '$mode'" ;; esac
if [ -n "${OPENSSL_ROOT:-}" ]; then
  static_libraries_in "$OPENSSL_ROOT" || die "OPENSSL_ROOT=$OPENSSL_ROOT has no lib/libssl.a and lib/libcrypto.a"
  echo "$OPENSSL_ROOT"
  exit 0
fi

compiler=${CC:-cc}
compiler=${compiler#ccache }
need "$compiler" "g++"
launcher=
if command -v ccache >/dev/null; then launcher="ccache "; fi
suites=${OPENSSL_SUITES:-$(default_suites)}
kind=source
if [ "$mode" = binary ]; then kind=binary; fi
key=$({ echo "$kind $series $suites $options $flags ${OPENSSL_TARBALL:-}"; "$compiler" --version | head -1; echo "$machine"; } | sha256sum | cut -c1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/node-mvfst/openssl
prefix=$cache/$key

if [ "$mode" = system ]; then
  system_prefix || die "pkg-config knows no OpenSSL >= $series with static libraries"
  exit 0
fi
if [ -f "$prefix/.ok" ]; then echo "$prefix"; exit 0; fi
if [ "$mode" = auto ] && found=$(system_prefix 2>/dev/null); then echo "$found"; exit 0; fi

need flock util-linux
mkdir -p "$cache"
exec 9>"$cache/$key.lock"
flock -n 9 || { say "another run is building it, waiting"; flock 9; }
if [ -f "$prefix/.ok" ]; then echo "$prefix"; exit 0; fi

work=$(mktemp -d "${TMPDIR:-/tmp}/node-mvfst-openssl.XXXXXX")
trap 'rm -rf "$work" "$prefix.new.$$"' EXIT
log=$cache/$key.log
: >"$log"
version=

# Called in `if`, where set -e does not reach: each step inside answers for itself.
if [ "$mode" != binary ] && (build_from_source 9>&-); then
  echo "$prefix"
  exit 0
fi
if [ "$mode" = source ]; then tail -n 30 "$log" >&2; die "the build failed, log: $log"; fi
say "taking the distribution's static libraries instead"
if (unpack_binary 9>&-); then
  echo "$prefix"
  exit 0
fi
tail -n 30 "$log" >&2
die "found no way to OpenSSL >= $series; set OPENSSL_ROOT to a prefix that has it (log: $log)"
