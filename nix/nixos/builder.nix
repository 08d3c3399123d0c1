# The peers' side: their builders, and the values for templates in connection.json.
self:
{
  config,
  lib,
  options,
  pkgs,
  ...
}:
let
  inherit (lib) literalExpression mkOption types;
  cfg = config.services.fabric-ccs-builder;
  option = "services.fabric-ccs-builder";
  undefinedUnits = import ./undefined-units.nix { inherit lib options; };
  withoutSuffix = lib.removeSuffix ".service";
  peers = lib.mapAttrs' (unit: peer: lib.nameValuePair (withoutSuffix unit) peer) cfg.peers;
  peerUnits = lib.unique (map withoutSuffix cfg.peerUnits ++ lib.attrNames peers);
  json = (pkgs.formats.json { }).type;
  inherit (import ./service.nix { inherit lib cfg; }) forUnit variable;

  builder.options = {
    name = mkOption {
      type = types.str;
      default = "";
      example = "external-builder";
      description = "Its name, by which a peer finds the chaincode that this builder built.";
    };
    path = mkOption {
      type = types.str;
      default = "";
      example = "/opt/hyperledger/other_builder";
      description = "Its folder, which contains `bin/detect`, `bin/build`, `bin/release` and, if it has one, `bin/run`.";
    };
    propagateEnvironment = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "GOPROXY" ];
      description = "The variables of the peer's environment that the peer passes to it.";
    };
  };

  ofFiles = lib.mapAttrs (_: file: { inherit file; });
  peer =
    { config, ... }:
    {
      options = {
        templateConfig = mkOption {
          type = types.attrsOf json;
          default = { };
          example = {
            peername = "org1peer1";
          };
          description = "This peer's values for templates. Each replaces the one in {option}`${option}.templateConfig`.";
        };
        templateFiles = mkOption {
          type = types.attrsOf types.externalPath;
          default = { };
          example = {
            client_key = "/run/secrets/org1peer1.key";
          };
          description = "This peer's files for templates. Each replaces the one in {option}`${option}.templateFiles`.";
        };
      };
      config.templateConfig = ofFiles config.templateFiles;
    };

  names = map (one: one.name) cfg.externalBuilders;
  # The paths of the nulls in a JSON value.
  nulls =
    path: value:
    if value == null then
      [ path ]
    else if lib.isAttrs value then
      lib.concatMap (name: nulls "${path}.${name}" value.${name}) (lib.attrNames value)
    else if lib.isList value then
      lib.concatMap (nulls "${path}[]") value
    else
      [ ];
  # All values for templates, by the option that they are from.
  templateConfigs = {
    "${option}.templateConfig" = cfg.templateConfig;
  }
  // lib.mapAttrs' (
    unit: peer: lib.nameValuePair "${option}.peers.${unit}.templateConfig" peer.templateConfig
  ) cfg.peers;
  templateNulls = lib.concatLists (lib.mapAttrsToList nulls templateConfigs);
  holdsKey =
    values:
    let
      text = builtins.toJSON values;
    in
    lib.replaceStrings [ "PRIVATE KEY" ] [ "" ] text != text;

  # The option that declares each variable of a peer.
  environment = unit: {
    CORE_CHAINCODE_EXTERNALBUILDERS = {
      from = "extraBuilders";
      value = forUnit (builtins.toJSON cfg.externalBuilders);
    };
    ${variable} = {
      from = "templateConfig";
      value = forUnit (builtins.toJSON (cfg.templateConfig // peers.${unit}.templateConfig or { }));
    };
  };
in
{
  options.services.fabric-ccs-builder = {
    enable = lib.mkEnableOption "the external builder for chaincode as a service on this host's Hyperledger Fabric peers";

    package = mkOption {
      type = types.package;
      default = self.packages.${pkgs.stdenv.hostPlatform.system}.default;
      defaultText = literalExpression "fabric-ccs-builder.packages.\${system}.default";
      example = literalExpression "pkgs.fabric-ccs-builder";
      description = "The builder folder: a package with `bin/detect`, `bin/build`, `bin/release` and `bin/fabric-ccs-builder`.";
    };

    name = mkOption {
      type = types.str;
      default = "ccaas_builder";
      example = "ccs-builder";
      description = ''
        The builder's name. A peer finds installed chaincode by it, so keep the name of the builder that this one
        replaces: a peer that no longer has a builder of that name cannot run the chaincode that it built.
      '';
    };

    templateConfig = mkOption {
      type = types.attrsOf json;
      default = { };
      example = {
        peername = "org1peer1";
      };
      description = ''
        The values for templates like `{{.peername}}` in a chaincode's connection.json, given to the peers as
        `${variable}`. They are in the Nix store, where everyone can read them: give a private key in
        {option}`${option}.templateFiles`.

        A peer uses them when it installs a chaincode. Installed chaincode keeps the old ones, even after a
        restart, unless {option}`${option}.rebuild.enable` is set.
      '';
    };

    templateFiles = mkOption {
      type = types.attrsOf types.externalPath;
      default = { };
      example = {
        client_key = "/run/secrets/basic.key";
      };
      description = ''
        More values for templates, each the path of a file whose content is the value: a certificate or private key, for
        `root_cert`, `client_cert` and `client_key` only. A file is read when a peer builds a chaincode that uses it, and must
        be readable by the peer's user; it may come from sops-nix, agenix, or a credential of the peer's unit
        (`/run/credentials/fabric-peer0.service/client_key`). It is short for `templateConfig.<name>.file`.
      '';
    };

    peerUnits = mkOption {
      type = types.listOf types.str;
      default = [ ];
      example = [ "fabric-peer0" ];
      description = ''
        The systemd services of the peers on this host, whose environment gets the builders. A peer in a container does
        not see it: write {option}`${option}.externalBuilders` into its configuration instead.
      '';
    };

    peers = mkOption {
      type = types.attrsOf (types.submodule peer);
      default = { };
      example = {
        fabric-peer0.templateConfig.peername = "org1peer0";
        fabric-peer1.templateConfig.peername = "org1peer1";
      };
      description = ''
        The peers' systemd services, each with its own values for templates, so that each can fill in a package
        differently. {option}`${option}.peerUnits` is short for peers without any.
      '';
    };

    extraBuilders = mkOption {
      type = types.listOf (types.submodule builder);
      default = [ ];
      example = [
        {
          name = "other_builder";
          path = "/opt/hyperledger/other_builder";
          propagateEnvironment = [ "GOPROXY" ];
        }
      ];
      description = ''
        The peers' other builders, called after this one. The environment variable replaces the whole list in a
        peer's core.yaml, so repeat its builders here.
      '';
    };

    externalBuilders = mkOption {
      type = types.listOf json;
      readOnly = true;
      default = [
        {
          inherit (cfg) name;
          path = "${cfg.package}";
          propagateEnvironment = [ variable ];
        }
      ]
      ++ cfg.extraBuilders;
      defaultText = literalExpression ''
        [
          {
            name = "ccaas_builder";
            path = "''${package}";
            propagateEnvironment = [ "${variable}" ];
          }
        ]
        ++ extraBuilders
      '';
      example = literalExpression "builtins.toJSON config.${option}.externalBuilders";
      description = ''
        All builders, in the form of `chaincode.externalBuilders` in core.yaml, if you write that file yourself.
        It can be used even if the module is not enabled.
      '';
    };
  };

  config = lib.mkIf cfg.enable {
    services.fabric-ccs-builder.templateConfig = ofFiles cfg.templateFiles;

    assertions = [
      {
        assertion = peerUnits != [ ];
        message = "${option}.peerUnits: is empty, and so is peers, so no peer gets the builder; name the systemd services of the peers on this host";
      }
      {
        assertion = cfg.name != "" && builtins.match ".*[[:cntrl:]].*" cfg.name == null;
        message = "${option}.name: a peer refuses a builder without a name, and a name with control characters spoils its log";
      }
      {
        assertion = lib.all (one: one.name != "") cfg.extraBuilders;
        message = "${option}.extraBuilders: a builder has no name, which a peer refuses";
      }
      {
        assertion = lib.all (one: lib.hasPrefix "/" one.path) cfg.extraBuilders;
        message = "${option}.extraBuilders: a builder's path does not begin with a /, so a peer would not find its programs";
      }
      {
        assertion = lib.unique names == names;
        message = "${option}.extraBuilders: two builders have the same name (${toString names}), by which a peer finds the builder of installed chaincode";
      }
      {
        assertion = templateNulls == [ ];
        message = "${lib.concatStringsSep ", " templateNulls}: is null, but a template needs text; leave out the key or write \"\"";
      }
    ]
    ++ lib.mapAttrsToList (from: values: {
      assertion = !holdsKey values;
      message = "${from}: a private key must not be put into the Nix store, which everyone can read; give the path of its file in ${lib.removeSuffix "Config" from}Files";
    }) templateConfigs
    ++ map (unit: {
      assertion = false;
      message = "${option}.${
        if peers ? ${unit} then "peers.${unit}" else "peerUnits"
      }: nothing else defines systemd.services.\"${unit}\", so no peer would get the builder; name a peer's service (if a package provides it, set its wantedBy)";
    }) (undefinedUnits peerUnits)
    ++ lib.concatMap (
      unit:
      lib.mapAttrsToList (variable: ours: {
        assertion = config.systemd.services.${unit}.environment.${variable} == ours.value;
        message = "${option}.${ours.from}: systemd.services.\"${unit}\" sets ${variable} itself, which replaces what is declared here; declare its content in ${option}.${ours.from} and remove it from the unit";
      }) (environment unit)
    ) peerUnits;

    # Weaker than the unit's own value, so that an assertion can say what to do about a conflict.
    systemd.services = lib.genAttrs peerUnits (unit: {
      environment = lib.mapAttrs (_: ours: lib.mkOverride 900 ours.value) (environment unit);
    });
  };
}
