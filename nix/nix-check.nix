# Runs one command on every .nix file of the project.
{ lib, runCommand }:
name: tools: command:
runCommand name
  {
    nativeBuildInputs = tools;
    src = lib.fileset.toSource {
      root = ../.;
      fileset = lib.fileset.fileFilter (file: file.hasExt "nix") ../.;
    };
  }
  ''
    find "$src" -name '*.nix' -print0 | sort -z | xargs -0 ${command}
    touch $out
  ''
