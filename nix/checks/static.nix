# The program needs no interpreter, no library and nothing from the Nix store, so it can be copied
# anywhere.
{
  binutils,
  closureInfo,
  fabric-ccs-builder,
  runCommand,
}:
let
  closure = closureInfo { rootPaths = [ fabric-ccs-builder ]; };
in
runCommand "static" { nativeBuildInputs = [ binutils ]; } ''
  program=${fabric-ccs-builder}/bin/${fabric-ccs-builder.meta.mainProgram}

  readelf --file-header "$program" | grep -w ELF64
  headers=$(readelf --wide --program-headers --dynamic "$program")
  if grep -E 'INTERP|\(NEEDED\)' <<<"$headers"; then
    echo "$program is linked dynamically" >&2
    exit 1
  fi
  if readelf --wide --sections "$program" | grep gcc_except_table; then
    echo "$program is not linked as musl/flags.toml says" >&2
    exit 1
  fi
  if grep -a -o -m 1 -E "$NIX_STORE/[0-9a-z]{32}-[^/]*" "$program"; then
    echo "$program contains a path of the Nix store" >&2
    exit 1
  fi
  diff <(echo ${fabric-ccs-builder}) ${closure}/store-paths
  touch $out
''
