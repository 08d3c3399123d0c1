# Trivial builders.
{
  lib,
  stdenv,
  stdenvNoCC,
  nixfmt,
  shellcheck,
}:
let
  runCommand =
    name: attrs: buildCommand:
    stdenvNoCC.mkDerivation ({ inherit name buildCommand; } // attrs);
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
        target=$out$destination
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
        "meta"
        "bashOptions"
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
      checkPhase = ''
        bash -n -O extglob "$target"
        ${shellcheck}/bin/shellcheck "$target"
      '';
      meta = {
        mainProgram = args.name;
      }
      // args.meta or { };
    };

  mkShell =
    attrs:
    stdenv.mkDerivation (
      removeAttrs attrs [ "packages" ]
      // {
        name = attrs.name or "nix-shell";
        nativeBuildInputs = (attrs.packages or [ ]) ++ (attrs.nativeBuildInputs or [ ]);
        buildCommand = ''
          printf '%s\n' $nativeBuildInputs > "$out"
        '';
      }
    );

  # optionsNix as in nixpkgs; optionsCommonMark in the same order, in our own Markdown.
  nixosOptionsDoc =
    given:
    let
      args = lib.refuseUnknown "nixosOptionsDoc" [ "options" "transformOptions" ] given;
      documented = lib.filter (option: option.visible && !option.internal) (
        map (args.transformOptions or (option: option)) (lib.optionAttrSetToDocList args.options)
      );
      code =
        value: if lib.hasInfix "\n" value.text then "\n```nix\n${value.text}\n```" else "` ${value.text} `";
      field = name: value: "\n*${name}:*\n${value}\n";
      entry =
        option:
        if option.description == null then
          throw "option ${option.name} has no description"
        else
          lib.concatStrings (
            [
              "## ${lib.replaceStrings [ "." "_" ] [ "\\." "\\_" ] option.name}\n\n${option.description}\n"
              (field "Type" "${option.type}${lib.optionalString option.readOnly " *(read only)*"}")
            ]
            ++ lib.optional (option ? default) (field "Default" (code option.default))
            ++ lib.optional (option ? example) (field "Example" (code option.example))
            ++ lib.optional (option.declarations != [ ]) (
              field "Declared by" (lib.concatMapStringsSep "\n" (file: " - ${toString file}") option.declarations)
            )
          );
    in
    {
      optionsNix = lib.listToAttrs (
        map (
          option:
          lib.nameValuePair option.name (
            removeAttrs option [
              "name"
              "visible"
              "internal"
            ]
          )
        ) documented
      );
      optionsCommonMark = writeTextFile {
        name = "options.md";
        text = lib.concatMapStringsSep "\n\n" entry documented;
      };
    };

  closureInfo =
    given:
    let
      args = lib.refuseUnknown "closureInfo" [ "rootPaths" ] given;
    in
    stdenvNoCC.mkDerivation {
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

  # A stand-in for a peer that only finds its external builder, runs it, and keeps the output.
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
