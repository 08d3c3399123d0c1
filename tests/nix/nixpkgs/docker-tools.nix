# dockerTools.buildLayeredImage: one layer of real files, which is what nixpkgs makes when contents
# is empty.
{
  lib,
  stdenv,
  closureInfo,
  runCommand,
  fakeroot,
  jq,
}:
let
  arguments = [
    "name"
    "tag"
    "fromImage"
    "contents"
    "config"
    "architecture"
    "created"
    "mtime"
    "uid"
    "gid"
    "uname"
    "gname"
    "maxLayers"
    "extraCommands"
    "fakeRootCommands"
    "enableFakechroot"
    "includeStorePaths"
    "includeNixDB"
    "passthru"
    "meta"
    "layeringPipeline"
    "debug"
  ];
  # nixpkgs knows these arguments, but nothing here would act on them.
  unsupported = [
    "debug"
    "fromImage"
    "includeStorePaths"
    "maxLayers"
    "mtime"
    "uid"
    "gid"
    "uname"
    "gname"
    "enableFakechroot"
    "includeNixDB"
    "layeringPipeline"
  ];
in
{
  buildLayeredImage =
    given:
    let
      args = lib.refuseUnknown "dockerTools.buildLayeredImage" (arguments ++ [ "compressor" ]) given;
      contents = lib.toList (args.contents or [ ]);
      base = baseNameOf args.name;
      compressor = args.compressor or "gz";
      suffix = {
        none = "";
        gz = ".gz";
        zstd = ".zst";
      };
      pack = {
        none = "cat";
        gz = "gzip -n";
        zstd = throw "the stand-in for nixpkgs has no zstd";
      };
      created = args.created or "1970-01-01T00:00:01Z";
      config = builtins.toJSON {
        architecture = args.architecture or (if stdenv.hostPlatform.isAarch64 then "arm64" else "amd64");
        os = "linux";
        config = args.config or { };
      };
      image =
        runCommand "${base}.tar${suffix.${compressor}}"
          {
            inherit config;
            imageName = lib.toLower args.name;
            extraCommands = args.extraCommands or "";
            fakeRootCommands = args.fakeRootCommands or "";
            given = builtins.toString contents;
            closure = lib.optionalString (contents != [ ]) (closureInfo {
              rootPaths = contents;
            });
            passAsFile = [
              "config"
              "extraCommands"
              "fakeRootCommands"
            ];
            nativeBuildInputs = [
              fakeroot
              jq
            ];
            meta = args.meta or { };
            passthru = (args.passthru or { }) // {
              imageName = lib.toLower args.name;
              inherit imageTag;
            };
            tag = args.tag or "";
          }
          ''
            created=${created}
            umask 022
            # In the format of Python's isoformat.
            if [ "$created" = now ]; then created=$(date -Iseconds); else created=$(date -Iseconds -d "$created"); fi
            mkdir layer image
            # Links to the contents instead of copies, as in nixpkgs.
            for path in $given; do
              (cd "$path" && find . -mindepth 1 -type d) | while read -r dir; do mkdir -p "layer/$dir"; done
              (cd "$path" && find . ! -type d) | while read -r file; do ln -s "$path/$file" "layer/$file"; done
            done
            (cd layer && . "$extraCommandsPath")
            # extraCommands and fakeRootCommands go into the layer of real files, whose time is
            # stdenv's and not `mtime`. A chown that the sandbox's only user cannot do must be
            # faked; nixpkgs patches its fakeroot for this.
            FAKEROOTDONTTRYCHOWN=1 fakeroot bash -e -c '
              (cd layer && . "$fakeRootCommandsPath")
              tar --sort=name --hard-dereference --numeric-owner --mtime="@$SOURCE_DATE_EPOCH" -C layer -cf image/layer.tar .
            '
            for path in $(if [ -n "$closure" ]; then cat "$closure/store-paths"; fi); do
              tar --sort=name --numeric-owner --owner=0 --group=0 --mtime=@1 --absolute-names -rf image/layer.tar "$path"
            done
            layer=$(sha256sum image/layer.tar | cut -d ' ' -f 1)
            mkdir "image/$layer"
            mv image/layer.tar "image/$layer/layer.tar"
            jq -cS --arg layer "sha256:$layer" --arg created "$created" \
              '.created = $created | .rootfs = {type: "layers", diff_ids: [$layer]} | .history = [{created: $created}]' "$configPath" >image/config.json
            id=$(sha256sum image/config.json | cut -d ' ' -f 1)
            mv image/config.json "image/$id.json"
            if [ -z "$tag" ]; then tag=$(basename "$out" | cut -d - -f 1); fi
            jq -nc --arg config "$id.json" --arg tag "$imageName:$tag" --arg layer "$layer/layer.tar" \
              '[{Config: $config, RepoTags: [$tag], Layers: [$layer]}]' >image/manifest.json
            tar --sort=name --numeric-owner --owner=0 --group=0 --mtime=@1 -C image -cf - $(ls image) | ${pack.${compressor}} >"$out"
          '';
      imageTag =
        args.tag or (builtins.substring 11 32 (builtins.unsafeDiscardStringContext image.outPath));
    in
    if builtins.any (argument: args ? ${argument}) unsupported then
      throw "the stand-in for nixpkgs knows of no use of ${
        toString (builtins.filter (argument: args ? ${argument}) unsupported)
      }"
    else
      image;
}
