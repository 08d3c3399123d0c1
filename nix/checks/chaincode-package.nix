# mkChaincodePackage makes the same packages, with the same IDs, as `package` does from the same
# files. tests/nix/declared tests what it must refuse, and with which messages.
{
  callPackage,
  fabric-ccs-builder,
  runCommand,
}:
let
  mkChaincodePackage = callPackage ../lib/mkChaincodePackage.nix { };

  # The example in the function's own comment.
  example = mkChaincodePackage {
    label = "basic";
    connection.address = "{{.peername}}-basic:9999";
    indexes.owner = {
      index.fields = [ "owner" ];
      ddoc = "ownerDoc";
      type = "json";
    };
  };
  every = mkChaincodePackage {
    label = "every_1.0";
    type = "external";
    connection = {
      address = "basic:9999";
      dial_timeout = "10s";
      tls_required = true;
      client_auth_required = true;
      root_cert = "{{.root_cert}}";
      client_key = "{{ .client_key }}";
      client_cert = "{{.client_cert}}";
    };
    collections.private.indexes.price = {
      index.fields = [ { price = "desc"; } ];
      type = "json";
    };
  };
  # The built-in sample: as it is, and with one of its files declared.
  sample = mkChaincodePackage { src = ../../src/sample; };
in
runCommand "chaincode-package" { } ''
  check() {
    local package=$1 label=$2 files=$3
    echo "checking $label"
    diff <(printf '%s\n' chaincode.env "$label.tar.gz" package-id | sort) <(ls "$package")
    grep -x "$label:$(sha256sum <"$package/$label.tar.gz" | cut -d ' ' -f 1)" "$package/package-id"
    sed 'h; s/^/CHAINCODE_ID=/p; g; s/^/CORE_CHAINCODE_ID=/p; g; s/^/CORE_CHAINCODE_ID_NAME=/' \
      "$package/package-id" | diff - "$package/chaincode.env"
    rm -rf seen
    mkdir seen
    tar -xzf "$package/$label.tar.gz" -C seen
    (cd seen && tar -xzf code.tar.gz && rm code.tar.gz)
    diff <(tr ' ' '\n' <<<"$files" | sort) <(cd seen && find . -type f | cut -c 3- | sort)
    # The command line, from the files alone.
    ${fabric-ccs-builder}/bin/fabric-ccs-builder package --id seen | diff - "$package/package-id"
  }

  couchdb=META-INF/statedb/couchdb
  check ${example} basic "metadata.json connection.json $couchdb/indexes/owner.json"
  diff <(echo '{"address":"{{.peername}}-basic:9999"}') seen/connection.json
  diff <(echo '{"label":"basic","type":"ccaas"}') seen/metadata.json
  diff <(echo '{"ddoc":"ownerDoc","index":{"fields":["owner"]},"type":"json"}') seen/$couchdb/indexes/owner.json

  check ${every} every_1.0 "metadata.json connection.json $couchdb/collections/private/indexes/price.json"
  diff <(echo '{"label":"every_1.0","type":"external"}') seen/metadata.json

  # The command line, from options: the crate's tests give them to `package`.
  cat ${example}/package-id ${every}/package-id | diff ${../../tests/fixtures/declared.package-ids} -

  check ${sample} asset-transfer_1.0 "$(cd ${../../src/sample} && find . -type f | cut -c 3- | tr '\n' ' ' | sed 's/ $//')"
  # Recorded from a program that cargo built, without Nix.
  diff ${../sample.package-id} ${sample}/package-id
  touch $out
''
