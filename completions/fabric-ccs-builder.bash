# Completes the commands, options and paths of fabric-ccs-builder in bash.
_fabric_ccs_builder() {
  local commands="detect build release init check package verify rebuild install help version"
  local words=--help paths=dirnames
  case $COMP_CWORD:${COMP_WORDS[1]} in
    1:*) words="$commands --help --version" paths="" ;;
    2:help) words=$commands paths="" ;;
    *:init)
      words+=" --address --collections --label --type --dial-timeout --domain --tls --root-cert"
      words+=" --client-cert --client-key"
      ;;
    *:check) words+=" --config --dial --json --sample --verbose" paths=default ;;
    *:package)
      words+=" -o --output --env --force -q --quiet --id --label --type --address --dial-timeout"
      words+=" --domain --root-cert --client-cert --client-key --meta-inf"
      paths=default
      ;;
    *:verify)
      words+=" --packages --config --package-id --installed --dial -q --quiet --json --metrics"
      ;;
    *:rebuild) words+=" --config --dry-run --name" ;;
    *:install) words+=" --name --path --rollback -q --quiet" ;;
    *:help | *:version) words="" paths="" ;;
  esac
  case $3 in
    --packages | --meta-inf | --path) words="" paths=dirnames ;;
    --root-cert | --client-cert | --client-key | --env | --installed | --metrics) words="" paths=default ;;
    -o | --output) words="" paths=default ;;
    --address | --collections | --config | --dial-timeout | --domain) words="" paths="" ;;
    --label | --name | --package-id | --type) words="" paths="" ;;
  esac
  # Of --config.
  if [[ $2 == @* ]]; then
    compopt -o filenames
    mapfile -t COMPREPLY < <(compgen -P @ -f -- "${2#@}")
    return
  fi
  # Options only for a word that begins like one.
  [[ $2 == -* || $words != -* ]] || words=""
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$2")
  [ -z "$paths" ] || compopt -o "$paths"
}
complete -F _fabric_ccs_builder fabric-ccs-builder
