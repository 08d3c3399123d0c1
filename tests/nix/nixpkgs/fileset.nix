# lib.fileset. Here, a file set is a predicate on a file's path and name, plus the paths that it was
# made from.
{ lib }:
let
  inherit (builtins)
    any
    isPath
    pathExists
    readDir
    readFileType
    ;

  isFileset = value: value._type or null == "fileset";
  # A path that must exist, or a file set.
  fromValue =
    function: value:
    if isFileset value then
      value
    else if !isPath value then
      throw "${function}: ${
        if builtins.isString value then "\"${value}\"" else "an argument"
      } is neither a file set nor a path"
    else if !pathExists value then
      throw "${function}: ${toString value} is a path that does not exist"
    else
      make [ value ] (path: _: isBelow value path);
  isBelow =
    base: path: toString path == toString base || lib.hasPrefix "${toString base}/" (toString path);
  # has: path -> name -> bool
  make = bases: has: {
    _type = "fileset";
    inherit bases has;
  };
  combine =
    function: f: a: b:
    let
      left = fromValue function a;
      right = fromValue function b;
    in
    builtins.seq left.bases (
      builtins.seq right.bases (
        make (left.bases ++ right.bases) (path: name: f (left.has path name) (right.has path name))
      )
    );

  # A folder that cannot hold any of the set is not read: `target` has thousands of files, and each
  # evaluation of a working folder would take seconds.
  holdsFile =
    set: directory:
    let
      entries = readDir directory;
    in
    any (base: isBelow base directory || isBelow directory base) set.bases
    && any (
      name:
      let
        path = directory + "/${name}";
      in
      if entries.${name} == "directory" then holdsFile set path else set.has path name
    ) (builtins.attrNames entries);
in
{
  unions =
    sets: builtins.foldl' (combine "lib.fileset.unions" (a: b: a || b)) (make [ ] (_: _: false)) sets;
  difference = combine "lib.fileset.difference" (a: b: a && !b);
  maybeMissing =
    path:
    if isPath path && !pathExists path then
      make [ path ] (_: _: false)
    else
      fromValue "lib.fileset.maybeMissing" path;
  fileFilter =
    keep: base:
    if isFileset base then
      throw "lib.fileset.fileFilter: the second argument is a file set, but it should be a path"
    else
      let
        all = fromValue "lib.fileset.fileFilter" base;
      in
      make all.bases (
        path: name:
        all.has path name
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
      set = fromValue "lib.fileset.toSource" fileset;
      outside = builtins.filter (base: !isBelow root base) set.bases;
    in
    if !isPath root then
      throw "lib.fileset.toSource: `root` should be a path"
    else if readFileType root != "directory" then
      throw "lib.fileset.toSource: `root` (${toString root}) is a file, but it should be a directory"
    else if outside != [ ] then
      throw "lib.fileset.toSource: `fileset` could contain files in ${toString (builtins.head outside)}, which is not under the `root` (${toString root})"
    else
      {
        outPath = builtins.path {
          path = root;
          name = "source";
          # Like in nixpkgs, without directories that contain no file of the set.
          filter =
            path: type:
            if type == "directory" then holdsFile set (/. + path) else set.has path (baseNameOf path);
        };
      };
}
