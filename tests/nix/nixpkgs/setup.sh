# The build script of every derivation: nixpkgs' phases in nixpkgs' order, as far as this project
# uses them.
umask 022
shopt -s inherit_errexit
if [ -e "${NIX_ATTRS_SH_FILE-}" ]; then
  . "$NIX_ATTRS_SH_FILE"
  out=${outputs[out]}
  for name in "${!env[@]}"; do
    export "$name=${env[$name]}"
  done
  export PATH
  inputs=("${nativeBuildInputs[@]}")
else
  read -r -a inputs <<<"${nativeBuildInputs-}"
fi
export out
for input in "${inputs[@]}"; do
  PATH=$input/bin:$PATH
done
export PATH HOME=/homeless-shelter TZ=UTC LC_ALL=C SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-315532800}
set -u -o pipefail

runHook() {
  local hook=${1}
  if declare -F "$hook" >/dev/null; then "$hook"; else eval "${!hook-}"; fi
}

runPhase() {
  local phase=$1
  echo "Running phase: $phase"
  if [ -n "${!phase-}" ]; then eval "${!phase}"; else "$phase"; fi
}

unpackPhase() {
  runHook preUnpack
  cp -r "$src" source
  chmod -R u+w source
  cd source
  runHook postUnpack
}

configurePhase() {
  runHook preConfigure
  runHook postConfigure
}

buildPhase() {
  runHook preBuild
  runHook postBuild
}

checkPhase() {
  runHook preCheck
  runHook postCheck
}

installPhase() {
  runHook preInstall
  runHook postInstall
}

# Like nixpkgs, strips debug information from programs, and all symbols from those in stripAllList;
# compresses man pages, and refuses dangling links.
fixupPhase() {
  local file
  runHook preFixup
  if [ -d "$out/bin" ] && [ -z "${dontStrip-}" ]; then
    find "$out/bin" -type f -exec "$STRIP" -S -p {} +
    for file in ${stripAllList[*]-}; do find "$out/$file" -type f -exec "$STRIP" -s -p {} +; done
  fi
  if [ -d "$out/share/man" ]; then
    find "$out/share/man" -type f ! -name '*.gz' -exec gzip -n -f {} +
  fi
  while IFS= read -r file; do
    [ -e "$file" ] || { echo "dangling symlink: $file" >&2; exit 1; }
  done < <(if [ -d "$out" ]; then find "$out" -type l; fi)
  runHook postFixup
}

runHook postHook

if [ -n "${rustHooks-}" ]; then . "$rustHooks"; fi

if [ -n "${buildCommand-}" ]; then
  eval "$buildCommand"
else
  runPhase unpackPhase
  runPhase configurePhase
  runPhase buildPhase
  if [ "${doCheck-}" = 1 ]; then runPhase checkPhase; fi
  runPhase installPhase
  runPhase fixupPhase
fi
