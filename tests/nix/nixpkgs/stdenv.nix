# stdenv: mkDerivation, and the tools every build finds without asking for them.
{
  lib,
  system,
  targetPrefix,
  tool,
  hostPlatform,
}:
let
  buildPlatform = {
    inherit system;
    config = "${lib.removeSuffix "-linux" system}-unknown-linux-gnu";
    canExecute = platform: platform.system == system;
  };

  # nixpkgs' stdenv offers these; anything else has to be named in nativeBuildInputs.
  tools = tool "stdenv" (
    map (name: "/usr/bin/${name}") (
      [
        "ar"
        "as"
        "awk"
        "bash"
        "bzip2"
        "cc"
        "cmp"
        "diff"
        "find"
        "gcc"
        "grep"
        "gzip"
        "ld"
        "make"
        "objdump"
        "patch"
        "readelf"
        "sed"
        "sh"
        "strings"
        "strip"
        "tar"
        "xargs"
        "xz"
      ]
      ++ coreutils
    )
  );
  coreutils = [
    "basename"
    "cat"
    "chmod"
    "chown"
    "cp"
    "cut"
    "date"
    "dd"
    "df"
    "dirname"
    "du"
    "echo"
    "env"
    "expr"
    "false"
    "head"
    "id"
    "install"
    "ln"
    "ls"
    "mkdir"
    "mkfifo"
    "mknod"
    "mktemp"
    "mv"
    "nproc"
    "od"
    "printf"
    "pwd"
    "readlink"
    "realpath"
    "rm"
    "rmdir"
    "seq"
    "sha256sum"
    "sleep"
    "sort"
    "stat"
    "tail"
    "tee"
    "test"
    "timeout"
    "touch"
    "tr"
    "true"
    "truncate"
    "uname"
    "uniq"
    "wc"
    "whoami"
    "yes"
  ];

  mkDerivation =
    definition:
    let
      final =
        if lib.isFunction definition then definition (final // { finalPackage = package; }) else definition;
      package = build final;
      overrideAttrs =
        change:
        mkDerivation (
          self:
          let
            old = if lib.isFunction definition then definition self else definition;
          in
          old // (if lib.isFunction (change old) then change self old else change old)
        );
      build =
        attrs:
        let
          structured = attrs.__structuredAttrs or false;
          env = attrs.env or { };
          doCheck = (attrs.doCheck or false) && buildPlatform.canExecute hostPlatform;
          plain = removeAttrs attrs [
            "env"
            "meta"
            "passthru"
            "override"
          ];
          drv = derivation (
            plain
            // {
              name = attrs.name or "${attrs.pname}-${attrs.version}";
              inherit system doCheck;
              builder = "/bin/bash";
              args = [
                "-e"
                ./setup.sh
              ];
              PATH = "${tools}/bin";
              STRIP = "/usr/bin/${targetPrefix}strip";
              nativeBuildInputs =
                (attrs.nativeBuildInputs or [ ]) ++ lib.optionals doCheck (attrs.nativeCheckInputs or [ ]);
            }
            // (if structured then { inherit env; } else env)
          );
        in
        if attrs ? outputHash || attrs ? impureEnvVars then
          throw "the stand-in for nixpkgs fetches nothing: ${drv.name}"
        else
          (attrs.passthru or { })
          // drv
          // {
            inherit overrideAttrs stdenv;
          }
          // lib.optionalAttrs (attrs ? pname) { inherit (attrs) pname version; }
          // lib.optionalAttrs (attrs ? src) { inherit (attrs) src; }
          // {
            meta = attrs.meta or { };
          };
    in
    package;

  stdenv = {
    inherit buildPlatform hostPlatform mkDerivation;
    cc = { inherit targetPrefix; };
    targetPlatform = hostPlatform;
  };
in
stdenv
