# A NixOS machine with a real peer: a declared chaincode is installed, has the declared package ID,
# and `verify` checks it.
{
  bash,
  hyperledger-fabric,
  testers,
  self,
}:
testers.runNixOSTest {
  name = "fabric-ccs-builder-peer";

  nodes.machine =
    { config, ... }:
    let
      fabric = hyperledger-fabric;
      builder = config.services.fabric-ccs-builder.package;
      folder = "/var/lib/peer0";
      environment.FABRIC_CFG_PATH = "${fabric.src}/sampleconfig";
      # NixOS units have no bash on their PATH.
      path = [
        bash
        builder
        fabric
      ];
    in
    {
      imports = [ self.nixosModules.default ];

      services.fabric-ccs-builder = {
        enable = true;
        peerUnits = [ "peer0" ];
        templateConfig.peername = "org1peer1";
        chaincodes.basic = {
          address = "{{.peername}}-basic:9999";
          indexes.owner = {
            index.fields = [ "owner" ];
            ddoc = "ownerDoc";
            type = "json";
          };
          serverUnit = "basic";
        };
        verify.enable = true;
        verify.path = "${folder}/production";
      };

      systemd.services.peer0 = {
        inherit environment path;
        wantedBy = [ "multi-user.target" ];
        preStart = "${../peer-steps.sh} prepare ${folder}";
        script = "${../peer-steps.sh} start ${folder}";
        serviceConfig = {
          User = "peer";
          StateDirectory = "peer0";
          StateDirectoryMode = "0700";
        };
      };
      systemd.services.check = {
        inherit environment path;
        script = "${../peer-steps.sh} check ${folder} ${config.services.fabric-ccs-builder.chaincodes.basic.package}";
        serviceConfig.Type = "oneshot";
      };
      systemd.services.basic = {
        script = ''test "$CHAINCODE_ID" = "$(cat ${config.services.fabric-ccs-builder.chaincodes.basic.package}/package-id)"'';
        serviceConfig.Type = "oneshot";
      };
      users.users.peer = {
        isSystemUser = true;
        group = "peer";
      };
      users.groups.peer = { };
    };

  testScript = ''
    machine.wait_for_unit("peer0.service")
    machine.wait_for_open_port(7051)
    machine.succeed("test -e /etc/fabric-ccs-builder/packages/basic.tar.gz")
    # The chaincode server's unit has the package ID.
    machine.succeed("systemctl start basic.service")
    # Install, queryinstalled, verify, and one flipped byte.
    machine.succeed("systemctl start check.service")

    # The timer's unit is confined, yet can read what otherwise only the peer can.
    machine.succeed("systemctl is-active fabric-ccs-builder-verify.timer")
    machine.succeed("systemctl start fabric-ccs-builder-verify.service")
    machine.succeed("printf X | dd of=$(ls /var/lib/peer0/production/externalbuilder/builds/*/release/chaincode/server/connection.json) conv=notrunc")
    machine.fail("systemctl start fabric-ccs-builder-verify.service")
  '';
}
