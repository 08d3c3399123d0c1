# cargo's phases. RUSTFLAGS in the environment replaces the configured flags, so a package that sets
# it must ask for crt-static itself: the same pitfall as in nixpkgs.
export CARGO_HOME=$NIX_BUILD_TOP/cargo-home CARGO_PROFILE_RELEASE_STRIP CARGO_INCREMENTAL=0

configurePhase() {
  runHook preConfigure
  # nixpkgs' hook compares the source's lock with the vendored one in the same way too.
  diff Cargo.lock "$cargoLockFile"
  cp -r /host/vendor "$NIX_BUILD_TOP/cargo-vendor-dir"
  mkdir -p "$CARGO_HOME"
  {
    printf '[source.crates-io]\nreplace-with = "vendored"\n[source.vendored]\ndirectory = "%s"\n' "$NIX_BUILD_TOP/cargo-vendor-dir"
    if [ -n "${isStatic-}" ]; then sign=+; else sign=-; fi
    printf '[target.%s]\nlinker = "%s"\nrustflags = ["-C", "target-feature=%scrt-static"]\n' "$rustTarget" "$linker" "$sign"
  } >"$CARGO_HOME/config.toml"
  runHook postConfigure
}

buildPhase() {
  runHook preBuild
  cargo build -j "$NIX_BUILD_CORES" --offline --frozen --target "$rustTarget" --profile "$buildType"
  runHook postBuild
}

checkPhase() {
  runHook preCheck
  RUST_TEST_THREADS=$NIX_BUILD_CORES cargo test -j "$NIX_BUILD_CORES" --offline --frozen --target "$rustTarget" --profile "${checkType/debug/dev}"
  runHook postCheck
}

installPhase() {
  runHook preInstall
  mkdir -p "$out/bin"
  find "target/$rustTarget/$buildType" -maxdepth 1 -type f -executable ! -name '*.so' -exec cp -t "$out/bin" {} +
  runHook postInstall
}
