# Sourced by scripts that get tools from Debian, as root. Packages of this machine's release are
# installed; those of another release are unpacked into a separate folder, so dpkg and the machine's
# libraries stay unchanged.
set -euo pipefail
umask 022
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

quietly() {
  "$@" >"$work/log" 2>&1 || {
    cat "$work/log" >&2
    fail "$1 failed"
  }
}

[ "$(id -u)" = 0 ] || fail "needs root, for apt"
command -v apt-get >/dev/null || fail "needs Debian's apt-get"

# Installs the packages that this machine does not have.
install_packages() {
  local package missing=()
  for package; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing+=("$package")
  done
  [ "${#missing[@]}" -gt 0 ] || return 0
  quietly apt-get update -q -o DPkg::Lock::Timeout=300
  quietly env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 install -q -y --no-install-recommends "${missing[@]}"
}

# Sets the array `apt`: an apt-get that only knows SUITE and believes that nothing is installed.
open_suite() {
  local suite=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg mirror
  [ -r "$keyring" ] || fail "cannot read $keyring: install debian-archive-keyring"
  # The mirror this machine already uses, so that a proxy or a local mirror keeps working.
  mirror=$(apt-get indextargets --format '$(SITE)|$(ORIGIN)|$(CODENAME)' | awk -F'|' '$2 == "Debian" && $3 !~ /-/ { print $1; exit }')
  [ -n "$mirror" ] || fail "apt knows no Debian archive: see /etc/apt/sources.list.d"

  mkdir -p "$work"/{lists/partial,archives/partial,parts,empty}
  chmod -R a+rX "$work"
  : >"$work/status"
  printf '%s [signed-by=%s] %s %s main\n' deb "$keyring" "$mirror" "$suite" deb-src "$keyring" "$mirror" "$suite" >"$work/sources.list"
  # A mirror may be a snapshot, whose lists have expired.
  apt=(apt-get -q -y -o Dir::Etc::sourcelist="$work/sources.list" -o Dir::Etc::sourceparts="$work/parts"
    -o Dir::Etc::preferencesparts="$work/empty" -o Dir::State::status="$work/status" -o Dir::State::lists="$work/lists"
    -o Dir::Cache::archives="$work/archives" -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache=
    -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o APT::Keep-Downloaded-Packages=true
    -o APT::Architectures=amd64,arm64 -o Acquire::Check-Valid-Until=false
    -o DPkg::Post-Invoke= -o APT::Update::Post-Invoke= -o APT::Update::Post-Invoke-Success=)
  quietly "${apt[@]}" update
}

# unpack DIR PACKAGE...: the packages with all their dependencies.
unpack() {
  local dir=$1
  shift
  quietly "${apt[@]}" --download-only install "$@"
  unpack_files "$dir" "$work"/archives/*.deb
}

# unpack_alone DIR PACKAGE:ARCHITECTURE...: only the packages.
unpack_alone() {
  local dir=$1
  shift
  rm -rf "$work/alone"
  mkdir "$work/alone"
  (cd "$work/alone" && quietly "${apt[@]}" download "$@")
  unpack_files "$dir" "$work"/alone/*.deb
}

unpack_files() {
  local dir=$1 deb
  shift
  mkdir -p "$dir"
  for deb; do
    dpkg-deb --fsys-tarfile "$deb" | tar -x --keep-directory-symlink -C "$dir"
  done
}
