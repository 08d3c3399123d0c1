{ callPackage, clippy }:
callPackage ../cargo-check.nix { } "clippy" [
  clippy
] "cargo clippy --frozen --all-targets -- --deny warnings"
