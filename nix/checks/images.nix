# The content of each image, including modes and time stamps, and its labels. Written out in full,
# because a derived expectation would agree with any mistake.
{
  lib,
  pkgsStatic,
  runCommand,
  writeText,
  binutils,
  jq,
  self,
  image,
  image-minimal,
  # Only on the system that releases are built on.
  image-amd64 ? null,
  image-arm64 ? null,
  image-minimal-amd64 ? null,
  image-minimal-arm64 ? null,
}:
let
  revision = self.rev or null;
  manifest = (lib.importTOML ../../Cargo.toml).package;

  files = {
    image = ''
      drwxr-xr-x bin
      -rwxr-xr-x bin/busybox
      lrwxrwxrwx bin/chmod -> busybox
      -rwxr-xr-x bin/cp
      lrwxrwxrwx bin/ls -> busybox
      lrwxrwxrwx bin/mkdir -> busybox
      lrwxrwxrwx bin/sh -> busybox
      drwxr-xr-x go
      drwxr-xr-x go/bin
      lrwxrwxrwx go/bin/build -> fabric-ccs-builder
      lrwxrwxrwx go/bin/detect -> fabric-ccs-builder
      -rwxr-xr-x go/bin/fabric-ccs-builder
      lrwxrwxrwx go/bin/release -> fabric-ccs-builder
      drwxrwxrwt tmp
      drwxr-xr-x usr
      drwxr-xr-x usr/bin
      lrwxrwxrwx usr/bin/fabric-ccs-builder -> ../../go/bin/fabric-ccs-builder
    '';
    minimal = ''
      drwxrwxrwt tmp
      drwxr-xr-x usr
      drwxr-xr-x usr/bin
      -rwxr-xr-x usr/bin/fabric-ccs-builder
    '';
  };

  config = architecture: title: process: {
    inherit architecture;
    created = "1970-01-01T00:00:01+00:00";
    os = "linux";
    config = process // {
      Env = [ "PATH=/bin:/usr/bin" ];
      Labels = {
        "org.opencontainers.image.description" = manifest.description;
        "org.opencontainers.image.licenses" = "Apache-2.0";
        "org.opencontainers.image.source" = manifest.repository;
        "org.opencontainers.image.title" = title;
        "org.opencontainers.image.version" = manifest.version;
      }
      // lib.optionalAttrs (revision != null) { "org.opencontainers.image.revision" = revision; };
    };
  };
  shell = {
    Cmd = [ "sh" ];
  };
  entrypoint = {
    Entrypoint = [ "/usr/bin/fabric-ccs-builder" ];
  };
  native = if pkgsStatic.stdenv.hostPlatform.isAarch64 then "arm64" else "amd64";

  limits = {
    # The program, and a shell.
    image = 1200000;
    minimal = 1000000;
  };

  tools = [
    binutils
    jq
  ];

  check =
    kind: architecture: title: process: archive:
    lib.optionalString (archive != null) ''
      check ${archive} ${writeText "files" files.${kind}} ${
        writeText "config" (builtins.toJSON (config architecture title process))
      } ${toString limits.${kind}}
    '';
in
runCommand "images" { nativeBuildInputs = tools; } ''
  check() {
    local archive=$1 files=$2 config=$3 limit=$4 layer
    echo "checking $archive"
    rm -rf image root
    mkdir image root
    tar -xf "$archive" -C image
    jq -e '. == [.[0]] and (.[0].Layers | length == 1)' image/manifest.json >/dev/null || {
      echo "not one image of one layer" >&2
      return 1
    }
    layer=image/$(jq -r '.[0].Layers[0]' image/manifest.json)

    # Mode, owner, time and path; only the line of the root directory itself is left out.
    tar --list --verbose --full-time --utc --numeric-owner -f "$layer" |
      sed -E 's/^([^ ]+) +([^ ]+) +[0-9]+ ([^ ]+ [^ ]+) +(\.\/)?/\1 \2 \3 /; s,/$,,' |
      grep -v ' $' | sort -k 5 >listing
    # The time is the one that nixpkgs' stdenv gives all files.
    diff -u <(sed -E 's,^([^ ]+) ,\1 0/0 1980-01-01 00:00:00 ,' "$files") listing

    jq -S 'del(.rootfs, .history)' "image/$(jq -r '.[0].Config' image/manifest.json)" >seen
    diff -u <(jq -S . "$config") seen

    if [ "$(stat -c %s "$layer")" -gt "$limit" ]; then
      echo "$(stat -c %s "$layer") bytes, more than the $limit allowed" >&2
      return 1
    fi

    # Every program is static and uses musl.
    tar -xf "$layer" -C root
    find root -type f | while read -r file; do
      if readelf --wide --program-headers "$file" | grep INTERP; then
        echo "$file has an interpreter" >&2
        return 1
      fi
      if grep -aq 'GNU C Library\|glibc' "$file"; then
        echo "$file uses the GNU C library" >&2
        return 1
      fi
    done
  }

  ${check "image" native "fabric-ccs-builder" shell image}
  ${check "minimal" native "fabric-ccs-builder-minimal" entrypoint image-minimal}
  ${check "image" "amd64" "fabric-ccs-builder" shell image-amd64}
  ${check "image" "arm64" "fabric-ccs-builder" shell image-arm64}
  ${check "minimal" "amd64" "fabric-ccs-builder-minimal" entrypoint image-minimal-amd64}
  ${check "minimal" "arm64" "fabric-ccs-builder-minimal" entrypoint image-minimal-arm64}
  touch $out
''
