#!/usr/bin/env bash
# Run all tests and see what they cover: of src/ at least 95 % of the lines, of core/ every branch.
# Also what the processes cover that the tests start. About twice as long as scripts/test.sh; arguments go to pytest.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
katydid_setup dev

coverage erase
code=0
coverage run -m pytest "$@" || code=$?
coverage combine --quiet
coverage report --skip-covered --show-missing || true
python scripts/coverage_figures.py --lines 95 --core-branches 100 || code=$?
exit "$code"
