#!/usr/bin/env bash
# Look every pinned dependency up in the database of known vulnerabilities. Needs pip-audit, and the network.
# Exit codes: 0 no known vulnerabilities, 1 some, 2 no result (pip-audit is missing or cannot reach the database).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
command -v pip-audit >/dev/null || die "pip-audit is missing: install it (pip install pip-audit)"

worst=0
for file in requirements/run.txt requirements/dev.txt requirements/real.txt; do
  say "$file ..."
  # --strict: otherwise a package that the service does not know, or does not answer for, counts as safe.
  output=$(pip-audit --strict --progress-spinner off --require-hashes --disable-pip -r "$file" 2>&1) || true
  case $output in
    *"No known vulnerabilities found"*) ;;
    *Found*"known vulnerabilit"*)
      say "$output"
      worst=1
      ;;
    # The last line gives the reason; a traceback may precede it.
    *) die "no result: $file could not be looked up in the database of known vulnerabilities (${output##*$'\n'})" ;;
  esac
done
[ "$worst" = 1 ] || say "No known vulnerabilities."
exit "$worst"
