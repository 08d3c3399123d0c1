# The software bill of materials: the crates of Cargo.lock, as CycloneDX. Those that the program does not contain, which
# only tests need, have the scope "excluded". What flake.lock fixes, Rust's standard library and musl, is not in it.
{ lib, writeText }:
let
  manifest = lib.importTOML ../../Cargo.toml;
  inherit (manifest.package) name version;
  inherit ((lib.importTOML ../../Cargo.lock)) package;

  # Cargo.lock names a dependency by its version only where there are several.
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

  # What the run-time dependencies of Cargo.toml bring.
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
