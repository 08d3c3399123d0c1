# Those of NixOS' options that this project's modules and examples set, with NixOS' types.
{ lib, pkgs }:
{ config, ... }:
let
  inherit (lib) mkOption types;

  # A setting of a systemd unit: lists are joined.
  setting = lib.mkOptionType {
    name = "systemd option";
    merge =
      loc: defs:
      if lib.any (def: lib.isList def.value) defs then
        lib.concatMap (def: lib.toList def.value) defs
      else
        lib.mergeEqualOption loc defs;
  };
  option = type: default: mkOption { inherit type default; };
  settings = option (types.attrsOf setting) { };
  text = option types.lines "";
  listOf = type: option (types.listOf type) [ ];
  attrsOf = options: option (types.attrsOf (types.submodule { inherit options; })) { };

  unit = {
    description = option (types.strMatching "[^\n\r]*\n?") "";
    wantedBy = listOf (
      types.strMatching "[a-zA-Z0-9@%:_.\\-]+[.](service|socket|device|mount|automount|swap|target|path|timer|scope|slice)"
    );
    unitConfig = settings;
  };
  service =
    { name, config, ... }:
    {
      options = unit // {
        environment = option (types.attrsOf (
          types.nullOr (
            types.oneOf [
              types.str
              types.path
              types.package
            ]
          )
        )) { };
        path = listOf (types.either types.package types.str);
        preStart = text;
        script = text;
        serviceConfig = option (types.addCheck (types.attrsOf setting) (
          given:
          !given ? Type
          || lib.elem (given.Type.content or given.Type) [
            "exec"
            "simple"
            "forking"
            "oneshot"
            "dbus"
            "notify"
            "notify-reload"
            "idle"
          ]
        )) { };
      };
      config.serviceConfig = lib.mkIf (config.script != "") {
        ExecStart = "${pkgs.writeText "unit-script-${name}" config.script}";
      };
    };
in
{
  options = {
    assertions = listOf types.unspecified;
    boot.loader.grub.device = option types.str "";
    fileSystems = attrsOf {
      device = option (types.nullOr types.str) null;
      fsType = option types.str "auto";
    };
    system.stateVersion = mkOption { type = types.str; };
    environment.etc = attrsOf { source = mkOption { type = types.path; }; };
    users.users = attrsOf {
      isNormalUser = option types.bool false;
      isSystemUser = option types.bool false;
      group = option types.str "";
    };
    users.groups = attrsOf { };
    systemd.services = option (types.attrsOf (types.submodule service)) { };
    systemd.paths = attrsOf (unit // { pathConfig = settings; });
    systemd.timers = attrsOf (unit // { timerConfig = settings; });
  };
  config = {
    _module.args = { inherit pkgs; };
    assertions = lib.concatLists (
      lib.mapAttrsToList (name: user: [
        {
          assertion = user.group != "";
          message = "users.users.${name}.group is unset";
        }
        {
          assertion = user.isNormalUser != user.isSystemUser;
          message = "Exactly one of users.users.${name}.isSystemUser and users.users.${name}.isNormalUser must be set.";
        }
      ]) config.users.users
    );
  };
}
