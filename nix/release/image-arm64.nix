# The image for arm64, as releases have it.
{ callPackage, pkgs }:
callPackage ../packages/image.nix { inherit (pkgs.pkgsCross.aarch64-multiplatform) pkgsStatic; }
