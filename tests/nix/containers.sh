# Sourced after common.sh: runs images as a peer's init container does, and then what they leave for
# the peer.
. "$root/tests/nix/podman.sh"
# Users other than root must be able to pass through it.
chmod a+x "$scratch"

manifest() {
  sed -n "s/^$1 = \"\(.*\)\"$/\1/p" "$root/Cargo.toml" | head -n 1
}

# The restrictions of a strict cluster.
confined=(--read-only --read-only-tmpfs=false --cap-drop all --security-opt no-new-privileges)

# run USER FOLDER PODMAN-ARGUMENT...: with FOLDER at /target.
run() {
  local user=$1 target=$2
  shift 2
  podman run --rm --user "$user" "${confined[@]}" --volume "$target:/target" "$@"
}

as() {
  local user=$1
  shift
  setpriv --reuid "${user%:*}" --regid "${user#*:}" --clear-groups --inh-caps=-all env -i PATH=/usr/bin:/bin "$@"
}

# expect_programs BIN PACKAGE: the folder BIN holds exactly the program of PACKAGE under its four
# names, as files or as links to the fourth.
expect_programs() {
  local bin=$1 package=$2 name
  [ "$(cd "$bin" && echo * .[!.]*)" = 'build detect fabric-ccs-builder release .[!.]*' ] || fail "$bin holds $(ls -A "$bin")"
  for name in build detect fabric-ccs-builder release; do
    case $(readlink "$bin/$name" || true) in
      '' | fabric-ccs-builder) ;;
      *) fail "$bin/$name leads elsewhere" ;;
    esac
    [ -x "$bin/$name" ] || fail "$bin/$name is not a program"
    cmp "$bin/$name" "$package/bin/$name" || fail "$name is not the package's program"
  done
}

# try_programs USER BIN WORK PACKAGE: the folder BIN holds the programs of PACKAGE, as USER's, and
# they take a chaincode package from detect to release.
try_programs() {
  local user=$1 bin=$2 work=$3 package=$4
  expect_programs "$bin" "$package"
  for name in build detect fabric-ccs-builder release; do
    [ "$(stat --dereference --format '%a %u:%g' "$bin/$name")" = "755 $user" ] || fail "$bin/$name has the wrong mode or owner"
  done

  mkdir -p "$work"/{metadata,foreign,bld,release}
  cp -r "$root/src/sample" "$work/src"
  mv "$work/src/metadata.json" "$work/metadata/metadata.json"
  echo '{"type": "golang", "label": "other"}' >"$work/foreign/metadata.json"
  chown -R "$user" "$work"
  chmod -R u=rwX,go= "$work"
  as "$user" "$bin/detect" "$work/src" "$work/metadata" || fail "detect refuses the sample"
  if as "$user" "$bin/detect" "$work/src" "$work/foreign"; then fail "detect claims a foreign package"; fi
  as "$user" "$bin/build" "$work/src" "$work/metadata" "$work/bld" 2>"$work/stderr" ||
    fail "build refuses the sample: $(cat "$work/stderr")"
  (cd "$work/bld" && sha256sum --check --strict --quiet SHA256SUMS) || fail "SHA256SUMS does not hold"
  diff "$work/bld/SHA256SUMS" "$root/nix/sample.SHA256SUMS" || fail "SHA256SUMS is not the recorded one"
  as "$user" "$bin/release" "$work/bld" "$work/release" 2>"$work/stderr" ||
    fail "release fails: $(cat "$work/stderr")"
  [ -s "$work/release/chaincode/server/connection.json" ] || fail "release published no connection.json"
}

# The ways that manifests copy the programs, from $go to the folder $to. Twice each, because a
# restarted pod copies over what is there.
copies=(
  'cp $go/* $to/bin/'
  'cp -r $go $to'
  'cp -R $go/. $to/bin/'
  'cp -a $go/* $to/bin'
  'cp -rf $go/* $to/bin/'
)
copying='set -e; go=$1 to=$2; shift 2; for copy; do eval "$copy"; eval "$copy"; to=$to+; done'

# try_copies USER FOLDER KIND PACKAGE COMMAND...: what COMMAND copies to FOLDER and FOLDER+... works,
# also over the KIND of older programs.
try_copies() {
  local user=$1 to=$2 kind=$3 package=$4 name
  shift 4
  for _ in "${copies[@]}"; do
    mkdir -p "$to/bin"
    for name in detect build release; do
      case $kind in
        nothing) ;;
        files) install -m 0755 <(echo older) "$to/bin/$name" ;;
        "hard links")
          [ -e "$to/bin/fabric-ccs-builder" ] || install -m 0755 <(echo older) "$to/bin/fabric-ccs-builder"
          ln "$to/bin/fabric-ccs-builder" "$to/bin/$name"
          ;;
        "another user's files") install -m 0555 <(echo older) "$to/bin/$name" ;;
      esac
    done
    chown -R "$user" "$to"
    if [ "$kind" = "another user's files" ]; then chown 1234:1234 "$to"/bin/*; fi
    to=$to+
  done
  "$@" || fail "$* fails over $kind"
  for _ in "${copies[@]}"; do
    to=${to%+}
    expect_programs "$to/bin" "$package"
  done
}

# try_shell_image IMAGE USER PACKAGE: an init container that copies PACKAGE's programs with a shell.
try_shell_image() {
  local image=$1 user=$2 package=$3 folder kind
  for kind in nothing files "hard links" "another user's files"; do
    folder=$(mktemp -d -p "$scratch")
    chmod 0755 "$folder"
    try_copies "$user" "$folder/to" "$kind" "$package" \
      run "$user" "$folder" "$image" sh -c "$copying" sh /go/bin /target/to "${copies[@]}"
  done
  try_programs "$user" "$folder/to/bin" "$folder.work" "$package"
  chown "$user" "$folder"
  run "$user" "$folder" "$image" sh -c 'mkdir -p /target/x/bin && cp -a /go/bin/* /target/x/bin && chmod 0700 /target/x && ls -l /target/x/bin' >"$folder.listing"
  [ "$(grep -c '^-rwxr-xr-x' "$folder.listing")" = 1 ] || fail "cp -a gives something else: $(cat "$folder.listing")"
  run "$user" "$folder" "$image" fabric-ccs-builder --version >"$folder.version"
  grep -qxF "fabric-ccs-builder $(manifest version)" "$folder.version" || fail "unexpected version: $(cat "$folder.version")"
}
