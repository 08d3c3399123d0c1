# The given systemd services that only this module defines. Its settings alone create a unit, but
# one that runs nothing.
{ lib, options }:
let
  others = lib.filter (
    definition: !lib.hasPrefix "${toString ./.}/" definition.file
  ) options.systemd.services.definitionsWithLocations;
  # Whether mkIf leaves anything of a definition.
  isThere =
    value:
    {
      "if" = value.condition && isThere value.content;
      merge = lib.any isThere value.contents;
    }
    .${value._type or ""} or true;
in
lib.filter (
  unit: !lib.any (definition: definition.value ? ${unit} && isThere definition.value.${unit}) others
)
