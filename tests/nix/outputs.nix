# The outputs with the stand-in for nixpkgs, for tests that call its functions: `nix-build -E` with
# `(import tests/nix/outputs.nix).lib.x86_64-linux...`.
import ../../default.nix { nixpkgs = ./nixpkgs; }
// {
  nixpkgs = (import ./nixpkgs/flake.nix).outputs { };
}
