# The image of nixpkgs' peer.
{ callPackage }: callPackage ../lib/mkPeerImage.nix { } { }
