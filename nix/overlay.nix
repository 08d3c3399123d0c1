# The package, built from the package set that the overlay is applied to.
final: _: { fabric-ccs-builder = final.callPackage ./packages/fabric-ccs-builder.nix { }; }
