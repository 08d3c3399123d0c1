# Linked statically, so that it runs in any peer image.
{ pkgsStatic }: pkgsStatic.callPackage ../program.nix { }
