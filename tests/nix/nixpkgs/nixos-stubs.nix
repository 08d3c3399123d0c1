# Of NixOS' options, those that this project's modules set.
{ lib, pkgs }:
let
  inherit (lib) mkOption types;

  # As systemd's units in NixOS: lists of one setting are joined.
  setting = lib.mkOptionType {
    name = "systemd setting";
    merge =
      loc: defs:
      if lib.any (def: lib.isList def.value) defs then
        lib.concatMap (def: lib.toList def.value) defs
      else
        lib.mergeEqualOption loc defs;
  };
  ofSettings = mkOption {
    type = types.attrsOf setting;
    default = { };
  };
  text = mkOption {
    type = types.str;
    default = "";
  };
  unit.options = {
    description = mkOption {
      type = types.str;
      default = "";
    };
    wantedBy = mkOption {
      type = types.listOf types.str;
      default = [ ];
    };
    script = text;
    preStart = text;
    path = mkOption {
      type = types.listOf types.package;
      default = [ ];
    };
    environment = mkOption {
      type = types.attrsOf types.str;
      default = { };
    };
    unitConfig = ofSettings;
    serviceConfig = ofSettings;
    timerConfig = ofSettings;
  };
  units = mkOption {
    type = types.attrsOf (types.submodule unit);
    default = { };
  };
in
{
  options = {
    assertions = mkOption {
      type = types.listOf types.raw;
      default = [ ];
    };
    environment.etc = mkOption {
      type = types.attrsOf (types.submodule { options.source = mkOption { type = types.path; }; });
      default = { };
    };
    users.users = ofSettings;
    users.groups = ofSettings;
    systemd.services = units;
    systemd.timers = units;
  };
  config._module.args = { inherit pkgs; };
}
