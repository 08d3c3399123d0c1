# Runs one command on the crate's sources and dependencies, and keeps only its exit status.
{ callPackage }:
name: tools: command:
(callPackage ./program.nix { }).overrideAttrs (old: {
  pname = "${old.pname}-${name}";
  nativeBuildInputs = (old.nativeBuildInputs or [ ]) ++ tools;
  buildPhase = command;
  doCheck = false;
  installPhase = "touch $out";
})
