# The reference of the NixOS module's options, generated from the options. An option without a type,
# default, example or description is an error.
{
  lib,
  nixosOptionsDoc,
  pkgs,
  self,
}:
let
  inherit
    (lib.evalModules {
      modules = [
        self.nixosModules.default
        # The module sets NixOS' own options, which do not exist here.
        { _module.check = false; }
      ];
      specialArgs = { inherit pkgs; };
    })
    options
    ;
  complete =
    option:
    let
      missing =
        lib.filter (part: option.${part} or null == null) [
          "default"
          "example"
          "description"
        ]
        ++ lib.optional (lib.hasPrefix "unspecified" option.type) "type";
    in
    lib.throwIf (
      !option.internal && missing != [ ]
    ) "option ${option.name} has no ${toString missing}" option;
in
(nixosOptionsDoc {
  options = { inherit (options) services; };
  # A store path would change with every file of the flake.
  transformOptions = option: complete option // { declarations = [ ]; };
}).optionsCommonMark
