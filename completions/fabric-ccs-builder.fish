# Completes the commands, options and paths of fabric-ccs-builder in fish.
function __fabric_ccs_builder_runs
    set -l words (commandline -opc)
    contains -- "$words[2]" $argv
end

complete -c fabric-ccs-builder -f
complete -c fabric-ccs-builder -l help
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs ""' -l version
set -l commands \
    "detect:says whether a chaincode package is for this builder" \
    "build:checks a package, copies it and records what was copied" \
    "release:publishes a build's connection.json and index definitions" \
    "init:writes a source folder for a package to start from" \
    "check:finds every fault in a package or its source folder" \
    "package:makes a chaincode package from a source folder, and prints its ID" \
    "verify:compares what a peer keeps with its packages or its record" \
    "rebuild:builds a peer's installed packages again, with the current config" \
    "install:puts the program where a peer looks for it" \
    "help:prints this, or the help of a COMMAND" \
    "version:prints the version and how the program was built"
for command in $commands
    set -l pair (string split -m 1 : $command)
    complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs "" help' -a $pair[1] -d $pair[2]
end

complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs check package' -F
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs detect build release init verify rebuild install' \
    -a '(__fish_complete_directories)'

complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs check verify rebuild' \
    -l config -xa '@(__fish_complete_path (string sub --start 2 -- (commandline -ct)))'
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs init' -l tls
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs init' \
    -x -l address -l collections -l label -l type -l dial-timeout -l domain
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs init' -rF -l root-cert -l client-cert -l client-key
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs check' -l dial -l json -l sample -l verbose
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs package' -l force -s q -l quiet -l id
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs package' \
    -x -l label -l type -l address -l dial-timeout -l domain
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs package' \
    -rF -s o -l output -l env -l root-cert -l client-cert -l client-key
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs package' -l meta-inf -xa '(__fish_complete_directories)'
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs verify' -l dial -s q -l quiet -l json
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs verify' -l packages -xa '(__fish_complete_directories)'
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs verify' -x -l package-id
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs verify' -rF -l installed -l metrics
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs rebuild' -l dry-run
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs rebuild install' -x -l name
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs install' -l rollback -s q -l quiet
complete -c fabric-ccs-builder -n '__fabric_ccs_builder_runs install' -l path -xa '(__fish_complete_directories)'
