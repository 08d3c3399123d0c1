# compare-release PUBLISHED REBUILT: compares the published files of a release, or just their
# SHA256SUMS, with rebuilt ones. Exit status: 0 match, 1 mismatch, 2 cannot tell.
{ writeShellApplication }:
writeShellApplication {
  name = "compare-release";
  # Errors have their own statuses here.
  bashOptions = [
    "nounset"
    "pipefail"
  ];
  text = ''
    cannot_tell() {
      echo "verify-release: cannot tell: $*" >&2
      exit 2
    }

    published=$1 rebuilt=$2
    sums=$published
    if [ -d "$published" ]; then sums=$published/SHA256SUMS; fi
    [ -f "$sums" ] || cannot_tell "$sums is not a file: expected the folder of a release's files, or its SHA256SUMS"
    [ -r "$sums" ] || cannot_tell "cannot read $sums"
    listed=$(cat -- "$sums") || cannot_tell "cannot read $sums"

    digest() {
      local line
      line=$(sha256sum <"$1") || return
      echo "''${line%% *}"
    }

    status=0
    differs() {
      local file=$1 theirs=$2 ours=$3
      status=1
      echo "$file: mismatch"
      echo "  published $theirs"
      echo "  rebuilt   $ours"
      if [ -d "$published" ] && [ -e "$published/$file" ] && [ -e "$rebuilt/$file" ]; then
        printf '  next: diffoscope %q %q\n' "$published/$file" "$rebuilt/$file"
      elif [ -e "$rebuilt/$file" ]; then
        printf '  next: get the published file, then diffoscope %q %q\n' "$file" "$rebuilt/$file"
      fi
    }

    # Every file on either side, once.
    names=$(mktemp) || cannot_tell "cannot make a temporary file"
    trap 'rm -f "$names"' EXIT
    {
      for file in "$rebuilt"/*; do echo "''${file##*/}"; done
      if [ -d "$published" ]; then
        for file in "$published"/* "$published"/.[!.]*; do
          if [ -e "$file" ] || [ -L "$file" ]; then echo "''${file##*/}"; fi
        done
      else
        # A line is a digest, two characters, a name.
        while IFS= read -r line; do echo "''${line:66}"; done <<<"$listed"
        echo SHA256SUMS
      fi
    } | sort -u >"$names" || cannot_tell "cannot write $names"

    while IFS= read -r file; do
      ours=none
      if [ -f "$rebuilt/$file" ]; then ours=$(digest "$rebuilt/$file") || cannot_tell "cannot read $rebuilt/$file"; fi
      theirs=none
      if [ "$file" = SHA256SUMS ]; then
        theirs=$(digest "$sums") || cannot_tell "cannot read $sums"
      elif [ ! -d "$published" ]; then
        while IFS= read -r line; do
          if [ "''${line:66}" = "$file" ]; then theirs=''${line:0:64}; fi
        done <<<"$listed"
      elif [ -f "$published/$file" ]; then
        theirs=$(digest "$published/$file") || cannot_tell "cannot read $published/$file"
      fi
      if [ "$ours" != "$theirs" ] || [ "$ours" = none ]; then differs "$file" "$theirs" "$ours"; fi
    done <"$names"

    if [ "$status" = 0 ]; then echo "match: $(wc -l <"$names") files"; fi
    exit "$status"
  '';
  meta.description = "Compares the published files of a release with rebuilt ones";
}
