# Declared chaincode packages. `package` makes them, so a mistake fails nixos-rebuild instead of an
# invoke.
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
  option = "services.fabric-ccs-builder.chaincodes";
  inherit (self.lib.${pkgs.stdenv.buildPlatform.system}) mkChaincodePackage;

  json = (pkgs.formats.json { }).type;
  orNull =
    type: example: description:
    mkOption {
      type = types.nullOr type;
      default = null;
      inherit example description;
    };
  indexes = mkOption {
    type = types.attrsOf json;
    default = { };
    example = {
      owner = {
        index.fields = [ "owner" ];
        ddoc = "ownerDoc";
        type = "json";
      };
    };
    description = "State database indexes: the content of `indexes/<name>.json`.";
  };

  chaincode =
    { name, config, ... }:
    {
      options = {
        label = mkOption {
          type = types.str;
          default = name;
          defaultText = literalExpression "name";
          example = "basic_1.0";
          description = "The label: the beginning of the package ID, and the name of the file.";
        };
        type = mkOption {
          type = types.str;
          default = "ccaas";
          example = "external";
          description = "The type in metadata.json, by which a peer's builders recognise their packages: `ccaas` or `external`.";
        };
        address =
          orNull types.str "{{.peername}}-basic:9999"
            "Where the peer dials the chaincode, `HOST:PORT`. Null if {option}`src` has a connection.json.";
        domain =
          orNull types.str "basic.example.com"
            "The name that the chaincode's certificate must have, if it differs from the one in the address.";
        dialTimeout =
          orNull types.str "10s"
            "How long the peer tries to connect, as a Go duration. Null means the peer's default of 3 seconds.";
        tls = {
          enable = mkOption {
            type = types.bool;
            default = false;
            example = true;
            description = "Whether the peer uses TLS. If not, it ignores the options below.";
          };
          rootCert =
            orNull types.str (literalExpression "builtins.readFile ./ca.pem")
              "The certificates of the CA that issued the chaincode's certificate, as PEM or a template.";
          clientAuth = mkOption {
            type = types.bool;
            default = false;
            example = true;
            description = "Whether the peer presents its own certificate. It needs {option}`clientCert` and {option}`clientKey`.";
          };
          clientCert =
            orNull types.str "{{.client_cert}}"
              "The certificate that the peer presents to the chaincode, as PEM or a template.";
          clientKey =
            orNull types.str "{{.client_key}}"
              "The key of {option}`clientCert`: a template, since everyone can read the Nix store.";
        };
        inherit indexes;
        collections = mkOption {
          type = types.attrsOf (types.submodule { options = { inherit indexes; }; });
          default = { };
          example = {
            private.indexes.price = {
              index.fields = [ "price" ];
              type = "json";
            };
          };
          description = "State database indexes of private data collections.";
        };
        src =
          orNull types.path (literalExpression "./basic")
            "A package's source folder, for the files that are not declared here.";
        serverUnit =
          orNull types.str "basic-chaincode"
            "The systemd service of the chaincode on this host: it gets the package ID as `CHAINCODE_ID`, and as `CORE_CHAINCODE_ID` and `CORE_CHAINCODE_ID_NAME`, which chaincode in Node and Java reads.";
        package = mkOption {
          type = types.package;
          readOnly = true;
          default = mkChaincodePackage {
            inherit (config)
              label
              type
              indexes
              collections
              src
              ;
            connection = if config.address == null && config.src != null then null else connection config;
          };
          defaultText = literalExpression "fabric-ccs-builder.lib.\${system}.mkChaincodePackage { ... }";
          example = literalExpression "config.${option}.basic.package";
          description = "The package: `<label>.tar.gz`, `package-id` and `chaincode.env`.";
        };
      };
    };

  connection =
    one:
    lib.filterAttrs (_: value: value != null && value != false) {
      inherit (one) address domain;
      dial_timeout = one.dialTimeout;
      tls_required = one.tls.enable;
      client_auth_required = one.tls.clientAuth;
      root_cert = one.tls.rootCert;
      client_cert = one.tls.clientCert;
      client_key = one.tls.clientKey;
    };

  all = lib.attrValues cfg.chaincodes;
  labels = map (one: one.label) all;
  served = lib.filter (one: one.serverUnit != null) all;
  unit = one: lib.removeSuffix ".service" one.serverUnit;
  undefinedUnits = import ./undefined-units.nix { inherit lib options; };
  isTemplate =
    text: text == null || builtins.match "[[:space:]]*\\{\\{[^}]*}}[[:space:]]*" text != null;
in
{
  options.services.fabric-ccs-builder.chaincodes = mkOption {
    type = types.attrsOf (types.submodule chaincode);
    default = { };
    example = {
      basic = {
        address = "{{.peername}}-basic:9999";
        dialTimeout = "10s";
        serverUnit = "basic-chaincode";
      };
    };
    description = ''
      Chaincode packages to put at `/etc/fabric-ccs-builder/packages/<label>.tar.gz`, for `peer lifecycle chaincode
      install`. The same declaration gives the same package ID on every host.
    '';
  };

  config = lib.mkIf cfg.enable {
    assertions = [
      {
        assertion = lib.unique labels == labels;
        message = "${option}: two chaincodes have the same label (${toString labels}), which names the file";
      }
      {
        assertion = lib.unique (map unit served) == map unit served;
        message = "${option}: two chaincodes have the same serverUnit (${toString (map unit served)}), but a chaincode server has one CHAINCODE_ID";
      }
    ]
    ++ lib.concatMap (
      name:
      let
        one = cfg.chaincodes.${name};
        declared = removeAttrs (connection one) [ "address" ];
      in
      [
        {
          assertion = one.address != null || one.src != null;
          message = "${option}.${name}.address: is missing, and there is no src with a connection.json";
        }
        {
          assertion = one.address != null || declared == { };
          message = "${option}.${name}.address: is missing, but other fields of connection.json are declared (${toString (lib.attrNames declared)})";
        }
        {
          assertion = one.serverUnit == null || undefinedUnits [ (unit one) ] == [ ];
          message = "${option}.${name}.serverUnit: nothing else defines systemd.services.\"${unit one}\", so no chaincode server would get the package ID; name its service (if a package provides it, set its wantedBy)";
        }
        {
          assertion = isTemplate one.tls.clientKey;
          message = "${option}.${name}.tls.clientKey: a private key must not be put into the Nix store, which everyone can read; write \"{{.client_key}}\" and put the path of the key's file into services.fabric-ccs-builder.templateFiles.client_key";
        }
      ]
    ) (lib.attrNames cfg.chaincodes);

    environment.etc = lib.listToAttrs (
      map (
        one:
        lib.nameValuePair "fabric-ccs-builder/packages/${one.label}.tar.gz" {
          source = "${one.package}/${one.label}.tar.gz";
        }
      ) all
    );

    systemd.services = lib.mkMerge (
      map (one: {
        ${unit one}.serviceConfig.EnvironmentFile = [ "${one.package}/chaincode.env" ];
      }) served
    );
  };
}
