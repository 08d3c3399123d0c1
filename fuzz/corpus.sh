#!/usr/bin/env bash
# usage: fuzz/corpus.sh
#
# Fills fuzz/corpus with the tests' fixtures as a starting point.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p fuzz/corpus/{archive,connection,record,tls}
for folder in META-INF metadata; do
  fixture=tests/fixtures/record/$folder
  cp "$fixture.connection.json" "fuzz/corpus/connection/$folder.json"
  { cat "$fixture.SHA256SUMS"; printf '\0'; cat "$fixture.build.intoto.json"; } >"fuzz/corpus/record/$folder"
done
cp src/sample/connection.json fuzz/corpus/connection/sample.json
cp tests/fixtures/tls/*.pem tests/fixtures/tls/*.key fuzz/corpus/tls
cat tests/fixtures/tls/P-256.pem tests/fixtures/tls/P-256.key >fuzz/corpus/tls/pair
tar -czf fuzz/corpus/archive/tar.tar.gz -C src/sample .
cargo run --quiet --locked -- package --quiet --force --output fuzz/corpus/archive/sample.tar.gz src/sample >/dev/null
