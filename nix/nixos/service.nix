# What the peers' units and the services that run the program on a peer's files have in common.
{ lib, cfg }:
let
  inherit (lib) mkOption types;
  # systemd expands % in a unit, and in commands $ too.
  forUnit = lib.replaceStrings [ "%" ] [ "%%" ];
  inherit (cfg.rebuild) peer;
in
rec {
  inherit forUnit;
  argument = text: lib.replaceStrings [ "$" ] [ "$$" ] (forUnit (builtins.toJSON text));

  # The values for templates of the peer whose files these are, if it is known which one that is.
  values =
    cfg.templateConfig // lib.optionalAttrs (peer != null) cfg.peers.${peer}.templateConfig or { };
  isKnown =
    if peer == null then
      lib.all (one: one.templateConfig == { }) (lib.attrValues cfg.peers)
    else
      cfg.peers ? ${peer};
  variable = "CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG";
  environment.${variable} = forUnit (builtins.toJSON values);

  path = mkOption {
    type = types.str;
    default = "/var/hyperledger/production";
    example = "/var/lib/peer0";
    description = "The peer's `peer.fileSystemPath`. Until it has the folders of a peer, nothing runs.";
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
