# The NixOS module, services.fabric-ccs-builder. `self` is the flake, whose packages it takes.
self: {
  # Imported twice, it is one module.
  key = "fabric-ccs-builder";
  imports = [
    (import ./builder.nix self)
    (import ./chaincodes.nix self)
    ./verify.nix
  ];
}
