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

ruff check .
ruff format --check .
mypy
lint-imports
exec pytest "$@"
