# An OCI image: one layer of real files, labels, and the architecture of the package set that its programs are from.
{
  lib,
  dockerTools,
  pkgsStatic,
  self,
  suffix ? "",
  # Takes the program, gives the shell commands that put the files into the image's root.
  extraCommands,
  config,
}:
let
  program = pkgsStatic.callPackage ./program.nix { };
  # The commit, when it is known.
  revision = self.rev or null;
in
dockerTools.buildLayeredImage {
  name = program.pname + suffix;
  tag = program.version;
  architecture = if pkgsStatic.stdenv.hostPlatform.isAarch64 then "arm64" else "amd64";
  # Older podman and skopeo (Debian 12) read no compressed archive.
  compressor = "none";
  extraCommands = extraCommands program;
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
  meta = removeAttrs program.meta [ "mainProgram" ];
}
