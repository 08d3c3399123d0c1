{
  description = "Reproducible Hyperledger Fabric external builder for chaincode as a service";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      # { NAME = f DIRECTORY/NAME.nix; } for each file: what a directory holds is written down nowhere else.
      mapDirectory =
        f: directory:
        lib.mapAttrs' (
          file: _: lib.nameValuePair (lib.removeSuffix ".nix" file) (f (directory + "/${file}"))
        ) (builtins.readDir directory);

      forSystems =
        f:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
          system:
          let
            pkgs = nixpkgs.legacyPackages.${system};
            scope = lib.makeScope pkgs.newScope (_: all // { inherit self; });
            callAll = mapDirectory (file: scope.callPackage file { });
            all =
              callAll ./nix/packages // lib.optionalAttrs (system == "x86_64-linux") (callAll ./nix/release);
            # Release bits are made in one way only, on x86_64-linux. What nixpkgs has no part for is null.
            present = lib.filterAttrs (_: value: value != null);
            call = directory: present (callAll directory);
            packages = present all;
          in
          f { inherit call packages pkgs; }
        );
    in
    {
      packages = forSystems ({ packages, ... }: packages // { default = packages.fabric-ccs-builder; });
      lib = forSystems ({ call, ... }: call ./nix/lib);

      apps = forSystems (
        { call, ... }:
        lib.mapAttrs (_: program: {
          type = "app";
          program = lib.getExe program;
          meta = { inherit (program.meta) description; };
        }) (call ./nix/apps)
      );

      checks = forSystems ({ call, packages, ... }: packages // call ./nix/checks // call ./nix/tests);

      devShells = forSystems ({ call, ... }: call ./nix/shells);

      formatter = forSystems ({ pkgs, ... }: pkgs.nixfmt-tree);

      nixosModules.default = import ./nix/nixos self;

      overlays.default = import ./nix/overlay.nix;
    };
}
