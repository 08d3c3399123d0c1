#!/usr/bin/env bash
# usage: peer-steps.sh prepare|start|check FOLDER [PACKAGE]
#
# Tests a declared chaincode package with a real peer. nix/tests/peer.nix runs these steps in a
# virtual machine; they also run on any machine that has Fabric's `peer` and `cryptogen` on PATH and
# its core.yaml in FABRIC_CFG_PATH.
#
#   prepare FOLDER        makes the keys of an organisation with one peer in FOLDER
#   start FOLDER          becomes that peer; its builders are in CORE_CHAINCODE_EXTERNALBUILDERS
#   check FOLDER PACKAGE  with the peer running, installs PACKAGE, made by mkChaincodePackage: the peer
#                         must show the declared package ID, and `verify` must match, and find a flipped
#                         byte; needs fabric-ccs-builder on PATH
#
# The peer listens on 127.0.0.1, from port PORT (default 7051) on.
set -euo pipefail
step=$1 folder=$2 port=${PORT:-7051}
organisation=$folder/crypto/peerOrganizations/org1.example.com

fail() {
  echo "peer-steps.sh: $*" >&2
  exit 1
}

prepare() {
  mkdir -p "$folder"
  cat >"$folder/crypto.yaml" <<'YAML'
PeerOrgs:
  - Name: Org1
    Domain: org1.example.com
    EnableNodeOUs: true
    Template: { Count: 1 }
    Users: { Count: 0 }
YAML
  cryptogen generate --config="$folder/crypto.yaml" --output="$folder/crypto"
}

start() {
  export CORE_PEER_ID=peer0 CORE_PEER_LOCALMSPID=Org1MSP CORE_PEER_TLS_ENABLED=false CORE_VM_ENDPOINT=
  export CORE_PEER_MSPCONFIGPATH=$organisation/peers/peer0.org1.example.com/msp
  export CORE_PEER_ADDRESS=127.0.0.1:$port CORE_PEER_LISTENADDRESS=127.0.0.1:$port
  export CORE_PEER_CHAINCODELISTENADDRESS=127.0.0.1:$((port + 1)) CORE_PEER_CHAINCODEADDRESS=127.0.0.1:$((port + 1))
  export CORE_PEER_GOSSIP_BOOTSTRAP=127.0.0.1:$port CORE_OPERATIONS_LISTENADDRESS=127.0.0.1:$((port + 2))
  export CORE_PEER_FILESYSTEMPATH=$folder/production CORE_LEDGER_SNAPSHOTS_ROOTDIR=$folder/production/snapshots
  exec peer node start
}

# As the organisation's administrator.
lifecycle() {
  FABRIC_LOGGING_SPEC=warning CORE_PEER_LOCALMSPID=Org1MSP CORE_PEER_TLS_ENABLED=false CORE_PEER_ADDRESS=127.0.0.1:$port \
    CORE_PEER_MSPCONFIGPATH=$organisation/users/Admin@org1.example.com/msp peer lifecycle chaincode "$@"
}

check() {
  local package=$1 declared label builds target before status=0
  declared=$(cat "$package/package-id")
  label=${declared%%:*}
  builds=$folder/production/externalbuilder/builds

  lifecycle install "$package/$label.tar.gz"
  lifecycle queryinstalled --output json | tr -d ' \n' | grep -qF "\"package_id\":\"$declared\"" ||
    fail "the peer shows a package ID other than the declared one, $declared"
  [ "$(fabric-ccs-builder package --id "$package/$label.tar.gz")" = "$declared" ] ||
    fail "the command line prints a package ID other than the declared one, $declared"
  echo "the peer, the command line and the declaration agree: $declared"

  fabric-ccs-builder verify "$builds"
  target=$builds/${declared/:/-}/release/chaincode/server/connection.json
  before=$(od -An -tx1 -N1 "$target" | tr -d ' ')
  printf X | dd of="$target" bs=1 conv=notrunc status=none
  fabric-ccs-builder verify "$builds" || status=$?
  [ "$status" = 1 ] || fail "verify ends with $status after a byte was changed"
  # shellcheck disable=SC2059 # the format is the byte
  printf "\\x$before" | dd of="$target" bs=1 conv=notrunc status=none
  fabric-ccs-builder verify "$builds"
  echo "verify matches, and finds one flipped byte"
}

case $step in
  prepare | start) "$step" ;;
  check) check "$3" ;;
  *) fail "unknown step $step" ;;
esac
