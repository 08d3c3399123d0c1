# The static program for arm64, as releases have it.
{ pkgs }: pkgs.pkgsCross.aarch64-multiplatform.pkgsStatic.callPackage ../program.nix { }
