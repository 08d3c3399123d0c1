{ callPackage }:
callPackage ../cargo-check.nix { } "doc" [
] "RUSTDOCFLAGS='--deny warnings' cargo doc --frozen --no-deps --document-private-items"
