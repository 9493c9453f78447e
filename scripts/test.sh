#!/usr/bin/env bash
# Set up everything and run all checks and tests; arguments go to pytest.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
katydid_setup dev

# Pages are tested in a real browser; where it can be installed without asking, it is.
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # In a subshell: a failure must not end us here, only the tests that need a browser.
  (quietly "Installing chromium" sh -c 'apt-get update -q && apt-get install -yq --no-install-recommends chromium') ||
    say "no chromium: the browser tests are skipped"
fi

checks() { ruff check . && ruff format --check . && mypy && lint-imports; }

if [ $# -gt 0 ]; then
  checks
  exec pytest "$@"
fi

# These make load, and mostly wait for it; everything else computes. So they run side by side.
LOAD=(tests/e2e tests/faults tests/transport tests/commands/test_bad_input.py)
AFTERWARDS=(tests/report) # computes too, but takes the processor that the load leaves at its end
# Runs have sessions of their own, which Linux gives equal shares of the processor: this one's is made the least.
gently() {
  command -v setsid >/dev/null || exec nice "$@"
  # shellcheck disable=SC2016 # the inner shell's arguments
  exec setsid sh -c 'echo 19 2>/dev/null >/proc/self/autogroup; exec nice "$@"' sh "$@"
}

# Both halves are on the same processors, and a test that looks at the clock may fail for that. What has failed is run
# once more, alone; what fails again has failed. CHECKS_FAILED is a code that pytest does not end with.
CHECKS_FAILED=90
scratch=$(mktemp -d)
again() { # again STATUS CACHE PYTEST-ARGUMENT...: of tests that have ended with this status
  local status=$1 cache=$2
  shift 2
  [ "$status" = 1 ] || return "$status"
  say "Running once more, alone, what failed ..."
  pytest --last-failed --last-failed-no-failures=none -o cache_dir="$cache" "$@"
}

first=("${LOAD[@]}" "${AFTERWARDS[@]}")
(checks || exit "$CHECKS_FAILED"; gently pytest -o cache_dir="$scratch/computing" "${first[@]/#/--ignore=}") \
  >"$scratch/output" 2>&1 &
pid=$!
trap 'kill "$pid" 2>/dev/null; rm -rf "$scratch"' EXIT
loading=0 computing=0
pytest -o cache_dir="$scratch/loading" "${first[@]}" || loading=$?
wait "$pid" || computing=$?
trap 'rm -rf "$scratch"' EXIT
cat "$scratch/output"
failed=0
again "$loading" "$scratch/loading" "${first[@]}" || failed=$?
again "$computing" "$scratch/computing" "${first[@]/#/--ignore=}" || failed=$?
exit "$failed"
