{ callPackage, nixfmt }: callPackage ../nix-check.nix { } "nixfmt" [ nixfmt ] "nixfmt --check"
