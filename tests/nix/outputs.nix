# The flake's outputs over the stand-in for nixpkgs, for tests that call its functions: `nix-build -E` with
# `(import tests/nix/outputs.nix).lib.x86_64-linux...`.
let
  nixpkgs = (import ./nixpkgs/flake.nix).outputs { };
  self = (import ../../flake.nix).outputs { inherit self nixpkgs; };
in
self // { inherit nixpkgs; }
