#!/usr/bin/env bash
# Set everything up, then run all checks and tests. Arguments go to pytest.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
katydid_setup dev

# Pages are tested in a real browser. Install it if this is possible without asking.
if ! command -v chromium >/dev/null && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  # In a subshell, so that a failure only skips the browser tests.
  (quietly "Installing chromium" sh -c 'apt-get update -q && apt-get install -yq --no-install-recommends chromium') ||
    say "no chromium: the browser tests are skipped"
fi

checks() { ruff check . && ruff format --check . && mypy && lint-imports; }

if [ $# -gt 0 ]; then
  checks
  exec pytest "$@"
fi

# These tests generate load and mostly wait; all others mostly compute. So the two groups run in parallel.
LOAD=(tests/e2e tests/faults tests/transport tests/commands/test_bad_input.py)
AFTERWARDS=(tests/report) # computes, but runs after the load tests, when the processor is free
# Load test runs have their own sessions, and Linux gives every session an equal share of the processor. Give this one
# the smallest share.
gently() {
  command -v setsid >/dev/null || exec nice "$@"
  # shellcheck disable=SC2016 # the inner shell's arguments
  exec setsid sh -c 'echo 19 2>/dev/null >/proc/self/autogroup; exec nice "$@"' sh "$@"
}

# Both groups share the processors, so a test that depends on timing may fail. Failed tests run once more, alone, and
# that result counts. CHECKS_FAILED is an exit code that pytest does not use.
CHECKS_FAILED=90
scratch=$(mktemp -d)
again() { # again STATUS CACHE PYTEST-ARGUMENT...: rerun the failed tests of a pytest run that exited with STATUS
  local status=$1 cache=$2
  shift 2
  [ "$status" = 1 ] || return "$status"
  say "Running the failed tests again, alone ..."
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
