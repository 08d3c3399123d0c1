# The functions of nixpkgs' lib that this project calls, with the same names and arguments.
let
  inherit (builtins)
    attrNames
    concatStringsSep
    elem
    filter
    functionArgs
    intersectAttrs
    isFunction
    listToAttrs
    mapAttrs
    replaceStrings
    stringLength
    substring
    ;

  lib = {
    inherit (builtins)
      all
      any
      attrNames
      attrValues
      concatLists
      concatMap
      concatStringsSep
      elem
      elemAt
      filter
      head
      isAttrs
      isBool
      isInt
      isList
      isString
      length
      tail
      mapAttrs
      partition
      stringLength
      zipAttrsWith
      ;

    fileset = import ./fileset.nix { inherit lib; };
    licenses.asl20 = {
      spdxId = "Apache-2.0";
      fullName = "Apache License 2.0";
      free = true;
    };
    platforms.linux = [
      "x86_64-linux"
      "aarch64-linux"
    ];

    generators.toPretty =
      given:
      let
        show =
          value:
          if isFunction value then
            "<function>"
          else if lib.isDerivation value then
            "<derivation ${value.name}>"
          else if value == { } then
            "{ }"
          else if value == [ ] then
            "[ ]"
          else if lib.isAttrs value then
            "{ ${concatStringsSep " " (lib.mapAttrsToList (name: inner: "${name} = ${show inner};") value)} }"
          else if builtins.isList value then
            "[ ${lib.concatMapStringsSep " " show value} ]"
          else
            builtins.toJSON value;
      in
      builtins.seq (lib.refuseUnknown "lib.generators.toPretty" [
        "multiline"
        "allowPrettyValues"
        "indent"
      ] given) show;

    genAttrs = names: f: listToAttrs (map (name: lib.nameValuePair name (f name)) names);
    mapAttrs' = f: set: listToAttrs (lib.mapAttrsToList f set);
    mapAttrsToList = f: set: map (name: f name set.${name}) (attrNames set);
    filterAttrs = keep: set: removeAttrs set (filter (name: !keep name set.${name}) (attrNames set));
    nameValuePair = name: value: { inherit name value; };
    optionalAttrs = condition: set: if condition then set else { };
    optionalString = condition: text: if condition then text else "";
    last = list: builtins.elemAt list (builtins.length list - 1);
    unique = builtins.foldl' (seen: value: if elem value seen then seen else seen ++ [ value ]) [ ];
    subtractLists = without: filter (value: !elem value without);
    zipListsWith =
      f: a: b:
      builtins.genList (i: f (builtins.elemAt a i) (builtins.elemAt b i)) (builtins.length a);
    throwIf =
      condition: message: value:
      if condition then throw message else value;
    optional = condition: value: if condition then [ value ] else [ ];
    optionals = condition: list: if condition then list else [ ];

    concatMapAttrs = f: set: builtins.foldl' (a: b: a // b) { } (lib.mapAttrsToList f set);
    concatStrings = concatStringsSep "";
    concatMapStrings = lib.concatMapStringsSep "";
    concatMapStringsSep =
      separator: f: list:
      concatStringsSep separator (map f list);
    inherit (builtins) replaceStrings listToAttrs;
    setAttrByPath =
      path: value:
      if path == [ ] then
        value
      else
        { ${builtins.head path} = lib.setAttrByPath (builtins.tail path) value; };
    attrByPath =
      path: default: set:
      if path == [ ] then
        set
      else if set ? ${builtins.head path} then
        lib.attrByPath (builtins.tail path) default set.${builtins.head path}
      else
        default;
    escapeShellArg =
      arg:
      if builtins.match "[[:alnum:],._+:@%/-]+" (toString arg) != null then
        toString arg
      else
        "'${replaceStrings [ "'" ] [ "'\\''" ] (toString arg)}'";
    # nixpkgs warns of a path, which is copied to the store when it becomes a string.
    noPath =
      function: value:
      if builtins.isPath value then throw "${function}: ${toString value} is a path" else value;
    hasSuffix =
      suffix: text:
      stringLength text >= stringLength (lib.noPath "lib.hasSuffix" suffix)
      && substring (stringLength text - stringLength suffix) (-1) text == suffix;
    hasInfix = infix: text: replaceStrings [ (lib.noPath "lib.hasInfix" infix) ] [ "" ] text != text;
    hasPrefix =
      prefix: text: substring 0 (stringLength (lib.noPath "lib.hasPrefix" prefix)) text == prefix;
    removeSuffix =
      suffix: text:
      if lib.hasSuffix suffix text then
        substring 0 (stringLength text - stringLength suffix) text
      else
        text;
    makeBinPath = lib.concatMapStringsSep ":" (package: "${package}/bin");

    # The separator is not a regular expression.
    splitString =
      separator: text:
      let
        escaped = replaceStrings (lib.stringToCharacters "\\[{()^$?*+|.") (map (c: "\\${c}") (
          lib.stringToCharacters "\\[{()^$?*+|."
        )) separator;
      in
      filter lib.isString (builtins.split escaped (toString text));
    toList = value: if builtins.isList value then value else [ value ];
    # ASCII only, like nixpkgs'.
    toLower =
      let
        upper = lib.stringToCharacters "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        lower = lib.stringToCharacters "abcdefghijklmnopqrstuvwxyz";
      in
      replaceStrings upper lower;
    stringToCharacters = text: builtins.genList (i: substring i 1 text) (stringLength text);

    importTOML = path: fromTOML (builtins.readFile path);
    importJSON = path: builtins.fromJSON (builtins.readFile path);
    isDerivation = value: value.type or null == "derivation";
    getExe =
      package:
      "${package}/bin/${
        package.meta.mainProgram or (throw "lib.getExe: ${package.name} has no meta.mainProgram")
      }";
    getExe' = package: name: "${package}/bin/${name}";

    # callPackage makes such sets of functions that a file returns.
    isFunction = f: builtins.isFunction f || f ? __functor;
    setFunctionArgs = f: args: {
      __functor = _: f;
      __functionArgs = args;
    };
    functionArgs = f: f.__functionArgs or (functionArgs f);
    callPackageWith =
      scope: function: overrides:
      let
        f = if isFunction function then function else import function;
        wanted = lib.functionArgs f;
        given = intersectAttrs wanted scope // overrides;
        missing = filter (name: !wanted.${name} && !given ? ${name}) (attrNames wanted);
      in
      if missing != [ ] then
        # As in nixpkgs, tryEval cannot catch this.
        abort
          "lib.customisation.callPackageWith: Function called without required argument \"${concatStringsSep "\", \"" missing}\""
      else
        lib.makeOverridable f given;
    makeOverridable =
      f: given:
      let
        result = f given;
        override = new: lib.makeOverridable f (given // (if isFunction new then new given else new));
      in
      if isFunction result then
        lib.setFunctionArgs result (lib.functionArgs result) // { inherit override; }
      else if builtins.isAttrs result then
        result
        // {
          inherit override;
        }
        // lib.optionalAttrs (result ? overrideAttrs) {
          overrideAttrs = change: lib.makeOverridable (args: (f args).overrideAttrs change) given;
        }
      else
        result;
    makeScope =
      newScope: f:
      let
        self = f self // {
          newScope = scope: newScope (self // scope);
          callPackage = self.newScope { };
          packages = f;
        };
      in
      self;

    # A function that throws on an argument that nixpkgs' function of the same name does not know.
    refuseUnknown =
      function: known: given:
      let
        unknown = filter (name: !elem name known) (attrNames given);
      in
      if unknown == [ ] then
        given
      else
        throw "${function}: called with unexpected argument '${concatStringsSep "', '" unknown}'";
  }
  // import ./modules.nix { inherit lib; };
in
lib
