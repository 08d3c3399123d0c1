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

# try_programs USER BIN WORK PACKAGE: the folder BIN holds exactly the three programs of PACKAGE,
# and they take a chaincode package from detect to release.
try_programs() {
  local user=$1 bin=$2 work=$3 package=$4
  diff <(cd "$bin" && find . -mindepth 1 -printf '%y %m %U:%G %p\n' | sort -k 4) - <<LIST || fail "unexpected files in $bin"
f 755 $user ./build
f 755 $user ./detect
f 755 $user ./release
LIST
  for name in build detect release; do
    cmp "$bin/$name" "$package/bin/$name" || fail "$name is another program than the package's"
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

# try_shell_image IMAGE USER PACKAGE: an init container that copies PACKAGE's programs with a shell.
try_shell_image() {
  local image=$1 user=$2 package=$3 folder
  folder=$(mktemp -d -p "$scratch")
  mkdir "$folder/bin"
  chown -R "$user" "$folder"
  # Twice: a restarted pod overwrites what is there.
  run "$user" "$folder" "$image" sh -c 'cp /go/bin/* /target/bin/'
  run "$user" "$folder" "$image" sh -c 'cp /go/bin/* /target/bin/'
  try_programs "$user" "$folder/bin" "$folder.work" "$package"
  run "$user" "$folder" "$image" sh -c 'mkdir -p /target/x/bin && cp -a /go/bin/* /target/x/bin && chmod 0700 /target/x && ls -l /target/x/bin' >"$folder.listing"
  [ "$(grep -c '^-rwxr-xr-x' "$folder.listing")" = 3 ] || fail "cp -a gives something else: $(cat "$folder.listing")"
  run "$user" "$folder" "$image" fabric-ccs-builder --version >"$folder.version"
  grep -qxF "fabric-ccs-builder $(manifest version)" "$folder.version" || fail "unexpected version: $(cat "$folder.version")"
}
