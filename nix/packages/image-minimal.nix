# Only the program, without a shell: an init container runs its `install DIR`.
{ callPackage, pkgsStatic }:
callPackage ../image.nix {
  inherit pkgsStatic;
  suffix = "-minimal";
  extraCommands = program: ''
    install -D -m 0755 -t usr/bin ${program}/bin/${program.meta.mainProgram}
  '';
  config.Entrypoint = [ "/usr/bin/fabric-ccs-builder" ];
}
