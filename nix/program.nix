# The program, laid out as a builder folder: externalBuilders.path can be the store path of this
# package. Its man pages and completions are in share.
{
  lib,
  stdenv,
  rustPlatform,
  util-linux,
}:
let
  manifest = (lib.importTOML ../Cargo.toml).package;
  released = (lib.importTOML ../musl/flags.toml).target.${stdenv.hostPlatform.config}.rustflags;

  # RUSTFLAGS replaces the flags that nixpkgs configures, so it has to ask for static linking again.
  # Without the remapping, the build folder's name, random outside a sandbox, would reach the
  # program through its panic messages.
  setFlags = static: ''
    export RUSTFLAGS="--remap-path-prefix=$NIX_BUILD_TOP=/build ${lib.optionalString stdenv.hostPlatform.isStatic static}"
  '';
in
rustPlatform.buildRustPackage {
  pname = manifest.name;
  inherit (manifest) version;

  src = lib.fileset.toSource {
    root = ../.;
    fileset = lib.fileset.unions [
      # A test compares its map of the code with the code.
      ../CONTRIBUTING.md
      ../Cargo.lock
      ../Cargo.toml
      ../benches
      ../completions
      ../man
      ../musl
      ../src
      # The crate's tests, but not those of this flake.
      (lib.fileset.difference ../tests ../tests/nix)
    ];
  };
  cargoLock.lockFile = ../Cargo.lock;

  strictDeps = true;
  __structuredAttrs = true;

  preBuild = setFlags (toString released);
  # The harness must catch panics, so it is built without the release's flags; it tests the program
  # that was built with them.
  preCheck = ''
    ${setFlags "-C target-feature=+crt-static"}
    export TESTED_PROGRAM=$PWD/target/${stdenv.hostPlatform.rust.cargoShortTarget}/release/${manifest.name}
  '';

  # Otherwise nixpkgs keeps function names, a quarter of the size.
  stripAllList = [ "bin" ];

  postInstall = ''
    for name in detect build release; do
      ln -s ${manifest.name} $out/bin/$name
    done
    install -D -m 0644 -t $out/share/man/man1 man/*
    install -D -m 0644 -t $out/share/bash-completion/completions completions/*.bash
    install -D -m 0644 -t $out/share/fish/vendor_completions.d completions/*.fish
    install -D -m 0644 -t $out/share/zsh/site-functions completions/_*
  '';

  # Without the release profile's link-time optimisation the harness is compiled in a third of the
  # time.
  checkType = "debug";
  # script, which gives a program a terminal. Not strace, which may not trace in every sandbox:
  # scripts/ci runs the tests that need it.
  nativeCheckInputs = [ util-linux ];

  # A static program refers to nothing, so it can be copied into a peer without its closure.
  outputChecks = lib.optionalAttrs stdenv.hostPlatform.isStatic { out.allowedReferences = [ ]; };

  meta = {
    inherit (manifest) description;
    homepage = manifest.repository;
    license = lib.licenses.asl20;
    mainProgram = manifest.name;
    platforms = lib.platforms.linux;
  };
}
