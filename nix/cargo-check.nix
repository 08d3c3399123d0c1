# One command over the crate's sources and dependencies, of which only the exit status is kept.
{ callPackage }:
name: tools: command:
(callPackage ./program.nix { }).overrideAttrs (old: {
  pname = "${old.pname}-${name}";
  nativeBuildInputs = (old.nativeBuildInputs or [ ]) ++ tools;
  buildPhase = command;
  doCheck = false;
  installPhase = "touch $out";
})
