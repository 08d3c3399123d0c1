{
  description = "Host-backed stand-in for nixpkgs: see ../README.md";

  outputs =
    _:
    let
      lib = import ./lib.nix;
    in
    {
      lib = lib // {
        # A system with only what this project's modules set: it builds the content of /etc and
        # checks the assertions.
        nixosSystem =
          given:
          let
            args = lib.refuseUnknown "nixosSystem" [ "system" "modules" "specialArgs" ] given;
            pkgs = import ./packages.nix {
              inherit lib;
              inherit (args) system;
            };
            inherit
              (lib.evalModules {
                modules = [ (import ./nixos-stubs.nix { inherit lib pkgs; }) ] ++ args.modules;
              })
              config
              ;
          in
          {
            config = config // {
              system.build.toplevel =
                assert lib.all (one: one.assertion || throw "Failed assertions: ${one.message}") config.assertions;
                pkgs.runCommand "nixos-system" { units = builtins.toJSON config.systemd; } (
                  "mkdir $out\n"
                  + lib.concatStrings (
                    lib.mapAttrsToList (
                      name: file: "mkdir -p $out/$(dirname ${name}); cp ${file.source} $out/${name}\n"
                    ) config.environment.etc
                  )
                );
            };
          };
      };
      legacyPackages = lib.genAttrs [ "x86_64-linux" "aarch64-linux" ] (
        system: import ./packages.nix { inherit lib system; }
      );
    };
}
