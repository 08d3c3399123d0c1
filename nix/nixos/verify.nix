# A timer that compares what the peers run with what `build` recorded.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.fabric-ccs-builder;
  option = "services.fabric-ccs-builder.verify";
  # systemd expands % in a unit.
  forUnit = lib.replaceStrings [ "%" ] [ "%%" ];
in
{
  options.services.fabric-ccs-builder.verify = {
    enable = lib.mkEnableOption ''
      a timer that runs `verify` over the peer's builds. Its unit, `fabric-ccs-builder-verify.service`, fails on a
      difference (status 1), and also if something cannot be determined (status 2), as for a build by another builder:
      if the peer has such builds, add 2 to the unit's `SuccessExitStatus`
    '';
    builds = mkOption {
      type = types.str;
      default = "/var/hyperledger/production/externalbuilder/builds";
      example = "/var/lib/peer0/externalbuilder/builds";
      description = "The peer's `peer.fileSystemPath`, to verify its builds from its packages, or `externalbuilder/builds` below it, to verify them from their records. It need not exist yet: until it does, nothing runs.";
    };
    startAt = mkOption {
      type = types.str;
      default = "daily";
      example = "hourly";
      description = "When to run it, in the format of {manpage}`systemd.time(7)`.";
    };
    user = mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "peer";
      description = ''
        The user to run it as: the peer's, who can read the builds. Null means a user created for the run, with the one
        capability to read every file.
      '';
    };
  };

  config = lib.mkIf (cfg.enable && cfg.verify.enable) {
    assertions = [
      {
        assertion = lib.hasPrefix "/" cfg.verify.builds;
        message = "${option}.builds: \"${cfg.verify.builds}\" does not begin with a /";
      }
    ];

    systemd.timers.fabric-ccs-builder-verify = {
      description = "Compare the chaincode builds of a Fabric peer with their records, regularly";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnCalendar = cfg.verify.startAt;
        # Catches up on a run that was missed while the host was off.
        Persistent = true;
      };
    };

    systemd.services.fabric-ccs-builder-verify = {
      description = "Compare the chaincode builds of a Fabric peer with their records";
      unitConfig.ConditionPathIsDirectory = forUnit cfg.verify.builds;
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${lib.getExe cfg.package} verify ${
          # In commands, systemd expands $ too.
          lib.replaceStrings [ "$" ] [ "$$" ] (forUnit (builtins.toJSON cfg.verify.builds))
        }";
      }
      // import ./hardening.nix
      // (
        if cfg.verify.user == null then
          {
            DynamicUser = true;
            # A peer's builds have mode 0700. This capability allows reading any file, and writing
            # none.
            CapabilityBoundingSet = "CAP_DAC_READ_SEARCH";
            AmbientCapabilities = "CAP_DAC_READ_SEARCH";
          }
        else
          {
            User = cfg.verify.user;
            CapabilityBoundingSet = "";
          }
      );
    };
  };
}
