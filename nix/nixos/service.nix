# What the services have in common that run the program on a peer's files.
{ lib }:
let
  inherit (lib) mkOption types;
  # systemd expands % in a unit, and in commands $ too.
  forUnit = lib.replaceStrings [ "%" ] [ "%%" ];
in
{
  inherit forUnit;
  argument = text: lib.replaceStrings [ "$" ] [ "$$" ] (forUnit (builtins.toJSON text));

  path =
    folder: description:
    mkOption {
      type = types.str;
      default = "/var/hyperledger/production${folder}";
      example = "/var/lib/peer0${folder}";
      description = "${description} It need not exist yet: until it does, nothing runs.";
    };
  beginsWithSlash = option: path: {
    assertion = lib.hasPrefix "/" path;
    message = "${option}: \"${path}\" does not begin with a /";
  };

  user =
    description:
    mkOption {
      type = types.nullOr types.str;
      default = null;
      example = "peer";
      inherit description;
    };
}
