# A timer that compares a peer's builds with its packages, or with what `build` recorded.
{ config, lib, ... }:
let
  inherit (lib) mkOption types;
  cfg = config.services.fabric-ccs-builder;
  service = import ./service.nix { inherit lib; };
  inherit (cfg.verify) builds user;
in
{
  options.services.fabric-ccs-builder.verify = {
    enable = lib.mkEnableOption ''
      a timer that runs `verify` over the peer's builds. Its unit, `fabric-ccs-builder-verify.service`, fails on a
      difference (status 1), and also if something cannot be determined (status 2). Another builder's builds can only
      be recognised by their packages: if the peer has such builds, set
      {option}`services.fabric-ccs-builder.verify.builds` to its `peer.fileSystemPath`
    '';
    builds = service.path "/externalbuilder/builds" "The peer's `peer.fileSystemPath`, to verify its builds from its packages, or `externalbuilder/builds` below it, to verify them from their records.";
    startAt = mkOption {
      type = types.str;
      default = "daily";
      example = "hourly";
      description = "When to run it, in the format of {manpage}`systemd.time(7)`.";
    };
    user = service.user "The user to run it as: the peer's, who can read the builds. Null means a user created for the run, with the one capability to read every file.";
  };

  config = lib.mkIf (cfg.enable && cfg.verify.enable) {
    assertions = [ (service.beginsWithSlash "services.fabric-ccs-builder.verify.builds" builds) ];

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
      unitConfig.ConditionPathIsDirectory = service.forUnit builds;
      serviceConfig = {
        Type = "oneshot";
        ExecStart = "${lib.getExe cfg.package} verify ${service.argument builds}";
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
