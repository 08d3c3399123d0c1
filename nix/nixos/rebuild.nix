# A service that builds a peer's installed chaincode again when the values for its templates change.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.fabric-ccs-builder;
  option = "services.fabric-ccs-builder.rebuild";
  service = import ./service.nix { inherit lib cfg; };
  inherit (service) argument forUnit values;
  inherit (cfg.rebuild) path;
  # The files that the values name.
  files = lib.filter (file: file != null) (
    lib.mapAttrsToList (_: value: if lib.isAttrs value then value.file or null else null) values
  );
  units = map (lib.removeSuffix ".service") (cfg.peerUnits ++ lib.attrNames cfg.peers);
in
{
  options.services.fabric-ccs-builder.rebuild = {
    enable = lib.mkEnableOption ''
      a service that runs `rebuild` on a peer's installed chaincode when the host starts or is switched to another
      configuration, and when a file of {option}`services.fabric-ccs-builder.templateFiles` changes. The peer dials the
      new address the next time it connects to the chaincode. The unit, `fabric-ccs-builder-rebuild.service`,
      fails if a package is refused or could not be rebuilt
    '';
    inherit (service) path;
    peer = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "fabric-peer0";
      description = ''
        Which of {option}`services.fabric-ccs-builder.peers` this is, so that its values for templates are used, by `verify`
        too. Not needed if no peer has values of its own.
      '';
    };
    user = service.user "The peer's user, who owns the builds and can read the files of {option}`services.fabric-ccs-builder.templateFiles`. Required.";
  };

  config = lib.mkIf (cfg.enable && cfg.rebuild.enable) {
    assertions = [
      (service.beginsWithSlash "${option}.path" path)
      {
        assertion = cfg.rebuild.user != null;
        message = "${option}.user: is not given; name the peer's user, who owns its builds";
      }
      {
        assertion = service.isKnown;
        message = "${option}.peer: is not one of services.fabric-ccs-builder.peers; name the one whose path is rebuilt: its values for templates differ from those of others";
      }
    ];

    systemd.paths.fabric-ccs-builder-rebuild = lib.mkIf (files != [ ]) {
      description = "Watch the keys and certificates for chaincode of a Fabric peer";
      wantedBy = [ "multi-user.target" ];
      pathConfig.PathChanged = map forUnit files;
    };

    systemd.services.fabric-ccs-builder-rebuild = {
      description = "Rebuild the installed chaincode of a Fabric peer";
      # It does not stay active, so every switch starts it, even without a change. A changed
      # configuration also restarts the peers, which then find what it has made.
      wantedBy = [ "multi-user.target" ];
      inherit (service) environment;
      unitConfig = {
        Before = map (unit: "${unit}.service") (lib.unique units);
        ConditionPathIsDirectory = map (folder: forUnit "${path}/${folder}") [
          "lifecycle/chaincodes"
          "externalbuilder/builds"
        ];
      };
      serviceConfig = import ./hardening.nix // {
        Type = "oneshot";
        ExecStart = "${lib.getExe cfg.package} rebuild --name ${argument cfg.name} ${argument path}";
        # A peer must not wait for ever.
        TimeoutStartSec = "5min";
        User = cfg.rebuild.user;
        CapabilityBoundingSet = "";
        ReadWritePaths = forUnit (builtins.toJSON "${path}/externalbuilder/builds");
        SystemCallFilter = [
          "@system-service"
          "~@privileged @resources"
          # A file keeps its group.
          "@chown"
        ];
      };
    };
  };
}
