# The NixOS module, services.fabric-ccs-builder. `self` is the flake, whose packages it takes. importApply, as a module that
# is a function's result has no name in error messages otherwise.
self:
{ lib, ... }:
{
  # Imported twice, it is one module.
  key = "fabric-ccs-builder";
  imports = [
    (lib.modules.importApply ./builder.nix self)
    (lib.modules.importApply ./chaincodes.nix self)
    ./verify.nix
  ];
}
