# stdenv: mkDerivation, and the tools that every build has without listing them.
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

  # nixpkgs' stdenv provides these; anything else must be listed in nativeBuildInputs.
  compiler = [
    "cc"
    "gcc"
  ];
  binutils = [
    "ar"
    "as"
    "ld"
    "objdump"
    "readelf"
    "strings"
    "strip"
  ];
  common = [
    "awk"
    "bash"
    "bzip2"
    "cmp"
    "diff"
    "file"
    "find"
    "grep"
    "gzip"
    "make"
    "patch"
    "sed"
    "sh"
    "tar"
    "xargs"
    "xz"
  ];
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

  dependencies = [
    "nativeBuildInputs"
    "buildInputs"
    "propagatedBuildInputs"
    "nativeCheckInputs"
    "checkInputs"
  ];
  isDependency =
    value: value == null || builtins.isString value || builtins.isPath value || lib.isDerivation value;
  isValue =
    value:
    builtins.isString value || builtins.isBool value || builtins.isInt value || lib.isDerivation value;

  # A stdenv whose builds find these programs from /usr/bin.
  make =
    name: programs:
    let
      tools = tool name (map (program: "/usr/bin/${program}") programs);
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
              meta = attrs.meta or { };
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
                  name =
                    attrs.name
                      or "${attrs.pname}${lib.optionalString hostPlatform.isStatic "-static-${hostPlatform.config}"}-${attrs.version}";
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
              name = attrs.name or attrs.pname;
            in
            if attrs ? outputHash || attrs ? impureEnvVars then
              throw "the stand-in for nixpkgs fetches nothing: ${name}"
            else if !lib.elem hostPlatform.system (meta.platforms or [ hostPlatform.system ]) then
              throw "Refusing to evaluate package '${name}' because it is not available on the requested hostPlatform"
            else if meta.broken or false then
              throw "Refusing to evaluate package '${name}' because it is marked as broken"
            else if !lib.all isDependency (lib.concatMap (kind: attrs.${kind} or [ ]) dependencies) then
              throw "${name}: Dependency is not of a valid type: an element of ${toString dependencies}"
            else if !lib.all isValue (lib.attrValues env) then
              throw "${name}: the `env` attribute set can only contain derivation, string, boolean or integer attributes"
            else if builtins.intersectAttrs env plain != { } then
              throw "${name}: the `env` attribute set cannot contain any attributes passed to derivation: ${toString (lib.attrNames (builtins.intersectAttrs env plain))}"
            else
              (attrs.passthru or { })
              // drv
              // {
                inherit meta overrideAttrs stdenv;
              }
              // lib.optionalAttrs (attrs ? pname) { inherit (attrs) pname version; }
              // lib.optionalAttrs (attrs ? src) { inherit (attrs) src; };
        in
        package;
      stdenv = {
        inherit buildPlatform hostPlatform mkDerivation;
        cc = { inherit targetPrefix; };
        targetPlatform = hostPlatform;
      };
    in
    stdenv;
in
{
  stdenv = make "stdenv" (common ++ coreutils ++ binutils ++ compiler);
  # For runCommand and similar functions: no binutils either.
  stdenvNoCC = make "stdenv-no-cc" (common ++ coreutils);
  binutils = tool "binutils" (map (name: "/usr/bin/${name}") binutils);
}
