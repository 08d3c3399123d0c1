# rustPlatform with this machine's Rust or, in pkgsStatic, with the one for musl from
# scripts/get-musl. The crates come from /host/vendor (scripts/get-nix makes it with `cargo
# vendor`), and cargo compares them with Cargo.lock.
{
  lib,
  stdenv,
  cargo,
  rustc,
}:
let
  extend =
    args:
    let
      lock = args.cargoLock.lockFile or (throw "buildRustPackage: this project gives cargoLock.lockFile");
      checked = lib.refuseUnknown "importCargoLock" [
        "lockFile"
        "lockFileContents"
        "outputHashes"
        "extraRegistries"
        "allowBuiltinFetchGit"
      ] args.cargoLock;
      git = lib.filter (
        package: package ? source && !lib.hasPrefix "registry+" package.source
      ) (lib.importTOML checked.lockFile).package;
    in
    if args ? useFetchCargoVendor then
      throw "buildRustPackage: useFetchCargoVendor is non‐optional and enabled by default as of 25.05, remove it"
    else if args ? cargoSha256 then
      throw "buildRustPackage: cargoSha256 is gone"
    else if git != [ ] then
      throw "importCargoLock: no hash was found for a git dependency: ${toString (map (p: p.name) git)}"
    else if !stdenv.hostPlatform.isStatic && !stdenv.buildPlatform.canExecute stdenv.hostPlatform then
      throw "there is no Rust for ${stdenv.hostPlatform.config} here"
    else
      removeAttrs args [ "cargoLock" ]
      // {
        cargoLockFile = lock;
        rustHooks = ./rust-hooks.sh;
        rustTarget = stdenv.hostPlatform.rust.cargoShortTarget;
        linker = "/usr/bin/${stdenv.cc.targetPrefix}gcc";
        isStatic = stdenv.hostPlatform.isStatic;
        doCheck = args.doCheck or true;
        buildType = args.buildType or "release";
        checkType = args.checkType or "release";
        nativeBuildInputs = (args.nativeBuildInputs or [ ]) ++ [
          cargo
          rustc
        ];
        strictDeps = true;
        CARGO_PROFILE_RELEASE_STRIP = "false";
      };
in
{
  buildRustPackage =
    definition:
    stdenv.mkDerivation (
      if lib.isFunction definition then final: extend (definition final) else extend definition
    );
}
