{
  description = "Reproducible Hyperledger Fabric external builder for chaincode as a service";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      forSystems =
        f:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
          system:
          let
            pkgs = nixpkgs.legacyPackages.${system};
            scope = lib.makeScope pkgs.newScope (_: packages // { inherit self; });
            # { NAME = DIRECTORY/NAME.nix, called; }: no other list says what a directory holds.
            call =
              directory:
              lib.mapAttrs' (
                file: _:
                lib.nameValuePair (lib.removeSuffix ".nix" file) (scope.callPackage (directory + "/${file}") { })
              ) (builtins.readDir directory);
            callIf = condition: directory: lib.optionalAttrs condition (call directory);
            # Which outputs exist depends on no output, so one that throws breaks no other. Releases
            # and tests in virtual machines are for one system only.
            hasPeer = pkgs ? hyperledger-fabric;
            isMain = system == "x86_64-linux";
            packages = call ./nix/packages // callIf isMain ./nix/release // callIf hasPeer ./nix/peer;
            tests = callIf (hasPeer && isMain) ./nix/tests;
          in
          f {
            inherit call pkgs packages;
            checks = packages // call ./nix/checks // tests;
          }
        );

      runnable = {
        default = null;
        verify-release = null;
      };
      app = program: {
        type = "app";
        program = lib.getExe program;
        meta = { inherit (program.meta) description; };
      };
    in
    {
      packages = forSystems (of: of.packages);
      lib = forSystems (of: of.call ./nix/lib);
      apps = forSystems (of: lib.mapAttrs (_: app) (builtins.intersectAttrs runnable of.packages));
      checks = forSystems (of: of.checks);
      devShells = forSystems (of: of.call ./nix/shells);
      formatter = forSystems (of: of.pkgs.nixfmt-tree);
      nixosModules.default = lib.modules.importApply ./nix/nixos self;
      overlays.default = import ./nix/overlay.nix;
    };
}
