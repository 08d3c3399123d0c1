# The NixOS module, services.fabric-ccs-builder. `self` is the flake, which provides the packages.
# Without importApply, a module that a function returns has no name in error messages.
self:
{ lib, ... }:
{
  # With a key, importing it twice is the same as once.
  key = "fabric-ccs-builder";
  imports = [
    (lib.modules.importApply ./builder.nix self)
    (lib.modules.importApply ./chaincodes.nix self)
    ./rebuild.nix
    ./verify.nix
  ];
}
