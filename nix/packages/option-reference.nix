# The reference of the NixOS module's options, from the options themselves. One that lacks its type, default, example
# or description is an error.
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
        # The options that the module sets are NixOS' own, which is not here.
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
  # A path in the store would change with every file of the flake.
  transformOptions = option: complete option // { declarations = [ ]; };
}).optionsCommonMark
