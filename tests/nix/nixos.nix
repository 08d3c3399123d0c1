# The module with stubs of NixOS' options, for tests/nix/nixos: the result of a configuration,
# without NixOS.
let
  flake = import ./outputs.nix;
  inherit (flake.nixpkgs) lib;
  pkgs = flake.nixpkgs.legacyPackages.${builtins.currentSystem}.extend flake.overlays.default;

  stubs = import ./nixpkgs/nixos-stubs.nix { inherit lib pkgs; };

  evaluate =
    configuration:
    lib.evalModules {
      modules = [
        stubs
        flake.nixosModules.default
        configuration
      ];
    };

  # Units as NixOS writes them: an environment variable is a JSON string, a list repeats the
  # setting.
  render =
    kind: name: unit:
    let
      show = value: if lib.isBool value then (if value then "true" else "false") else toString value;
      settings =
        set:
        lib.concatStrings (
          lib.mapAttrsToList (
            key: value: lib.concatMapStrings (one: "${key}=${show one}\n") (lib.toList value)
          ) set
        );
    in
    pkgs.writeText "${name}.${kind}" (
      "[Unit]\nDescription=${unit.description}\n${settings unit.unitConfig}"
      + lib.optionalString (kind == "service") (
        "[Service]\n"
        + lib.concatStrings (
          lib.mapAttrsToList (
            key: value: "Environment=${builtins.toJSON "${key}=${value}"}\n"
          ) unit.environment
        )
        + settings unit.serviceConfig
      )
      + lib.optionalString (kind == "timer") "[Timer]\n${settings unit.timerConfig}"
      + lib.optionalString (kind == "path") "[Path]\n${settings unit.pathConfig}"
      + lib.optionalString (unit.wantedBy != [ ]) "[Install]\nWantedBy=${toString unit.wantedBy}\n"
    );
in
{
  inherit lib pkgs;
  inherit (flake) nixosModules;

  config = configuration: (evaluate configuration).config;

  # The messages of the assertions that fail.
  failed =
    configuration:
    map (one: one.message) (
      lib.filter (one: !one.assertion) (evaluate configuration).config.assertions
    );

  # A folder with the units and the content of /etc.
  units =
    configuration:
    let
      inherit (evaluate configuration) config;
      install =
        kind: name: unit:
        "cp ${render kind name unit} $out/${name}.${kind}\n";
    in
    pkgs.runCommand "units" { } ''
      mkdir -p $out/etc
      ${lib.concatStrings (lib.mapAttrsToList (install "service") config.systemd.services)}
      ${lib.concatStrings (lib.mapAttrsToList (install "timer") config.systemd.timers)}
      ${lib.concatStrings (lib.mapAttrsToList (install "path") config.systemd.paths)}
      ${lib.concatStrings (
        lib.mapAttrsToList (name: file: ''
          mkdir -p "$(dirname $out/etc/${name})"
          ln -s ${file.source} $out/etc/${name}
        '') config.environment.etc
      )}
    '';

  options = lib.filter (option: !option.internal && lib.hasPrefix "services." option.name) (
    lib.optionAttrSetToDocList (evaluate { }).options
  );

  # Whether an option accepts its example: `value` at `loc`, together with what a chaincode must
  # have.
  takes =
    option: value:
    let
      set =
        path:
        if path == [ ] then
          value
        else if lib.head path == "*" then
          [ (set (lib.tail path)) ]
        else
          { ${if lib.head path == "<name>" then "basic" else lib.head path} = set (lib.tail path); };
      inherit (evaluate (set option.loc)) config;
      get =
        path: from:
        if path == [ ] then
          from
        else if lib.head path == "*" then
          get (lib.tail path) (lib.head from)
        else
          get (lib.tail path) from.${if lib.head path == "<name>" then "basic" else lib.head path};
      seen = get option.loc config;
    in
    if option.readOnly then builtins.deepSeq value true else builtins.toJSON seen != "";
}
