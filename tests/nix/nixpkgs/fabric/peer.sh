#!/bin/sh
# Stand-in for a peer: `peer node start` takes the chaincode in /package through the builder that
# core.yaml names, and keeps the build below /var/hyperledger, as the current user.
set -eu
[ "$*" = "node start" ] || { echo "peer: unknown command: $*" >&2; exit 1; }
path=$(sed -n 's/^ *path: //p' "$FABRIC_CFG_PATH/core.yaml")
work=/var/hyperledger/production/build
mkdir -p "$work/bld" "$work/release"
"$path/bin/detect" /package/source /package/metadata
"$path/bin/build" /package/source /package/metadata "$work/bld"
"$path/bin/release" "$work/bld" "$work/release"
echo "uid $(id -u), gid $(id -g), builder $path, $(wc -c <"$SSL_CERT_FILE") bytes of certificates"
cat "$work/release/chaincode/server/connection.json"
