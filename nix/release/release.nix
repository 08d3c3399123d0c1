# Exactly the files of a release.
{
  lib,
  callPackage,
  runCommand,
  fabric-ccs-builder,
  program-arm64,
  image-amd64,
  image-arm64,
  image-minimal-amd64,
  image-minimal-arm64,
  option-reference,
  sbom,
}:
let
  inherit (fabric-ccs-builder) pname version;
  name = "${pname}-${version}";
  images = callPackage ../oci-layout.nix { } {
    "${pname}:${version}" = [
      image-amd64
      image-arm64
    ];
    "${pname}-minimal:${version}" = [
      image-minimal-amd64
      image-minimal-arm64
    ];
  };
  # Hosts without a network read them there.
  documents = lib.fileset.toSource {
    root = ../..;
    fileset = lib.fileset.unions [
      ../../CHANGELOG.md
      ../../CONTRIBUTING.md
      ../../LICENSE
      ../../README.md
      ../../RELEASING.md
      ../../SECURITY.md
      ../../docs
    ];
  };
  # The modification time and the compressor's header are fixed, so archives of the same files are
  # identical.
  archive = system: program: ''
    mkdir -p archive/${name}-${system}
    cp -R ${program}/{bin,share} ${documents}/* archive/${name}-${system}
    tar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C archive -cf - ${name}-${system} |
      gzip -n -9 >$out/${name}-${system}.tar.gz
  '';
in
runCommand "${name}-release"
  {
    # What has to be built again to rebuild a release: Nix rebuilds only what it is told to.
    passthru.parts = lib.concatMap (part: (part.parts or [ ]) ++ [ part ]) [
      fabric-ccs-builder
      program-arm64
      image-amd64
      image-arm64
      image-minimal-amd64
      image-minimal-arm64
      images
      option-reference
      sbom
    ];
    meta.description = "The files of a release of ${pname}";
  }
  ''
    mkdir $out
    ${archive "x86_64-linux" fabric-ccs-builder}
    ${archive "aarch64-linux" program-arm64}
    cp ${image-amd64} $out/${name}-image-x86_64.tar
    cp ${image-arm64} $out/${name}-image-aarch64.tar
    cp ${image-minimal-amd64} $out/${name}-image-minimal-x86_64.tar
    cp ${image-minimal-arm64} $out/${name}-image-minimal-aarch64.tar
    cp ${images} $out/${name}-images.oci.tar
    cp ${option-reference} $out/${name}-options.md
    cp ${sbom} $out/${name}.cdx.json
    (export LC_ALL=C; cd $out && sha256sum -- *) >SHA256SUMS
    mv SHA256SUMS $out
  ''
