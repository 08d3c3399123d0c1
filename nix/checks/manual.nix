# The man pages and completions are where man, bash, fish and zsh look for them.
{ fabric-ccs-builder, runCommand }:
runCommand "manual" { } ''
  cp -R ${fabric-ccs-builder}/share share
  chmod -R u+w share
  gzip -d share/man/man1/*.gz
  diff -r share/man/man1 ${../../man}
  rm -R share/man
  diff <(cd share && find . -type f | sort) - <<FILES
  ./bash-completion/completions/fabric-ccs-builder.bash
  ./fish/vendor_completions.d/fabric-ccs-builder.fish
  ./zsh/site-functions/_fabric-ccs-builder
  FILES
  touch $out
''
