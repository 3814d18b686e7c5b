#!/usr/bin/env bash
# Every `cargo test -p CRATE ... FILTER` that a README names must select at least one test: a module, a file of tests or a test of that name.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A folder
while IFS=: read -r manifest name; do
  name=${name#name = \"}
  folder[${name%\"}]=$(dirname "$manifest")
done < <(git ls-files '*Cargo.toml' | xargs grep -E '^name = "cairn' /dev/null)

bad=0 seen=0
while IFS= read -r found; do
  readme=${found%%:*} command=${found#*:}
  read -ra words <<<"$command"
  crate='' filter='' skip=0
  for word in "${words[@]:2}"; do
    case $word in
      --) break ;;
      -p) skip=crate ;;
      --test) skip=1 ;;
      -*) ;;
      *) if [ "$skip" = crate ]; then crate=$word; elif [ "$skip" = 0 ]; then filter=$word; fi; skip=0 ;;
    esac
  done
  [ -n "$crate" ] || continue
  seen=$((seen + 1))
  if [ -z "${folder[$crate]:-}" ]; then
    echo "$readme: no crate $crate in: $command" >&2; bad=1
  elif [ -n "$filter" ] && ! grep -rqE --include='*.rs' "(fn|mod) [a-z0-9_]*${filter%::}" "${folder[$crate]}"; then
    echo "$readme: no test of $crate is called like $filter in: $command" >&2; bad=1
  fi
done < <(git ls-files '*.md' | xargs grep -oE 'cargo test -p [^`#)]+' /dev/null)

[ "$bad" = 0 ] || { echo 'Name tests that exist, so that readers can run them.' >&2; exit 1; }
echo "$seen commands of the READMEs name tests that exist"
