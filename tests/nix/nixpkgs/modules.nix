# lib's module system, as far as this project's modules use it: options with types, mkIf and its kin, submodules.
{ lib }:
let
  inherit (builtins)
    all
    attrNames
    concatLists
    concatMap
    concatStringsSep
    elem
    filter
    foldl'
    head
    isAttrs
    isBool
    isFunction
    isInt
    isList
    isPath
    isString
    length
    mapAttrs
    partition
    sort
    ;

  typeOf = value: if isAttrs value then value._type or null else null;
  isOption = value: typeOf value == "option";
  showOption = concatStringsSep ".";

  # A definition, freed of mkIf, mkMerge, mkOverride and mkOrder.
  discharge =
    def:
    let
      inner = discharge (def // { value = def.value.content; });
    in
    {
      "if" = if def.value.condition then inner else [ ];
      merge = concatMap (value: discharge (def // { inherit value; })) def.value.contents;
      override = map (one: one // { inherit (def.value) priority; }) inner;
      order = map (one: one // { order = def.value.priority; }) inner;
    }
    .${toString (typeOf def.value)} or [
      (
        {
          priority = 100;
          order = 1000;
        }
        // def
      )
    ];

  # The same, one level down, without looking at any condition.
  pushDown =
    value:
    let
      wrap = concatMap (inner: [ (mapAttrs (_: content: value // { inherit content; }) inner) ]) (
        pushDown value.content
      );
    in
    {
      "if" = wrap;
      override = wrap;
      order = wrap;
      merge = concatMap pushDown value.contents;
    }
    .${toString (typeOf value)} or [ value ];

  effective =
    defs:
    let
      plain = concatMap discharge defs;
      strongest = foldl' (least: def: if def.priority < least then def.priority else least) 9999 plain;
    in
    sort (a: b: a.order < b.order) (filter (def: def.priority == strongest) plain);

  mergeValue =
    loc: type: defs:
    let
      wrong = filter (def: !type.check def.value) defs;
    in
    if wrong == [ ] then
      type.merge loc defs
    else
      throw "A definition for option `${showOption loc}' is not of type `${type.description}'. Definition values: ${toJSON (head wrong).value}";
  toJSON = value: if isFunction value then "a function" else builtins.toJSON value;

  evaluate =
    loc: option: defs:
    let
      default = lib.optionals (option ? default) [
        {
          value = option.default;
          priority = 1500;
          order = 1000;
        }
      ];
      found = effective (defs ++ default);
      value = mergeValue loc option.type found;
    in
    if (option.readOnly or false) && length (concatMap discharge (defs ++ default)) > 1 then
      throw "The option `${showOption loc}' is read-only, but it's set multiple times."
    else if found == [ ] && option.type ? emptyValue then
      option.type.emptyValue
    else if found == [ ] then
      throw "The option `${showOption loc}' was accessed but has no value defined. Try setting the option."
    else
      (option.apply or (x: x)) value;

  # { config = ...; options = ...; } of the trees declared and the values given, all at `loc`.
  walk =
    loc: freeform: trees: defs:
    let
      declared = lib.zipAttrsWith (_: values: values) trees;
      given = lib.zipAttrsWith (_: values: values) (
        concatMap (
          def:
          map (mapAttrs (_: value: { inherit value; })) (
            if isAttrs def.value then
              pushDown def.value
            else
              throw "`${showOption loc}' is no attribute set, but holds options"
          )
        ) defs
      );
      unknown = removeAttrs given (attrNames declared);
      at =
        name: nodes:
        let
          path = loc ++ [ name ];
          options = partition isOption nodes;
          values = given.${name} or [ ];
        in
        if options.right == [ ] then
          walk path null nodes values
        else if length nodes > 1 then
          throw "The option `${showOption path}' is already declared"
        else
          {
            config = evaluate path (head nodes) values;
            options = head nodes // {
              loc = path;
              declarations = [ ];
            };
          };
      below = mapAttrs at declared;
    in
    {
      options = mapAttrs (_: node: node.options) below;
      config =
        if unknown == { } then
          mapAttrs (_: node: node.config) below
        else if freeform == null then
          throw "The option `${showOption (loc ++ [ (head (attrNames unknown)) ])}' does not exist."
        else
          freeform.merge loc [ { value = mapAttrs (_: values: (head (effective values)).value) unknown; } ]
          // mapAttrs (_: node: node.config) below;
    };

  evalModules =
    given:
    let
      args = lib.refuseUnknown "lib.evalModules" [
        "modules"
        "specialArgs"
        "prefix"
        "class"
      ] given;
      always = {
        inherit lib;
        inherit (result) config options;
      }
      // args.specialArgs or { };
      load =
        module:
        let
          value = if isPath module || isString module then import module else module;
          # Only what a module names is looked up, so that `args` may depend on the configuration.
          plain =
            if isFunction value then
              value (
                mapAttrs (
                  name: _:
                  always.${name} or result.config._module.args.${name}
                    or (throw "a module wants the argument ${name}, which nobody gives")
                ) (lib.functionArgs value)
              )
            else
              value;
          isLong = plain ? config || plain ? options;
          long = lib.refuseUnknown "a module" [
            "_file"
            "key"
            "imports"
            "options"
            "config"
            "freeformType"
          ] plain;
          normal =
            if isLong then
              long
            else
              {
                imports = plain.imports or [ ];
                config = removeAttrs plain [
                  "_file"
                  "key"
                  "imports"
                ];
              };
        in
        [ normal ] ++ concatMap load (normal.imports or [ ]);
      modules = concatMap load (
        args.modules
        ++ [
          {
            options._module.args = mkOption {
              type = types.attrsOf types.raw;
              default = { };
              internal = true;
            };
          }
        ]
      );
      freeforms = concatMap (
        module: lib.optionals (module ? freeformType) [ module.freeformType ]
      ) modules;
      result = walk (args.prefix or [ ]) (if freeforms == [ ] then null else head freeforms) (map (
        module: module.options or { }
      ) modules) (map (module: { value = module.config or { }; }) modules);
    in
    result;

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
      getSubOptions = _: { };
    }
    // lib.refuseUnknown "lib.mkOptionType" [
      "name"
      "description"
      "descriptionClass"
      "check"
      "merge"
      "emptyValue"
      "getSubOptions"
      "nestedTypes"
    ] given
    // {
      _type = "option-type";
    };

  mergeEqualOption =
    loc: defs:
    if all (def: def.value == (head defs).value) defs then
      (head defs).value
    else
      throw "The option `${showOption loc}' has conflicting definition values";
  mergeOneOption =
    loc: defs:
    if length defs == 1 then
      (head defs).value
    else
      throw "The option `${showOption loc}' is defined multiple times while it's expected to be unique.";

  simple =
    name: description: check:
    mkOptionType { inherit name description check; };

  types = {
    bool = simple "bool" "boolean" isBool;
    int = simple "int" "signed integer" isInt;
    str = simple "str" "string" isString;
    nonEmptyStr = simple "nonEmptyStr" "non-empty string" (
      value: isString value && builtins.match "[ \t\n]*" value == null
    );
    raw = simple "raw" "raw value" (_: true) // {
      merge = mergeOneOption;
    };
    package = simple "package" "package" (
      value: lib.isDerivation value || lib.hasPrefix "/nix/store/" (toString value)
    );
    path = simple "path" "path" (value: lib.hasPrefix "/" (toString value));
    enum =
      values:
      simple "enum" "one of ${concatStringsSep ", " (map toJSON values)}" (value: elem value values);
    strMatching =
      pattern:
      simple "strMatching" "string matching the pattern ${pattern}" (
        value: isString value && builtins.match pattern value != null
      );
    nullOr =
      inner:
      mkOptionType {
        name = "nullOr";
        description = "null or ${inner.description}";
        check = value: value == null || inner.check value;
        merge =
          loc: defs:
          if all (def: def.value == null) defs then
            null
          else if lib.any (def: def.value == null) defs then
            throw "The option `${showOption loc}' is defined both null and not null"
          else
            inner.merge loc defs;
        inherit (inner) getSubOptions;
      };
    listOf =
      inner:
      mkOptionType {
        name = "listOf";
        description = "list of ${inner.description}";
        check = isList;
        merge =
          loc: defs:
          map (value: mergeValue (loc ++ [ "*" ]) inner (effective [ { inherit value; } ])) (
            concatLists (map (def: def.value) defs)
          );
        emptyValue = [ ];
        getSubOptions = prefix: inner.getSubOptions (prefix ++ [ "*" ]);
      };
    attrsOf =
      inner:
      mkOptionType {
        name = "attrsOf";
        description = "attribute set of ${inner.description}";
        check = isAttrs;
        merge =
          loc: defs:
          let
            each = lib.zipAttrsWith (_: values: effective (map (value: { inherit value; }) values)) (
              concatMap (def: pushDown def.value) defs
            );
          in
          mapAttrs (name: mergeValue (loc ++ [ name ]) inner) (
            lib.filterAttrs (_: values: values != [ ]) each
          );
        emptyValue = { };
        getSubOptions = prefix: inner.getSubOptions (prefix ++ [ "<name>" ]);
      };
    submodule =
      module:
      let
        evaluated =
          loc: modules:
          evalModules {
            prefix = loc;
            modules = lib.toList module ++ modules ++ [ { _module.args.name = lib.last loc; } ];
          };
      in
      mkOptionType {
        name = "submodule";
        description = "submodule";
        check = value: isAttrs value || isFunction value || isPath value;
        merge = loc: defs: removeAttrs (evaluated loc (map submoduleOf defs)).config [ "_module" ];
        emptyValue = removeAttrs (evaluated [ "<empty>" ] [ ]).config [ "_module" ];
        getSubOptions = prefix: removeAttrs (evaluated (prefix) [ ]).options [ "_module" ];
      };
  };
  submoduleOf = def: if isAttrs def.value then { config = def.value; } else def.value;

  collectOptions =
    tree: if isOption tree then [ tree ] else concatMap collectOptions (lib.attrValues tree);
in
{
  inherit
    evalModules
    mkOption
    mkOptionType
    mergeEqualOption
    mergeOneOption
    showOption
    types
    isOption
    ;
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
  mkDefault = lib.mkOverride 1000;
  mkForce = lib.mkOverride 50;
  mkOrder = priority: content: {
    _type = "order";
    inherit priority content;
  };
  mkBefore = lib.mkOrder 500;
  mkAfter = lib.mkOrder 1500;
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
  literalMD = text: {
    _type = "literalMD";
    inherit text;
  };

  # The list that option references are made of, those of submodules included.
  optionAttrSetToDocList =
    options:
    concatMap (
      option:
      let
        render =
          value:
          if
            elem (typeOf value) [
              "literalExpression"
              "literalMD"
            ]
          then
            value
          else
            lib.literalExpression (lib.generators.toPretty { } value);
        below = option.type.getSubOptions option.loc;
      in
      [
        (
          {
            inherit (option) loc;
            name = showOption option.loc;
            description = option.description or null;
            declarations = [ ];
            internal = option.internal or false;
            visible = option.visible or true;
            readOnly = option.readOnly or false;
            type = option.type.description;
          }
          // lib.optionalAttrs (option ? example) { example = render option.example; }
          // lib.optionalAttrs (option ? default || option ? defaultText) {
            default = render (option.defaultText or option.default);
          }
        )
      ]
      ++ lib.optionals (below != { }) (lib.optionAttrSetToDocList below)
    ) (collectOptions (removeAttrs options [ "_module" ]));
}
