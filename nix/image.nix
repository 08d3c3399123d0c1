# An OCI image: one layer of real files, labels, and the architecture of the package set that its programs are from.
{
  lib,
  dockerTools,
  pkgsStatic,
  runCommand,
  self,
  suffix ? "",
  # Takes the program, gives the shell commands that put the files into the image's root, which is their folder.
  extraCommands,
  config,
}:
let
  program = pkgsStatic.callPackage ./program.nix { };
  # The commit, when it is known.
  revision = self.rev or null;

  # On its own, so that it can be built again on its own. Folders have modes of their own, whatever the build's umask.
  root = runCommand "${program.pname}${suffix}-root.tar" { } ''
    umask 022
    mkdir root
    cd root
    ${extraCommands program}
    tar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner -cf $out .
  '';
in
dockerTools.buildLayeredImage {
  name = program.pname + suffix;
  tag = program.version;
  architecture = if pkgsStatic.stdenv.hostPlatform.isAarch64 then "arm64" else "amd64";
  # Older podman and skopeo (Debian 12) read no compressed archive.
  compressor = "none";
  extraCommands = "tar --preserve-permissions -xf ${root}";
  config = config // {
    Env = [ "PATH=/bin:/usr/bin" ];
    Labels = {
      "org.opencontainers.image.title" = program.pname + suffix;
      "org.opencontainers.image.description" = program.meta.description;
      "org.opencontainers.image.version" = program.version;
      "org.opencontainers.image.source" = program.meta.homepage;
      "org.opencontainers.image.licenses" = program.meta.license.spdxId;
    }
    // lib.optionalAttrs (revision != null) { "org.opencontainers.image.revision" = revision; };
  };
  passthru.parts = [ root ];
  meta = removeAttrs program.meta [ "mainProgram" ];
}
