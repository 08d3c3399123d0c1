{ callPackage, deadnix }: callPackage ../nix-check.nix { } "deadnix" [ deadnix ] "deadnix --fail"
