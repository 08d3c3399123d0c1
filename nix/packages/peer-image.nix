# The image of nixpkgs' peer. Null, so no output, where nixpkgs has no peer or refuses it.
{
  callPackage,
  pkgs,
}:
let
  fabric = builtins.tryEval (
    let
      package = pkgs.hyperledger-fabric or null;
    in
    # Its attribute may be there to say that it was removed.
    if package == null then null else builtins.seq package.outPath package
  );
in
if fabric.success && fabric.value != null then
  callPackage ../lib/mkPeerImage.nix { } { fabric = fabric.value; }
else
  null
