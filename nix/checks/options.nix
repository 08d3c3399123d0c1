# The reference describes the options of services.fabric-ccs-builder, but no internal ones.
{ option-reference, runCommand }:
runCommand "options" { } ''
  # Headings escape dots and underscores.
  sed -n 's/^## //p' ${option-reference} | tr -d '\\' >options
  if grep -v '^services\.fabric-ccs-builder\.' options || grep -F _module options; then
    echo "the reference has an option that is not the module's, or an internal one" >&2
    exit 1
  fi
  for option in enable extraBuilders.\*.path chaincodes.\<name\>.tls.clientKey verify.path; do
    grep -xF "services.fabric-ccs-builder.$option" options
  done
  touch $out
''
