# Where the distribution keeps its packages, and a private apt for one of its suites. To be sourced by bash; wants $work (a folder),
# $log (a file), and the functions say and need.
# shellcheck shell=bash

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
