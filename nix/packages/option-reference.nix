# The reference of the NixOS module's options, from the options themselves. One that lacks its type, default, example
# or description is an error.
{
  lib,
  pkgs,
  writeText,
}:
let
  # Defaults that come from the flake have a text of their own, so none is needed here.
  inherit
    (lib.evalModules {
      modules = [ (import ../nixos { }) ];
      specialArgs = { inherit pkgs; };
    })
    options
    ;
  documented = lib.filter (option: option.loc != [ ] && lib.head option.loc == "services") (
    lib.optionAttrSetToDocList options
  );

  code =
    text:
    if lib.length (lib.splitString "\n" text) > 1 then "\n\n```nix\n${text}\n```" else " `${text}`";
  entry =
    option:
    let
      missing = lib.filter (part: (option.${part} or null) == null) [
        "type"
        "default"
        "example"
        "description"
      ];
    in
    if missing != [ ] then
      throw "option ${option.name} has no ${toString missing}"
    else
      ''
        ## `${option.name}`

        ${lib.replaceStrings [ "{option}" "{manpage}" ] [ "" "" ] (
          lib.removeSuffix "\n" option.description
        )}

        Type: ${option.type}${lib.optionalString option.readOnly ", read only"}

        Default:${code (lib.removeSuffix "\n" option.default.text)}

        Example:${code (lib.removeSuffix "\n" option.example.text)}
      '';
in
writeText "options.md" ''
  # Options of services.fabric-ccs-builder

  ${lib.concatMapStringsSep "\n" entry documented}''
