# For Nix without flakes: `nix-shell`.
{
  system ? builtins.currentSystem,
}:
(import ./. { inherit system; }).devShells.${system}.default
