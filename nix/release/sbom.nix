# The software bill of materials: the crates in Cargo.lock, as CycloneDX. Crates that only tests
# need, and that the program does not contain, have the scope "excluded". Rust's standard library
# and musl, which flake.lock pins, are not listed.
{ lib, writeText }:
let
  manifest = lib.importTOML ../../Cargo.toml;
  inherit (manifest.package) name version;
  inherit ((lib.importTOML ../../Cargo.lock)) package;

  # Cargo.lock gives a dependency's version only if there are several.
  find =
    dependency:
    let
      words = lib.splitString " " dependency;
      found = lib.filter (
        crate:
        crate.name == lib.head words && (lib.length words == 1 || crate.version == lib.elemAt words 1)
      ) package;
    in
    if lib.length found == 1 then
      lib.head found
    else
      throw "Cargo.lock: ${dependency} is not exactly one crate";
  purl = crate: "pkg:cargo/${crate.name}@${crate.version}";
  dependencies = crate: map find (crate.dependencies or [ ]);

  # The run-time dependencies in Cargo.toml, and theirs.
  contained = map (node: node.key) (
    builtins.genericClosure {
      startSet = map (name: node (find name)) (lib.attrNames manifest.dependencies);
      operator = { crate, ... }: map node (dependencies crate);
    }
  );
  node = crate: {
    key = purl crate;
    inherit crate;
  };

  crates = lib.filter (crate: crate.name != name) package;
in
writeText "sbom.cdx.json" (
  builtins.toJSON {
    bomFormat = "CycloneDX";
    specVersion = "1.5";
    version = 1;
    metadata.component = {
      type = "application";
      bom-ref = "pkg:cargo/${name}@${version}";
      purl = "pkg:cargo/${name}@${version}";
      inherit name version;
      inherit (manifest.package) description;
      licenses = [ { license.id = manifest.package.license; } ];
    };
    components = map (crate: {
      type = "library";
      bom-ref = purl crate;
      purl = purl crate;
      inherit (crate) name version;
      scope = if lib.elem (purl crate) contained then "required" else "excluded";
      hashes = [
        {
          alg = "SHA-256";
          content = crate.checksum;
        }
      ];
    }) crates;
    dependencies = map (crate: {
      ref = purl crate;
      dependsOn = map purl (dependencies crate);
    }) package;
  }
)
