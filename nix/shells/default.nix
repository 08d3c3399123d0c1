# The tools for working on the crate, the flake and the images.
{
  mkShell,
  cargo,
  clippy,
  deadnix,
  nixfmt,
  rustc,
  rustfmt,
  skopeo,
}:
mkShell {
  packages = [
    cargo
    clippy
    deadnix
    nixfmt
    rustc
    rustfmt
    skopeo
  ];
}
