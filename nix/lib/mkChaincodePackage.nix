# A chaincode package from declarations: $out/LABEL.tar.gz, $out/package-id, and $out/chaincode.env
# for the `EnvironmentFile` of a chaincode server's unit. Our own `package` makes it, so a mistake
# fails the build, and `package` prints the same package ID for the same files on any machine.
#
#   mkChaincodePackage {
#     label = "basic";
#     connection.address = "{{.peername}}-basic:9999";
#     indexes.owner = {
#       index.fields = [ "owner" ];
#       ddoc = "ownerDoc";
#       type = "json";
#     };
#   }
{
  lib,
  runCommand,
  fabric-ccs-builder,
}:
{
  # The content of metadata.json. Without a label, src must have a metadata.json, which is used
  # unchanged.
  label ? null,
  type ? "ccaas",
  # The fields of connection.json. Without them, src must have the file.
  connection ? null,
  # State database indexes: the content of META-INF/statedb/couchdb/indexes/NAME.json.
  indexes ? { },
  # COLLECTION.indexes.NAME: indexes of private data.
  collections ? { },
  # A package's source folder, which must not contain what is declared here.
  src ? null,
}:
let
  isPath = builtins.isPath src;
  inSource =
    file:
    if isPath && builtins.pathExists (src + "/${file}") then lib.importJSON (src + "/${file}") else { };

  theLabel =
    if label != null then
      label
    else
      (inSource "metadata.json").label
        or (throw "mkChaincodePackage: label: is missing, and src has no metadata.json with one");
  checkedLabel =
    if builtins.match "[[:alnum:]][[:alnum:]_.+-]*" theLabel == null then
      throw "mkChaincodePackage: label: a peer refuses ${builtins.toJSON theLabel}: use only letters, digits and _ . + -, and begin with a letter or digit"
    else
      theLabel;

  # Everyone on the machine can read all of a derivation, and so can everyone in each cache that it
  # is copied to.
  hasKey =
    text: builtins.isString text && builtins.replaceStrings [ "PRIVATE KEY" ] [ "" ] text != text;
  isTemplate =
    value:
    builtins.isString value && builtins.match "([[:space:]]*\\{\\{[^}]*}}[[:space:]]*)?" value != null;
  refuseKeys =
    fields:
    lib.mapAttrs (
      name: value:
      if builtins.isPath value then
        throw "mkChaincodePackage: connection.${name}: is a path: read a certificate with builtins.readFile; a key must not be copied into the Nix store"
      else if
        hasKey value || (lib.toLower name == "client_key" && value != null && !isTemplate value)
      then
        throw "mkChaincodePackage: connection.${name}: a private key must not be put into the Nix store, which everyone can read: write \"{{.client_key}}\" and give the peer the path of the key's file in CHAINCODE_AS_A_SERVICE_BUILDER_CONFIG={\"client_key\": {\"file\": \"/run/secrets/basic.key\"}}"
      else
        value
    ) fields;
  connectionOfSource = refuseKeys (inSource "connection.json");

  fileName =
    name:
    if builtins.match "[^/]+" name == null then
      throw "mkChaincodePackage: indexes, collections: ${builtins.toJSON name} is not a file name"
    else
      name;
  named =
    directory:
    lib.mapAttrs' (name: definition: lib.nameValuePair "${directory}/${fileName name}.json" definition);
  couchdb = "META-INF/statedb/couchdb";
  declared =
    lib.optionalAttrs (label != null) { "metadata.json" = { inherit label type; }; }
    // lib.optionalAttrs (connection != null) { "connection.json" = refuseKeys connection; }
    // named "${couchdb}/indexes" indexes
    // lib.concatMapAttrs (
      collection:
      {
        indexes ? { },
      }:
      named "${couchdb}/collections/${fileName collection}/indexes" indexes
    ) collections;

  # Nothing else from the folder is copied to the store.
  source =
    if isPath then
      lib.fileset.toSource {
        root = src;
        fileset = lib.fileset.unions (
          map (name: lib.fileset.maybeMissing (src + "/${name}")) [
            "META-INF"
            "connection.json"
            "metadata"
            "metadata.json"
          ]
        );
      }
    else
      src;
in
runCommand "chaincode-${checkedLabel}"
  {
    passthru.label = checkedLabel;
    meta.description = "Chaincode package ${checkedLabel}";
  }
  (
    builtins.seq (builtins.deepSeq connectionOfSource null) ''
      mkdir source
      ${lib.optionalString (src != null) ''
        cp -r --no-preserve=mode ${source}/. source
      ''}
      declare_file() {
        if [ -e "source/$1" ]; then
          echo "$1: is both in src and declared; leave one of them out" >&2
          return 1
        fi
        mkdir -p "$(dirname "source/$1")"
        cat >"source/$1"
      }
      ${lib.concatStrings (
        lib.mapAttrsToList (file: content: ''
          declare_file ${lib.escapeShellArg file} <<'END_OF_FILE'
          ${builtins.toJSON content}
          END_OF_FILE
        '') declared
      )}
      if grep -l -r 'PRIVATE KEY' source; then
        echo "src contains a private key, which everyone can now read in the Nix store: make a new one" >&2
        exit 1
      fi

      mkdir $out
      ${lib.getExe fabric-ccs-builder} package --output $out/${checkedLabel}.tar.gz \
        --env $out/chaincode.env source >$out/package-id
    ''
  )
