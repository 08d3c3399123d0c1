# verify-release DIR|SHA256SUMS: rebuilds a release on this machine and compares the published files
# with it.
{
  callPackage,
  writeShellApplication,
  self,
  release,
}:
let
  revision = self.rev or null;
  # The derivation itself, not its output: the script builds it.
  derivation = package: builtins.unsafeDiscardOutputDependency package.drvPath;
in
writeShellApplication {
  name = "verify-release";
  runtimeInputs = [ (callPackage ../compare-release.nix { }) ];
  # Errors have their own statuses here.
  bashOptions = [
    "nounset"
    "pipefail"
  ];
  text = ''
    usage="Usage: verify-release DIR|SHA256SUMS

    Rebuilds the release on this machine, from the source this program is from, and
    compares the published files in DIR with it, or their digests in SHA256SUMS.

    Exit status: 0 match, 1 mismatch, 2 cannot tell."
    case ''${1-} in
      -h | --help)
        echo "$usage"
        exit 0
        ;;
    esac
    if [ $# != 1 ] || [ ! -e "$1" ]; then
      echo "verify-release: cannot tell: expected one argument that exists, DIR or SHA256SUMS" >&2
      exit 2
    fi
    echo "source: ${
      if revision == null then "not a commit, but a folder or a changed tree" else "commit ${revision}"
    }"

    log=$(mktemp) || exit 2
    trap 'rm -f "$log"' EXIT
    cannot_tell() {
      tail -n 40 "$log" >&2
      echo "verify-release: cannot tell: $*" >&2
      exit 2
    }

    # What is in the store may come from a binary cache, perhaps the publisher's own. So every part
    # is built again here and compared with it: --check rebuilds only the derivation it is given,
    # and nothing below it.
    for part in ${toString (map derivation (release.parts ++ [ release ]))}; do
      nix-store --realise "$part" >/dev/null 2>"$log" || cannot_tell "cannot build $part"
      if ! nix-store --realise --check --keep-failed "$part" >"$log" 2>&1; then
        grep -q 'may not be deterministic' "$log" || cannot_tell "cannot rebuild $part"
        output=$(nix-store --query --outputs "$part")
        echo "''${output##*/}: mismatch: what this machine has in its store is not what it builds"
        echo "  next: diffoscope $output $output.check"
        exit 1
      fi
      echo "rebuilt: $(basename "$part" .drv | cut -d - -f 2-)"
    done
    output=$(nix-store --query --outputs ${derivation release}) || cannot_tell "cannot find the rebuilt release"
    compare-release "$1" "$output"
  '';
  meta.description = "Rebuilds a release and compares the published files with it";
}
