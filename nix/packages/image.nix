# The image of an init container that copies /go/bin into the builder's folder of a peer.
{
  lib,
  callPackage,
  pkgsStatic,
}:
let
  # Only a shell and what copying needs, a tenth of the whole: existing manifests run `sh -c "cp
  # /go/bin/* ..."`.
  applets = [
    "chmod"
    "cp"
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
in
callPackage ../image.nix {
  inherit pkgsStatic;
  # Copies, not links, because `cp -a /go/bin/*` must also produce programs. 0755 and not 0555, or a
  # user other than root could not copy them over existing ones. The fourth name is a link: a fourth
  # copy would add a quarter to the size.
  extraCommands = program: ''
    for name in detect build release; do
      install -D -m 0755 ${program}/bin/$name go/bin/$name
    done
    mkdir -p usr/bin
    ln -s ../../go/bin/detect usr/bin/${program.meta.mainProgram}
    install -D -m 0755 -t bin ${busybox}/bin/busybox
    for applet in ${toString applets}; do
      ln -s busybox bin/$applet
    done
  '';
  config.Cmd = [ "sh" ];
}
