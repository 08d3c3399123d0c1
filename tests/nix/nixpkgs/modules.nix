# lib's module system, as far as this project's modules use it, with nixpkgs' errors. Comments about
# nixpkgs' behaviour are based on its lib/modules.nix and lib/types.nix.
{ lib }:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    filter
    foldl'
    genericClosure
    head
    isAttrs
    isBool
    isFloat
    isFunction
    isInt
    isList
    isPath
    isString
    length
    mapAttrs
    match
    partition
    sort
    zipAttrsWith
    ;
  inherit (lib) showOption;

  typeOf = value: if isAttrs value then value._type or null else null;
  isOption = value: typeOf value == "option";
  groupByName = zipAttrsWith (_: values: values);

  showDefs = lib.concatMapStrings (
    def: "\n- In `${def.file}': ${lib.generators.toPretty { } def.value}"
  );
  showFiles = files: lib.concatMapStringsSep " and " (file: "`${file}'") files;

  # The values left after mkIf and mkMerge, which are not resolved below mkOverride and mkOrder.
  discharge =
    value:
    {
      "if" = if value.condition then discharge value.content else [ ];
      merge = concatMap discharge value.contents;
    }
    .${toString (typeOf value)} or [ value ];

  # The same, one level down, without evaluating conditions.
  pushDown =
    value:
    let
      wrap = map (mapAttrs (_: content: value // { inherit content; })) (pushDown value.content);
    in
    {
      "if" = wrap;
      override = wrap;
      merge = concatMap pushDown value.contents;
    }
    .${toString (typeOf value)} or [ value ];
  # Of definitions, { file, value }.
  pushDownDefs = concatMap (def: map (value: def // { inherit value; }) (pushDown def.value));

  # The effective definitions, in their order: mkIf and mkMerge, then mkOverride, then mkOrder, each
  # only outside the next.
  effective =
    defs:
    let
      priority =
        kind: usual: def:
        if typeOf def.value == kind then def.value.priority else usual;
      strip = kind: def: if typeOf def.value == kind then def // { value = def.value.content; } else def;
      plain = concatMap (def: map (value: def // { inherit value; }) (discharge def.value)) defs;
      override = priority "override" 100;
      strongest = foldl' (least: def: if override def < least then override def else least) 9999 plain;
      kept = map (strip "override") (filter (def: override def == strongest) plain);
      order = priority "order" 1000;
    in
    map (strip "order") (sort (a: b: order a < order b) kept);

  mergeDefinitions =
    loc: type: given:
    let
      defs = effective given;
      wrong = filter (def: !type.check def.value) defs;
    in
    {
      inherit defs;
      value =
        if type.mergesV2 && !(type.check.isV2MergeCoherent or false) then
          throw "The option `${showOption loc}' has a type `${type.description}' that uses an ad-hoc `type // { check = ...; }' override, which is incompatible with the v2 merge mechanism."
        else if wrong != [ ] then
          throw "A definition for option `${showOption loc}' is not of type `${type.description}'. Definition values:${showDefs wrong}"
        else if defs != [ ] then
          type.merge loc defs
        else
          type.emptyValue.value
            or (throw "The option `${showOption loc}' was accessed but has no value defined. Try setting the option.");
    };

  evaluate =
    loc: decl: given:
    let
      option = decl.value;
      # Before any condition is evaluated, as nixpkgs counts for readOnly.
      defs =
        lib.optional (option ? default) {
          inherit (decl) file;
          value = lib.mkOverride 1500 option.default;
        }
        ++ given;
      merged = mergeDefinitions loc option.type defs;
    in
    {
      type = types.unspecified;
    }
    // option
    // {
      inherit loc;
      declarations = [ decl.file ];
      definitionsWithLocations = merged.defs;
      value =
        if option.readOnly or false && length defs > 1 then
          throw "The option `${showOption loc}' is read-only, but it's set multiple times. Definition values:${
            showDefs (concatMap (def: effective [ def ]) defs)
          }"
        else
          (option.apply or (x: x)) merged.value;
    };

  # { options, unmatched } of the declarations and definitions at `loc`, { file, value } each.
  walk =
    loc: decls: defs:
    let
      byName = map (each: mapAttrs (_: value: each // { inherit value; }) each.value);
      declared = groupByName (byName decls);
      given = groupByName (
        byName (
          map (
            def:
            if isAttrs def.value then
              def
            else
              throw "In module `${def.file}', you're trying to define a value of type `${builtins.typeOf def.value}' rather than an attribute set for the option `${showOption loc}'!"
          ) defs
        )
      );
      at =
        name: nodes:
        let
          path = loc ++ [ name ];
          kinds = partition (decl: isOption decl.value) nodes;
        in
        if kinds.right == [ ] then
          walk path nodes (pushDownDefs (given.${name} or [ ]))
        else if length nodes > 1 then
          throw "The option `${showOption path}' in `${(head nodes).file}' is already declared in ${
            showFiles (map (decl: decl.file) (lib.tail nodes))
          }."
        else
          {
            options = evaluate path (head nodes) (given.${name} or [ ]);
            unmatched = [ ];
          };
      below = mapAttrs at declared;
      stray = name: map (def: def // { loc = loc ++ [ name ]; }) given.${name};
    in
    {
      options = mapAttrs (_: node: node.options) below;
      unmatched =
        concatMap stray (attrNames (removeAttrs given (attrNames declared)))
        ++ concatMap (node: node.unmatched) (lib.attrValues below);
    };

  # Every module once, by its key, with its imports.
  collect =
    args: modules:
    let
      # { key, file, options, config, imports } of a path, a function or a set.
      load =
        parent: number: given:
        let
          isFile = isPath given || isString given;
          from =
            if isFile then
              {
                file = toString given;
                key = toString given;
              }
            else
              {
                inherit (parent) file;
                key = "${parent.key}:anon-${toString number}";
              };
          value = if isFile then import given else given;
          module =
            let
              loaded = if isFunction value then value (args // argumentsOf value) else value;
              kinds = [
                "module"
                "if"
                "override"
              ];
            in
            if lib.elem (loaded._type or "module") kinds then
              loaded
            else
              throw "Expected a module, but found a value of type ${builtins.toJSON loaded._type} in ${from.file}.";
          own = [
            "_file"
            "key"
            "imports"
          ];
          isLong = module ? config || module ? options;
        in
        from
        // {
          imports = module.imports or [ ];
          options = module.options or { };
          config =
            if isLong then
              (lib.refuseUnknown "module ${from.key}" (
                own
                ++ [
                  "options"
                  "config"
                ]
              ) module).config or { }
            else
              removeAttrs module own;
        }
        // lib.optionalAttrs (module ? _file) { file = toString module._file; }
        // lib.optionalAttrs (module ? key) { key = toString module.key; };
      # Only arguments that a module names are looked up, so that they may depend on the
      # configuration. Their own defaults are not used.
      argumentsOf =
        function:
        mapAttrs (name: _: args.${name} or args.config._module.args.${name}) (lib.functionArgs function);
      loadAll =
        parent: list: lib.zipListsWith (load parent) (builtins.genList (n: n + 1) (length list)) list;
    in
    genericClosure {
      startSet = loadAll {
        file = "<unknown-file>";
        key = "";
      } modules;
      operator = module: loadAll module module.imports;
    };

  evalModules =
    given:
    let
      args = lib.refuseUnknown "lib.evalModules" [
        "modules"
        "specialArgs"
        "prefix"
      ] given;
      prefix = args.prefix or [ ];
      internals = {
        _file = "lib/modules.nix";
        key = "lib/modules.nix";
        options._module = {
          args = mkOption (
            {
              type = types.lazyAttrsOf types.raw;
              description = "Additional arguments passed to each module.";
            }
            // lib.optionalAttrs (prefix != [ ]) { internal = true; }
          );
          check = mkOption {
            type = types.bool;
            internal = true;
            default = true;
            description = "Whether to check whether all option definitions have matching declarations.";
          };
        };
        config._module.args = { };
      };
      modules = collect (
        {
          inherit lib options;
          inherit config;
        }
        // args.specialArgs or { }
      ) (args.modules ++ [ internals ]);
      merged =
        walk prefix
          (map (module: {
            inherit (module) file;
            value = module.options;
          }) modules)
          (
            pushDownDefs (
              map (module: {
                inherit (module) file;
                value = module.config;
              }) modules
            )
          );
      inherit (merged) options;
      valueOf = node: if isOption node then node.value else mapAttrs (_: valueOf) node;
      config = valueOf options;
      # Whichever part of the result is used, even options.
      checked =
        if config._module.check && merged.unmatched != [ ] then
          throw "The option `${showOption (head merged.unmatched).loc}' does not exist. Definition values:${
            showDefs [ (head merged.unmatched) ]
          }"
        else
          null;
    in
    {
      options = builtins.seq checked options;
      config = builtins.seq checked (removeAttrs config [ "_module" ]);
    };

  mkOption =
    given:
    lib.refuseUnknown "lib.mkOption" [
      "default"
      "defaultText"
      "example"
      "description"
      "relatedPackages"
      "type"
      "apply"
      "internal"
      "visible"
      "readOnly"
    ] given
    // {
      _type = "option";
    };

  mkOptionType =
    given:
    {
      description = given.name;
      check = _: true;
      merge = mergeEqualOption;
      emptyValue = { };
      getSubOptions = _: { };
      getSubModules = null;
      mergesV2 = false;
    }
    // lib.refuseUnknown "lib.mkOptionType" [
      "name"
      "description"
      "descriptionClass"
      "check"
      "merge"
      "emptyValue"
      "getSubOptions"
      "getSubModules"
      "substSubModules"
      "typeMerge"
      "functor"
      "deprecationMessage"
      "nestedTypes"
    ] given
    // {
      _type = "option-type";
    };

  # The types whose check must not be replaced by `type // { check = ...; }`: nixpkgs calls merge
  # alone, which checks too.
  mkV2Type =
    given:
    mkOptionType given
    // {
      mergesV2 = true;
      check = {
        __functor = _: given.check;
        isV2MergeCoherent = true;
      };
    };

  mergeEqualOption =
    loc: defs:
    # A single one is not evaluated.
    if all (def: def.value == (head defs).value) (lib.tail defs) then
      (head defs).value
    else
      throw "The option `${showOption loc}' has conflicting definition values:${showDefs defs}";
  mergeOneOption =
    loc: defs:
    if length defs == 1 then
      (head defs).value
    else
      throw "The option `${showOption loc}' is defined multiple times while it's expected to be unique. Definition values:${showDefs defs}";

  simple =
    name: description: check:
    mkOptionType { inherit name description check; };

  types = {
    bool = simple "bool" "boolean" isBool;
    int = simple "int" "signed integer" isInt;
    float = simple "float" "floating point number" isFloat;
    str = simple "str" "string" isString;
    lines = simple "separatedString" "strings concatenated with \"\\n\"" isString // {
      merge = _: defs: lib.concatStringsSep "\n" (map (def: def.value) defs);
    };
    strMatching =
      pattern:
      simple "strMatching" "string matching the pattern ${pattern}" (
        value: isString value && match pattern value != null
      );
    raw = simple "raw" "raw value" (_: true) // {
      merge = mergeOneOption;
    };
    # nixpkgs merges several of the same kind.
    unspecified = types.raw // {
      description = "unspecified value";
    };
    package =
      simple "package" "package" (
        value:
        lib.isDerivation value || isString value && match "/nix/store/[0-9a-z]{32}-[^/]+" value != null
      )
      // {
        merge = mergeOneOption;
      };
    path = simple "path" "absolute path" (
      value:
      (isPath value || isString value || isAttrs value && value ? outPath)
      && lib.hasPrefix "/" (toString value)
    );
    externalPath = simple "path" "absolute path not in the Nix store" (
      value: isString value && lib.hasPrefix "/" value && !lib.hasPrefix "${builtins.storeDir}/" value
    );
    either =
      a: b:
      mkV2Type {
        name = "either";
        description = "${a.description} or ${b.description}";
        check = value: a.check value || b.check value;
        merge =
          loc: defs:
          let
            are = type: all (def: type.check def.value) defs;
          in
          (
            if are a then
              a.merge
            else if are b then
              b.merge
            else
              mergeOneOption
          )
            loc
            defs;
      };
    oneOf = list: foldl' types.either (head list) (lib.tail list);
    nullOr =
      inner:
      mkOptionType {
        name = "nullOr";
        description = "null or ${inner.description}";
        check = value: value == null || inner.check value;
        emptyValue.value = null;
        inherit (inner) getSubModules getSubOptions;
        merge =
          loc: defs:
          if all (def: def.value == null) defs then
            null
          else if lib.any (def: def.value == null) defs then
            throw "The option `${showOption loc}' is defined both null and not null, in ${
              showFiles (map (def: def.file) defs)
            }."
          else
            inner.merge loc defs;
      };
    listOf =
      inner:
      mkV2Type {
        name = "listOf";
        description = "list of ${inner.description}";
        check = isList;
        emptyValue.value = [ ];
        getSubOptions = prefix: inner.getSubOptions (prefix ++ [ "*" ]);
        inherit (inner) getSubModules;
        merge =
          loc: defs:
          map (merged: merged.value) (
            filter (merged: merged.defs != [ ]) (
              concatMap (
                def: map (value: mergeDefinitions (loc ++ [ "*" ]) inner [ (def // { inherit value; }) ]) def.value
              ) defs
            )
          );
      };
    addCheck =
      type: alsoCheck:
      type
      // {
        check = {
          __functor = _: value: type.check value && alsoCheck value;
          isV2MergeCoherent = true;
        };
      };
    attrsOf = attrsOf "attrsOf" (lib.filterAttrs (_: merged: merged.defs != [ ]));
    # Its names are known without evaluating its values.
    lazyAttrsOf = attrsOf "lazyAttrsOf" (x: x);
    submodule =
      module:
      let
        evaluated =
          prefix: modules:
          evalModules {
            inherit prefix;
            modules = [ { _module.args.name = lib.mkOverride 1500 "‹name›"; } ] ++ lib.toList module ++ modules;
          };
      in
      mkV2Type {
        name = "submodule";
        check = value: isAttrs value || isFunction value || types.path.check value;
        emptyValue.value = (evaluated [ ] [ ]).config;
        getSubOptions = prefix: (evaluated prefix [ { _module.check = false; } ]).options;
        getSubModules = lib.toList module;
        merge =
          loc: defs:
          (evaluated loc (
            [ { _module.args.name = lib.last loc; } ]
            ++ map (
              def:
              {
                _file = def.file;
              }
              // (if isAttrs def.value then { config = def.value; } else { imports = [ def.value ]; })
            ) defs
          )).config;
      };
  };
  attrsOf =
    name: present: inner:
    mkV2Type {
      inherit name;
      description = "attribute set of ${inner.description}";
      check = isAttrs;
      emptyValue.value = { };
      getSubOptions = prefix: inner.getSubOptions (prefix ++ [ "<name>" ]);
      inherit (inner) getSubModules;
      merge =
        loc: defs:
        mapAttrs (_: merged: merged.value) (
          present (
            mapAttrs (key: mergeDefinitions (loc ++ [ key ]) inner) (
              groupByName (map (def: mapAttrs (_: value: def // { inherit value; }) def.value) defs)
            )
          )
        );
    };

  collectOptions =
    tree: if isOption tree then [ tree ] else concatLists (map collectOptions (lib.attrValues tree));
in
{
  inherit
    evalModules
    isOption
    mergeEqualOption
    mergeOneOption
    mkOption
    mkOptionType
    types
    ;
  # Parts that are not identifiers are quoted, except in a reference.
  showOption = lib.concatMapStringsSep "." (
    part: if match "[a-zA-Z_][a-zA-Z0-9_'-]*|\\*|<.*>" part != null then part else builtins.toJSON part
  );
  mkIf = condition: content: {
    _type = "if";
    inherit condition content;
  };
  mkMerge = contents: {
    _type = "merge";
    inherit contents;
  };
  mkOverride = priority: content: {
    _type = "override";
    inherit priority content;
  };
  mkForce = lib.mkOverride 50;
  mkOrder = priority: content: {
    _type = "order";
    inherit priority content;
  };
  mkEnableOption =
    name:
    mkOption {
      default = false;
      example = true;
      description = "Whether to enable ${name}.";
      type = types.bool;
    };
  literalExpression = text: {
    _type = "literalExpression";
    inherit text;
  };
  modules.importApply = path: args: {
    _file = path;
    imports = [ (import path args) ];
  };

  # The list that option references are made from, including options of submodules and internal
  # ones.
  optionAttrSetToDocList =
    options:
    concatMap (
      option:
      let
        render =
          value:
          if typeOf value == "literalExpression" then
            value
          else
            lib.literalExpression (lib.generators.toPretty { } value);
        below = option.type.getSubOptions option.loc;
        isEmpty = option.type.emptyValue ? value && option.type.getSubModules == null;
      in
      [
        (
          {
            inherit (option) loc;
            name = showOption option.loc;
            description = option.description or null;
            declarations = filter (file: file != "<unknown-file>") option.declarations;
            internal = option.internal or false;
            visible = option.visible or true;
            readOnly = option.readOnly or false;
            type = option.type.description;
          }
          // lib.optionalAttrs (option ? example) { example = render option.example; }
          // lib.optionalAttrs (option ? default || option ? defaultText || isEmpty) {
            default = render (option.defaultText or option.default or option.type.emptyValue.value);
          }
        )
      ]
      ++ lib.optionals (below != { }) (lib.optionAttrSetToDocList below)
    ) (collectOptions options);
}
