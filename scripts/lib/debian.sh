#!/usr/bin/env bash
# Packages of the distribution: installed on the machine, unpacked into a folder of their own, or looked up by a private apt.
#
#   scripts/lib/debian.sh install PACKAGE...    on the machine; needs root. One line on stdout: what it did, in a few words.
#                                               NODE_MVFST_SKIP_APT=1 trusts that the machine has what is needed.
#   scripts/lib/debian.sh unpack PACKAGE...     with all that they need, the C library included, into a folder of the user's
#                                               cache, so that the machine's own packages stay as they are and no root is
#                                               needed. One line on stdout: the folder. Its programs run under its own
#                                               dynamic linker (scripts/interop/debian.mjs). It appears by one rename, so it
#                                               is whole or absent. DEBIAN_SUITE: which suite, default trixie.
#   . scripts/lib/debian.sh                     the functions alone; prepare_apt wants $work (a folder), $log (a file), and
#                                               the functions say and need of who sources it.
#
# Progress goes to stderr.

# ---- a private apt ------------------------------------------------------------------------------------------------------------

apt_uri() {  # pattern: the first archive address that matches
  cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    sed -n -e 's/^URIs: *//p' -e 's/^deb \(\[[^]]*\] \)\{0,1\}\([^ ]*\) .*/\2/p' | tr ' ' '\n' | sed 's#/*$##' |
    grep -m1 -E "$1" || true
}

apt_stanza() {  # uri suites keyring
  [ -z "$1" ] || printf 'Types: deb deb-src\nURIs: %s\nSuites: %s\nComponents: main\nSigned-By: %s\n\n' "$1" "$2" "$3"
}

prepare_apt() {  # suite: a private apt that knows this suite and disturbs nothing of the machine's
  local suite=$1 main security keyring
  need apt-get apt
  rm -rf "$work/apt"
  mkdir -p "$work"/apt/{etc,lists/partial,cache/archives/partial}
  main=$(apt_uri '/debian$')
  if [ -n "$main" ]; then
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    security=$(apt_uri '/debian-security$')
    { apt_stanza "$main" "$suite" "$keyring"; apt_stanza "$security" "$suite-security" "$keyring"; } >"$work/apt/etc/s.sources"
  else
    main=$(apt_uri '/ubuntu(-ports)?$')
    [ -n "$main" ] || { say "found no Debian or Ubuntu archive in /etc/apt"; return 1; }
    apt_stanza "$main" "$suite $suite-updates $suite-security" /usr/share/keyrings/ubuntu-archive-keyring.gpg >"$work/apt/etc/s.sources"
  fi
  cat >"$work/apt/apt.conf" <<CONF
Dir::Etc::SourceList "/dev/null"; Dir::Etc::SourceParts "$work/apt/etc";
Dir::Etc::Preferences "/dev/null"; Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "$work/apt/lists"; Dir::Cache "$work/apt/cache";
APT::Sandbox::User "root"; Acquire::Languages "none"; Acquire::Retries "3";
CONF
  export APT_CONFIG=$work/apt/apt.conf
  say "reading the package index of $suite"
  apt-get -q update >>"$log" 2>&1
}

# ---- on the machine -----------------------------------------------------------------------------------------------------------

missing_packages() {  # package...: those that are not installed
  local package
  for package in "$@"; do
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
  done
}

install_packages() {
  local missing line
  if [ -n "${NODE_MVFST_SKIP_APT:-}" ]; then echo 'skipped, NODE_MVFST_SKIP_APT is set'; return; fi
  if ! { command -v dpkg-query && command -v apt-get; } >/dev/null; then
    echo "skipped: no Debian or Ubuntu here; needed are the like of $*"
    return
  fi
  missing=$(missing_packages "$@")
  if [ -z "$missing" ]; then echo 'up to date'; return; fi
  line="apt-get update && apt-get install -y --no-install-recommends ${missing% }"
  [ "$(id -u)" = 0 ] || { printf '\nDebian packages are missing. Run this once, then again what you ran:\n\n  sudo sh -c '"'%s'"'\n\n' "$line" >&2; exit 1; }
  say "installing $missing"
  export DEBIAN_FRONTEND=noninteractive
  log=$(mktemp)
  # An index of one source that cannot be read is no reason to stop: the install will tell.
  apt-get -q update >"$log" 2>&1 || true
  # shellcheck disable=SC2086
  apt-get -q install -y --no-install-recommends $missing >>"$log" 2>&1 || { cat "$log" >&2; die 'apt-get install failed'; }
  rm -f "$log"
  # shellcheck disable=SC2086
  set -- $missing
  echo "installed $#"
}

# ---- in a folder of their own -------------------------------------------------------------------------------------------------

fill_folder() {  # folder, package...: as if nothing were installed, so that every library comes from the same suite
  local folder=$1 package
  shift
  : >"$work/status"
  say "fetching $* and what they need"
  apt-get -q -y --no-install-recommends --download-only -o Dir::State::status="$work/status" install "$@" >>"$log" 2>&1 ||
    { tail -n 20 "$log" >&2; die "the packages could not be fetched, log: $log"; }
  say "unpacking $(find "$work/apt/cache/archives" -name '*.deb' | wc -l) packages"
  mkdir "$folder"
  for package in "$work"/apt/cache/archives/*.deb; do
    dpkg-deb -x "$package" "$folder"
    dpkg-deb -f "$package" Package Version | sed -n 's/^[^:]*: //p' | paste -sd' ' >>"$folder/versions.txt"
  done
  # Never needed by programs that run here; the last are drivers of graphics cards.
  rm -rf "$folder"/usr/share/{doc,man,locale,info} "$folder"/var/log "$folder"/usr/lib/*/{libLLVM,libgallium,dri}*
  touch "$folder/.ok"
}

unpack_packages() {
  local suite=${DEBIAN_SUITE:-trixie} cache=${XDG_CACHE_HOME:-$HOME/.cache}/node-mvfst/interop
  prefix=$cache/debian-$(echo "$suite $* $(uname -m)" | sha256sum | cut -c1-12)
  if [ -f "$prefix/.ok" ]; then echo "$prefix"; return; fi
  need flock util-linux
  need dpkg-deb dpkg
  mkdir -p "$cache"
  exec 9>"$prefix.lock"
  flock 9
  if [ -f "$prefix/.ok" ]; then echo "$prefix"; return; fi

  work=$(mktemp -d "${TMPDIR:-/tmp}/node-mvfst-debian.XXXXXX")
  trap 'rm -rf "$work" "$prefix.new.$$"' EXIT
  log=$prefix.log
  : >"$log"
  prepare_apt "$suite" || { tail -n 20 "$log" >&2; die "the package index of $suite could not be read"; }
  fill_folder "$prefix.new.$$" "$@"
  rm -rf "$prefix"
  mv "$prefix.new.$$" "$prefix"
  say "ready: $prefix"
  echo "$prefix"
}

# -------------------------------------------------------------------------------------------------------------------------------

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  set -euo pipefail
  start=$SECONDS
  say() { printf '[debian %3ds] %s\n' "$((SECONDS - start))" "$*" >&2; }
  die() { say "$*"; exit 1; }
  need() { command -v "$1" >/dev/null || die "needs $1: apt-get install -y $2"; }
  case ${1:-} in
    install) shift; install_packages "$@" ;;
    unpack) shift; unpack_packages "$@" ;;
    *) die "usage: $0 install|unpack PACKAGE..." ;;
  esac
fi
