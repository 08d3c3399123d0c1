# A timer that compares a peer's builds with its packages.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.fabric-ccs-builder;
  service = import ./service.nix { inherit lib cfg; };
  inherit (cfg.verify) path user;
in
{
  options.services.fabric-ccs-builder.verify = {
    enable = lib.mkEnableOption ''
      a timer that runs `verify` on the peer's files. Its unit, `fabric-ccs-builder-verify.service`, fails on a
      difference (status 1), and also if something cannot be determined (status 2). If peers have values of their own for
      templates, {option}`services.fabric-ccs-builder.rebuild.peer` selects whose values are used; without it, builds
      with templates cannot be verified
    '';
    inherit (service) path;
    startAt = mkOption {
      type = types.str;
      default = "daily";
      example = "hourly";
      description = "When to run it, in the format of {manpage}`systemd.time(7)`.";
    };
    user = service.user "The user to run it as: the peer's, who can read the builds. Null means a user created for the run, with the one capability to read every file.";
  };

  config = lib.mkIf (cfg.enable && cfg.verify.enable) {
    assertions = [ (service.beginsWithSlash "services.fabric-ccs-builder.verify.path" path) ];

    systemd.timers.fabric-ccs-builder-verify = {
      description = "Regularly compare the chaincode builds of a Fabric peer with its packages";
      wantedBy = [ "timers.target" ];
      timerConfig = {
        OnCalendar = cfg.verify.startAt;
        # Catches up on a run that was missed while the host was off.
        Persistent = true;
      };
    };

    systemd.services.fabric-ccs-builder-verify = {
      description = "Compare the chaincode builds of a Fabric peer with its packages";
      environment = lib.mkIf service.isKnown service.environment;
      unitConfig.ConditionPathIsDirectory = service.forUnit "${path}/lifecycle/chaincodes";
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${lib.getExe cfg.package} verify ${service.argument path}";
      }
      // import ./hardening.nix
      // (
        if user == null then
          {
            DynamicUser = true;
            # A peer's builds have mode 0700. This capability allows reading any file, and writing
            # none.
            CapabilityBoundingSet = "CAP_DAC_READ_SEARCH";
            AmbientCapabilities = "CAP_DAC_READ_SEARCH";
          }
        else
          {
            User = user;
            CapabilityBoundingSet = "";
          }
      );
    };
  };
}
