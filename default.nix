# For Nix without flakes, over the same flake.lock: the flake's outputs, with the packages of one
# system at the top.
#
#   nix-build -A image
#   imports = [ (import ./fabric-ccs-builder { }).nixosModules.default ];
let
  inherit ((builtins.fromJSON (builtins.readFile ./flake.lock)).nodes.nixpkgs) locked;
in
{
  system ? builtins.currentSystem,
  nixpkgs ? fetchTarball {
    url = "https://github.com/${locked.owner}/${locked.repo}/archive/${locked.rev}.tar.gz";
    sha256 = locked.narHash;
  },
}:
let
  # Of the metadata that Nix has about a flake's source, only the revision gets into our outputs;
  # here it is unknown.
  call =
    folder: inputs:
    let
      self = (import (folder + "/flake.nix")).outputs (inputs // { inherit self; });
    in
    self;
  flake = call ./. { nixpkgs = call nixpkgs { }; };
in
flake // flake.packages.${system}
