# The minimal image for arm64, as releases have it.
{ callPackage, pkgs }:
callPackage ../packages/image-minimal.nix {
  inherit (pkgs.pkgsCross.aarch64-multiplatform) pkgsStatic;
}
