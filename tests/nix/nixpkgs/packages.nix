# The package set: nixpkgs' names over this machine's programs.
{
  lib,
  system,
  # Empty for the machine itself, "static" for pkgsStatic, "cross" for
  # pkgsCross.aarch64-multiplatform.
  flavour ? [ ],
}:
let
  isStatic = lib.elem "static" flavour;
  isCross = lib.elem "cross" flavour;
  cpu = lib.removeSuffix "-linux" hostSystem;
  hostSystem = if isCross then "aarch64-linux" else system;
  # Where Rust and the linker are: see scripts/get-musl.
  rust = if isStatic then "/host/musl" else "/host/rust";
  targetPrefix = lib.optionalString (hostSystem != system) "${cpu}-linux-gnu-";

  packages = {
    inherit lib packages;
    pkgs = packages;
    newScope = scope: lib.callPackageWith (packages // scope);
    callPackage = packages.newScope { };
    extend =
      overlay:
      let
        final =
          packages
          // {
            pkgs = final;
            newScope = scope: lib.callPackageWith (final // scope);
            callPackage = final.newScope { };
          }
          // overlay final packages;
      in
      final;

    inherit
      (import ./stdenv.nix {
        inherit
          lib
          system
          targetPrefix
          tool
          ;
        hostPlatform = rec {
          system = hostSystem;
          config = "${cpu}-unknown-linux-${if isStatic then "musl" else "gnu"}";
          rust.cargoShortTarget = config;
          inherit isStatic;
          isLinux = true;
          isMusl = isStatic;
          isAarch64 = cpu == "aarch64";
          isx86_64 = cpu == "x86_64";
        };
      })
      stdenv
      stdenvNoCC
      binutils
      ;
    inherit (packages.stdenv) mkDerivation;

    pkgsStatic = import ./packages.nix {
      inherit lib system;
      flavour = flavour ++ [ "static" ];
    };
    pkgsCross.aarch64-multiplatform = import ./packages.nix {
      inherit lib system;
      flavour = flavour ++ [ "cross" ];
    };
    buildPackages = import ./packages.nix { inherit lib system; };

    formats.json =
      given:
      let
        inherit (lib) types;
        value =
          types.nullOr (
            types.oneOf [
              types.bool
              types.int
              types.float
              types.str
              types.path
              (types.attrsOf value)
              (types.listOf value)
            ]
          )
          // {
            description = "JSON value";
          };
      in
      builtins.seq (lib.refuseUnknown "formats.json" [ ] given) { type = value; };

    # There is no virtual machine: the machines' configurations are evaluated, and their script is
    # compiled.
    testers.runNixOSTest =
      given:
      let
        test = lib.refuseUnknown "testers.runNixOSTest" [
          "name"
          "nodes"
          "testScript"
          "meta"
        ] given;
        configure =
          node:
          (lib.evalModules {
            modules = [
              (import ./nixos-stubs.nix {
                inherit lib;
                pkgs = packages;
              })
              node
            ];
          }).config;
        show =
          config:
          assert lib.all (one: one.assertion || throw one.message) config.assertions;
          builtins.toJSON { inherit (config) systemd environment users; };
      in
      packages.runCommand "vm-test-run-${test.name}"
        {
          machines = lib.mapAttrsToList (_: node: show (configure node)) test.nodes;
          inherit (test) testScript;
          passAsFile = [ "testScript" ];
        }
        ''
          # nixpkgs' driver checks types: a machine has only its methods.
          for method in $(grep -oE '\b(${lib.concatStringsSep "|" (lib.attrNames test.nodes)})\.\w+' "$testScriptPath" | cut -d . -f 2); do
            case $method in
              execute | fail | succeed | systemctl | wait_for_file | wait_for_open_port | wait_for_unit | wait_until_succeeds) ;;
              *) echo "machine has no $method"; exit 1 ;;
            esac
          done
          # It also runs a linter: the driver's names, then the script.
          {
            echo 'start_all = subtest = retry = machines = ${
              lib.concatMapStringsSep " = " (name: name) (lib.attrNames test.nodes)
            } = None'
            cat "$testScriptPath"
          } >script.py
          /usr/bin/pyflakes3 script.py
          touch $out
        '';

    rustPlatform = packages.callPackage ./rust.nix { };
    dockerTools = packages.callPackage ./docker-tools.nix { };
  }
  // import ./builders.nix {
    inherit lib;
    inherit (packages)
      nixfmt
      shellcheck
      stdenv
      stdenvNoCC
      ;
  }
  // lib.mapAttrs (name: tool name) {
    cargo = [ "${rust}/bin/cargo" ];
    rustc = [
      "${rust}/bin/rustc"
      "${rust}/bin/rustdoc"
    ];
    clippy = [
      "/host/rust/bin/cargo-clippy"
      "/host/rust/bin/clippy-driver"
    ];
    rustfmt = [
      "/host/rust/bin/cargo-fmt"
      "/host/rust/bin/rustfmt"
    ];
    bash = [ "/usr/bin/bash" ];
    deadnix = [ "/host/cargo/bin/deadnix" ];
    nixfmt = [ "/host/cargo/bin/nixfmt" ];
    fakeroot = [
      "/usr/bin/fakeroot"
      "/usr/bin/getopt"
    ];
    help2man = [ "/usr/bin/help2man" ];
    jq = [ "/usr/bin/jq" ];
    openssl = [ "/usr/bin/openssl" ];
    shellcheck = [ "/usr/bin/shellcheck" ];
    skopeo = [ "/usr/bin/skopeo" ];
    util-linux = [ "/usr/bin/script" ];
  };

  # A package whose bin/ points at programs of this machine.
  tool =
    name: programs:
    derivation {
      name = "host-${name}";
      inherit system programs;
      builder = "/bin/bash";
      args = [
        "-euc"
        "/bin/mkdir -p $out/bin; for program in $programs; do [ -x $program ] || { echo no $program; exit 1; }; /bin/ln -s $program $out/bin/; done"
      ];
    };
in
packages
