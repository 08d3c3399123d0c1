# Sourced by the tests of the flake: a current Nix on PATH, the stand-in for nixpkgs, a scratch
# folder.
set -euo pipefail
umask 022
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
"$root/scripts/get-nix"

# A build without the sandbox finds the same in /host as one with it, and only builds of this run
# do.
if [ -z "${OWN_MOUNTS-}" ]; then
  mkdir -p /host
  OWN_MOUNTS=1 exec unshare --mount "$0" "$@"
fi
if ! mountpoint -q /host; then
  mount -t tmpfs tmpfs /host
  sed -n 's/^sandbox-paths = //p' "$root/target/tools/nix.conf" | tr ' ' '\n' | sed -n 's,^\(/host/[^=]*\)=,\1 ,p' |
    while read -r name path; do
      mkdir "$name"
      mount --bind "$path" "$name"
    done
fi
export NIX_CONF_DIR=$root/target/tools PATH=$root/target/tools/bin:$root/target/tools/cargo/bin:$PATH
export LC_ALL=C TZ=UTC
unset NIX_PATH NIX_CONFIG
stand_in=(--override-input nixpkgs "path:$root/tests/nix/nixpkgs" --no-write-lock-file)

scratch=$(mktemp -d)
cleanups=()
clean_up() {
  local command
  for command in "${cleanups[@]}"; do $command >/dev/null; done
  chmod -R u+w "$scratch"
  rm -rf "$scratch"
}
trap clean_up EXIT

fail() {
  printf '%s: %s\n' "${0##*/}" "$*" >&2
  exit 1
}

# The project as it would be committed now, without its history: copy_project DIR
copy_project() {
  mkdir -p "$1"
  git -C "$root" ls-files -z --cached --others --exclude-standard |
    (cd "$root" && xargs -0 sh -c 'for file; do [ ! -e "$file" ] || printf "%s\0" "$file"; done' -) |
    tar -C "$root" --null --no-recursion -cf - --files-from - | tar -C "$1" -xf -
}
