# The image of an init container that copies /go/bin into the builder's folder of a peer.
{
  callPackage,
  pkgsStatic,
}:
let
  # A shell to copy with and no more: today's manifests run `sh -c "cp /go/bin/* ..."`.
  applets = [
    "chmod"
    "cp"
    "ls"
    "mkdir"
    "sh"
  ];
in
callPackage ../image.nix {
  inherit pkgsStatic;
  # Copies, not links: `cp -a /go/bin/*` has to give programs too. 0755 and not 0555, or a peer that is not root
  # could not copy them over a second time.
  extraCommands = program: ''
    install -D -m 0755 -t usr/bin ${program}/bin/${program.meta.mainProgram}
    for name in detect build release; do
      install -D -m 0755 ${program}/bin/$name go/bin/$name
    done
    install -D -m 0755 -t bin ${pkgsStatic.busybox}/bin/busybox
    for applet in ${toString applets}; do
      ln -s busybox bin/$applet
    done
  '';
  config.Cmd = [ "sh" ];
}
