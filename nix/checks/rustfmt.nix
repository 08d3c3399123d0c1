{ callPackage, rustfmt }:
callPackage ../cargo-check.nix { } "rustfmt" [ rustfmt ] "cargo fmt --check"
