# lib.fileset. Here a file set is a predicate over a file's path and name.
{ lib }:
let
  inherit (builtins)
    any
    isPath
    pathExists
    readDir
    ;

  isFileset = value: value._type or null == "fileset";
  fromPath =
    function: value:
    if isFileset value then
      value
    else if !isPath value then
      throw "${function}: (${toString value}) is neither a file set nor a path"
    else if !pathExists value then
      throw "${function}: (${toString value}) is a path that does not exist"
    else
      make (path: _: startsWith value path);
  startsWith =
    base: path:
    let
      prefix = "${toString base}/";
    in
    toString path == toString base
    || builtins.substring 0 (builtins.stringLength prefix) (toString path) == prefix;
  # has: path -> name -> bool
  make = has: {
    _type = "fileset";
    inherit has;
  };
  combine =
    function: f: a: b:
    let
      left = fromPath function a;
      right = fromPath function b;
    in
    make (path: name: f (left.has path name) (right.has path name));

  holdsFile =
    set: directory:
    let
      entries = readDir directory;
    in
    any (
      name:
      let
        path = directory + "/${name}";
      in
      if entries.${name} == "directory" then holdsFile set path else set.has path name
    ) (builtins.attrNames entries);
in
{
  unions =
    sets: builtins.foldl' (combine "lib.fileset.unions" (a: b: a || b)) (make (_: _: false)) sets;
  union = combine "lib.fileset.union" (a: b: a || b);
  intersection = combine "lib.fileset.intersection" (a: b: a && b);
  difference = combine "lib.fileset.difference" (a: b: a && !b);
  maybeMissing =
    path: if pathExists path then fromPath "lib.fileset.maybeMissing" path else make (_: _: false);
  fileFilter =
    keep: base:
    make (
      path: name:
      startsWith base path
      && keep {
        inherit name;
        type = "regular";
        hasExt = extension: lib.hasSuffix ".${extension}" name;
      }
    );
  toSource =
    given:
    let
      inherit
        (lib.refuseUnknown "lib.fileset.toSource" [
          "root"
          "fileset"
        ] given)
        root
        fileset
        ;
      set = fromPath "lib.fileset.toSource" fileset;
    in
    {
      outPath = builtins.path {
        path = root;
        name = "source";
        # Like nixpkgs', without the directories that hold no file of the set.
        filter =
          path: type:
          if type == "directory" then holdsFile set (/. + path) else set.has path (baseNameOf path);
      };
    };
}
