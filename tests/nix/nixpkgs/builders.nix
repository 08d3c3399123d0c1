# Trivial builders.
{
  lib,
  stdenv,
  nixfmt,
}:
let
  runCommand =
    name: attrs: buildCommand:
    stdenv.mkDerivation ({ inherit name buildCommand; } // attrs);
  writeTextFile =
    given:
    let
      args = lib.refuseUnknown "writeTextFile" [
        "name"
        "text"
        "executable"
        "destination"
        "checkPhase"
        "meta"
        "passthru"
        "allowSubstitutes"
        "preferLocalBuild"
        "derivationArgs"
      ] given;
    in
    runCommand args.name
      {
        inherit (args) text;
        destination = args.destination or "";
        executable = args.executable or false;
        passAsFile = [ "text" ];
        meta = args.meta or { };
        passthru = args.passthru or { };
      }
      ''
        mkdir -p "$(dirname "$out$destination")"
        cp "$textPath" "$out$destination"
        if [ -n "$executable" ]; then chmod +x "$out$destination"; fi
        ${args.checkPhase or ""}
      '';
in
{
  inherit runCommand writeTextFile;
  runCommandLocal = runCommand;
  writeText = name: text: writeTextFile { inherit name text; };

  writeShellApplication =
    given:
    let
      args = lib.refuseUnknown "writeShellApplication" [
        "name"
        "text"
        "runtimeInputs"
        "runtimeEnv"
        "meta"
        "passthru"
        "checkPhase"
        "excludeShellChecks"
        "extraShellCheckFlags"
        "bashOptions"
        "derivationArgs"
        "inheritPath"
      ] given;
    in
    writeTextFile {
      inherit (args) name;
      destination = "/bin/${args.name}";
      executable = true;
      text = ''
        #!/bin/bash
        ${lib.concatMapStringsSep "\n" (option: "set -o ${option}") (
          args.bashOptions or [
            "errexit"
            "nounset"
            "pipefail"
          ]
        )}
        export PATH="${lib.makeBinPath (args.runtimeInputs or [ ])}:$PATH"
        ${args.text}
      '';
      checkPhase = args.checkPhase or ''bash -n "$out/bin/${args.name}"'';
      meta = {
        mainProgram = args.name;
      }
      // args.meta or { };
    };

  mkShell =
    attrs:
    runCommand (attrs.name or "nix-shell")
      (
        removeAttrs attrs [
          "name"
          "packages"
          "inputsFrom"
        ]
        // {
          nativeBuildInputs = (attrs.packages or [ ]) ++ (attrs.nativeBuildInputs or [ ]);
        }
      )
      ''
        printf '%s\n' $nativeBuildInputs > "$out"
      '';

  closureInfo =
    given:
    let
      args = lib.refuseUnknown "closureInfo" [ "rootPaths" ] given;
    in
    stdenv.mkDerivation {
      name = "closure-info";
      __structuredAttrs = true;
      exportReferencesGraph.closure = args.rootPaths;
      nativeBuildInputs = [ ];
      buildCommand = ''
        mkdir "$out"
        grep -o '"path":"[^"]*"' "$NIX_ATTRS_JSON_FILE" | cut -d '"' -f 4 | sort >"$out/store-paths"
      '';
    };

  nixfmt-tree = writeTextFile {
    name = "nixfmt-tree";
    destination = "/bin/treefmt";
    executable = true;
    text = ''
      #!/bin/bash
      set -eu
      if [ $# = 0 ]; then set -- .; fi
      find "$@" -name '*.nix' -not -path '*/target/*' -print0 | xargs -0 ${nixfmt}/bin/nixfmt
    '';
    meta.mainProgram = "treefmt";
  };

  cacert = runCommand "cacert" { } ''
    mkdir -p "$out/etc/ssl/certs"
    cat /usr/share/ca-certificates/mozilla/*.crt >"$out/etc/ssl/certs/ca-bundle.crt"
  '';

  # A peer that does of all a peer does only this: it looks for its external builder, runs it, and keeps what it made.
  hyperledger-fabric =
    runCommand "hyperledger-fabric"
      {
        passthru.src = ./fabric;
      }
      ''
        install -D -m 0755 ${./fabric/peer.sh} "$out/bin/peer"
        install -D -m 0755 ${./fabric/peer.sh} "$out/bin/orderer"
      '';

  busybox = import ./busybox.nix { inherit lib stdenv runCommand; };
}
