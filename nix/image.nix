# An OCI image: one layer of real files, labels, and the architecture of the package set its
# programs come from.
{
  lib,
  dockerTools,
  pkgsStatic,
  runCommand,
  self,
  suffix ? "",
  # Takes the program and returns shell commands that put the files into the image's root, which is
  # their working directory.
  extraCommands,
  config,
}:
let
  program = pkgsStatic.callPackage ./program.nix { };
  # The commit, if it is known.
  revision = self.rev or null;

  # A separate derivation, so that it can be rebuilt separately. The modes of folders are set,
  # regardless of the build's umask.
  root = runCommand "${program.pname}${suffix}-root.tar" { } ''
    umask 022
    mkdir root
    cd root
    ${extraCommands program}
    # For `check` and `rebuild`, where nothing is mounted on it.
    mkdir -m 1777 tmp
    tar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner -cf $out .
  '';
in
dockerTools.buildLayeredImage {
  name = program.pname + suffix;
  tag = program.version;
  architecture = if pkgsStatic.stdenv.hostPlatform.isAarch64 then "arm64" else "amd64";
  # Older podman and skopeo (Debian 12) cannot read compressed archives.
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
