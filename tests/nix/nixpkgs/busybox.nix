# busybox: Debian's static one with every applet, and in pkgsStatic one with musl, compiled from the
# sources that scripts/get-musl fetched, so that extraConfig has an effect.
{
  lib,
  stdenv,
  runCommand,
}:
lib.makeOverridable (
  given:
  let
    args = lib.refuseUnknown "busybox.override" [
      "enableStatic"
      "enableMinimal"
      "enableAppletSymlinks"
      "extraConfig"
      "useMusl"
    ] given;
    strange = lib.filter (line: line != "" && builtins.match "CONFIG_[A-Z0-9_]+ [yn]" line == null) (
      lib.splitString "\n" (args.extraConfig or "")
    );
  in
  if strange != [ ] then
    throw "busybox.override: extraConfig takes lines like CONFIG_LS y, not ${toString strange}"
  else if !stdenv.hostPlatform.isMusl then
    runCommand "busybox" { meta.mainProgram = "busybox"; } ''
      mkdir -p "$out/bin"
      cp /usr/bin/busybox "$out/bin/busybox"
      ${lib.optionalString (args.enableAppletSymlinks or true) ''
        for applet in $("$out/bin/busybox" --list); do
          [ "$applet" = busybox ] || ln -s busybox "$out/bin/$applet"
        done
      ''}
    ''
  else
    stdenv.mkDerivation {
      name = "busybox";
      cpu = lib.removeSuffix "-unknown-linux-musl" stdenv.hostPlatform.config;
      inherit (stdenv.cc) targetPrefix;
      base = if args.enableMinimal or false then "allnoconfig" else "defconfig";
      given = lib.replaceStrings [ " " "\n" ] [ "=" " " ] "CONFIG_STATIC y\n${args.extraConfig or ""}";
      meta.mainProgram = "busybox";
      buildCommand = ''
        cp -r /host/musl/busybox build
        cd build
        make -s "$base" >/dev/null
        for option in $given; do
          grep -qE "^(# )?''${option%=*}[ =]" .config || { echo "busybox has no ''${option%=*}"; exit 1; }
          sed -i -E "s/^(# )?''${option%=*}[ =].*/$option/" .config
        done
        make -s oldconfig </dev/null >/dev/null
        for option in $given; do
          [ "''${option#*=}" = n ] || grep -qx "$option" .config || { echo "busybox does not take $option"; exit 1; }
        done

        # The compiler with musl's files, which are elsewhere here. The kernel's headers come after
        # musl's.
        sed -E "s,/usr/(lib|include)/$cpu-linux-musl,/host/musl/root&,g" \
          "/host/musl/root/usr/lib/$cpu-linux-musl/musl-gcc.specs" >specs
        headers=/usr/include/$cpu-linux-gnu
        [ -z "$targetPrefix" ] || headers=/usr/''${targetPrefix%-}/include
        make -s -j "$NIX_BUILD_CORES" CROSS_COMPILE="/usr/bin/$targetPrefix" SKIP_STRIP=y KCONFIG_NOTIMESTAMP=1 \
          CC="/usr/bin/''${targetPrefix}gcc -specs $PWD/specs -idirafter /usr/include -idirafter $headers" \
          busybox busybox.links >log 2>&1 || { cat log; exit 1; }
        install -D -t "$out/bin" busybox
        "$STRIP" -s -p "$out/bin/busybox"
        ${lib.optionalString (args.enableAppletSymlinks or true) ''
          sed 's,.*/,,' busybox.links | while read -r applet; do ln -s busybox "$out/bin/$applet"; done
        ''}
      '';
    }
) { }
