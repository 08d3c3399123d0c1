# A peer's image with our programs where the default core.yaml looks for an external builder, so
# core.yaml needs no change.
#
#   mkPeerImage { }
#   mkPeerImage { fabric = pkgs.hyperledger-fabric; name = "registry.example.com/peer"; tag = "3.1.4"; }
{
  lib,
  busybox,
  cacert,
  dockerTools,
  fabric-ccs-builder,
  runCommand,
  self,
  hyperledger-fabric ? null,
}:
{
  # A package with bin/peer.
  fabric ? hyperledger-fabric,
  # The peer's configuration: by default, the one that comes with Fabric.
  coreYaml ? "${fabric.src}/sampleconfig/core.yaml",
  name ? "fabric-peer-ccs-builder",
  tag ? fabric-ccs-builder.version,
  # The user and group it runs as, who own /var/hyperledger.
  uid ? 7051,
}:
let
  # Only this program of the package. What it refers to in the Nix store comes with it, above all
  # its C library.
  peer = runCommand "peer" { } ''
    install -D -m 0755 -t $out/bin ${fabric}/bin/peer
  '';
  revision = self.rev or null;
  builder = "opt/hyperledger/ccaas_builder";
in
dockerTools.buildLayeredImage {
  inherit name tag;
  compressor = "none";
  contents = [
    busybox
    cacert
    peer
  ];
  extraCommands = ''
    mkdir -p ${builder}/bin
    cp -P ${fabric-ccs-builder}/bin/* ${builder}/bin
    chmod 0755 ${builder}/bin/${fabric-ccs-builder.meta.mainProgram}
    install -D -m 0644 ${coreYaml} etc/hyperledger/fabric/core.yaml
    if ! grep -q 'path: /${builder}$' etc/hyperledger/fabric/core.yaml; then
      echo "core.yaml has no external builder at /${builder}: set coreYaml to one that has it" >&2
      exit 1
    fi
    echo 'hosts: files dns' >etc/nsswitch.conf
    echo 'root:x:0:0:root:/:/bin/sh' >etc/passwd
    echo 'peer:x:${toString uid}:${toString uid}:peer:/var/hyperledger:/bin/sh' >>etc/passwd
    printf 'root:x:0:\npeer:x:${toString uid}:\n' >etc/group
    mkdir -p var/hyperledger tmp
  '';
  # A new volume at /var/hyperledger inherits its owner.
  fakeRootCommands = ''
    chown ${toString uid}:${toString uid} var/hyperledger
    chmod 0700 var/hyperledger
    chmod 1777 tmp
  '';
  config = {
    User = "${toString uid}:${toString uid}";
    Cmd = [
      "peer"
      "node"
      "start"
    ];
    Env = [
      "PATH=/bin"
      "FABRIC_CFG_PATH=/etc/hyperledger/fabric"
      "SSL_CERT_FILE=/etc/ssl/certs/ca-bundle.crt"
    ];
    # The peer and its operations service.
    ExposedPorts = {
      "7051/tcp" = { };
      "9443/tcp" = { };
    };
    Volumes."/var/hyperledger" = { };
    WorkingDir = "/var/hyperledger";
    Labels = {
      "org.opencontainers.image.title" = baseNameOf name;
      "org.opencontainers.image.description" =
        "Hyperledger Fabric peer with ${fabric-ccs-builder.pname} ${fabric-ccs-builder.version}";
      "org.opencontainers.image.version" = tag;
      "org.opencontainers.image.source" = fabric-ccs-builder.meta.homepage;
      "org.opencontainers.image.licenses" = fabric-ccs-builder.meta.license.spdxId;
    }
    // lib.optionalAttrs (revision != null) { "org.opencontainers.image.revision" = revision; };
  };
  meta.description = "Image of a Hyperledger Fabric peer with ${fabric-ccs-builder.pname}";
}
