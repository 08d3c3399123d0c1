# The record of the built-in sample's build, byte for byte, so that what `build` writes changes only
# on purpose. `scripts/record-sample` writes it anew.
{
  lib,
  fabric-ccs-builder,
  runCommand,
}:
let
  sample = lib.fileset.toSource {
    root = ../../src/sample;
    fileset = ../../src/sample;
  };
in
runCommand "sample" { } ''
  mkdir source metadata output
  cp -r ${sample}/. source
  chmod -R u+w source
  mv source/metadata.json metadata
  ${fabric-ccs-builder}/bin/build "$PWD/source" "$PWD/metadata" "$PWD/output"
  diff -u ${../sample.SHA256SUMS} output/SHA256SUMS
  (cd output && sha256sum --check --strict SHA256SUMS)
  touch $out
''
