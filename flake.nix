{
  description = "Reproducible Hyperledger Fabric external builder for chaincode as a service";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixos-26.05";

  outputs =
    { self, nixpkgs }:
    let
      inherit (nixpkgs) lib;

      # { NAME = f DIRECTORY/NAME.nix; ... } for each file: what a directory holds is listed nowhere else.
      mapDirectory =
        f: directory:
        lib.mapAttrs' (
          file: _: lib.nameValuePair (lib.removeSuffix ".nix" file) (f (directory + "/${file}"))
        ) (builtins.readDir directory);

      # nixpkgs' packages and ours, each function called with those it names.
      scopeFor =
        pkgs:
        lib.makeScope pkgs.newScope (scope: { revision = self.rev or null; } // packagesFor pkgs scope);
      packagesFor =
        pkgs: scope:
        mapDirectory (file: scope.callPackage file { }) ./nix/packages
        # Release bits are made in one way only: on x86_64-linux.
        // lib.optionalAttrs pkgs.stdenv.hostPlatform.isx86_64 (
          mapDirectory (file: scope.callPackage file { }) ./nix/release
        );

      forSystems =
        f:
        lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
          system:
          let
            pkgs = nixpkgs.legacyPackages.${system};
            scope = scopeFor pkgs;
          in
          f scope (packagesFor pkgs scope)
        );
    in
    {
      packages = forSystems (scope: ours: ours // { default = scope.fabric-ccs-builder; });
      checks = forSystems (scope: ours: ours // mapDirectory (file: scope.callPackage file { }) ./nix/checks);
    };
}
