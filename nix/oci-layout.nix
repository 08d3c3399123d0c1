# An OCI image layout made from docker archives, in one tar: for each name, an index of its images
# for all architectures. Unlike a docker archive, it keeps the digests of manifests, so they can be
# compared with those in a registry.
{
  lib,
  jq,
  runCommand,
}:
# NAME:TAG -> archives, one for each architecture.
images:
runCommand "images.oci.tar" { nativeBuildInputs = [ jq ]; } ''
  mkdir -p layout/blobs/sha256
  echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout

  # Moves a file to the blobs and prints its descriptor.
  blob() {
    local file=$1 type=$2 digest
    digest=$(sha256sum "$file" | cut -d ' ' -f 1)
    mv "$file" "layout/blobs/sha256/$digest"
    jq -cn --arg type "$type" --arg digest "sha256:$digest" --argjson size "$(stat -c %s "layout/blobs/sha256/$digest")" \
      '{mediaType: $type, digest: $digest, size: $size}'
  }

  manifest() {
    local archive=$1 config layer platform
    mkdir image
    tar -xf "$archive" -C image
    config=image/$(jq -r '.[0].Config' image/manifest.json)
    platform=$(jq -c '{platform: {architecture, os}}' "$config")
    blob "$config" application/vnd.oci.image.config.v1+json >config
    : >layers
    jq -r '.[0].Layers[]' image/manifest.json | while read -r layer; do
      blob "image/$layer" application/vnd.oci.image.layer.v1.tar >>layers
    done
    jq -cn --slurpfile config config --slurpfile layers layers '{
      schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", config: $config[0], layers: $layers
    }' >manifest
    blob manifest application/vnd.oci.image.manifest.v1+json | jq -c --argjson platform "$platform" '. + $platform'
    rm -rf image
  }

  index() {
    jq -cs '{schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests: .}'
  }

  named() {
    local name=$1 archive
    shift
    for archive in "$@"; do manifest "$archive"; done | index >image-index
    blob image-index application/vnd.oci.image.index.v1+json |
      jq -c --arg name "$name" '.annotations = {"org.opencontainers.image.ref.name": $name}'
  }

  {
    ${lib.concatStrings (
      lib.mapAttrsToList (name: archives: "named ${name} ${toString archives}\n") images
    )}
  } | index >layout/index.json
  tar --sort=name --mtime=@1 --owner=0 --group=0 --numeric-owner --mode=u=rwX,go=rX -C layout -cf $out .
''
