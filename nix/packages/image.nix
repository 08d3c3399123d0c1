# The image of an init container that copies /go/bin into the builder's folder of a peer.
{
  lib,
  callPackage,
  pkgsStatic,
  writeText,
}:
let
  # Only a shell and what copying needs, a tenth of the whole: existing manifests run `sh -c "cp
  # /go/bin/* ..."`.
  applets = [
    "chmod"
    "ls"
    "mkdir"
    "sh"
  ];
  busybox = pkgsStatic.busybox.override {
    enableMinimal = true;
    extraConfig = lib.concatMapStringsSep "\n" (option: "CONFIG_${option} y") [
      "ASH"
      "ASH_ECHO"
      "ASH_PRINTF"
      "ASH_TEST"
      "CHMOD"
      "CP"
      "FEATURE_CP_LONG_OPTIONS"
      "FEATURE_FANCY_ECHO"
      "FEATURE_LS_FILETYPES"
      "FEATURE_LS_RECURSIVE"
      "FEATURE_LS_SORTFILES"
      "FEATURE_LS_TIMESTAMPS"
      "FEATURE_PRESERVE_HARDLINKS"
      "FEATURE_SH_MATH"
      "LONG_OPTS"
      "LS"
      "MKDIR"
    ];
  };
  # Without -f, busybox puts no link in the place of a file, and nobody but its owner can replace a
  # program: a restarted init container would fail.
  cp = writeText "cp" ''
    #!/bin/sh
    exec /bin/busybox cp -f "$@"
  '';
in
callPackage ../image.nix {
  inherit pkgsStatic;
  # The program and three links beside it, as in the package: three copies would treble the size.
  # `cp /go/bin/*` copies the program under each name, and what keeps links, like `cp -a`, copies the
  # program too. 0755 and not 0555, or another cp without -f could not replace its own copies.
  extraCommands = program: ''
    install -D -m 0755 -t go/bin ${program}/bin/${program.meta.mainProgram}
    for name in detect build release; do
      ln -s ${program.meta.mainProgram} go/bin/$name
    done
    mkdir -p usr/bin
    ln -s ../../go/bin/${program.meta.mainProgram} usr/bin/${program.meta.mainProgram}
    install -D -m 0755 -t bin ${busybox}/bin/busybox
    install -m 0755 ${cp} bin/cp
    for applet in ${toString applets}; do
      ln -s busybox bin/$applet
    done
  '';
  config.Cmd = [ "sh" ];
}
