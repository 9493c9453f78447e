#!/usr/bin/env bash
# Run all tests, including the slow ones, and check coverage: at least 95 % of the lines of src/, and every branch of the
# pure packages (model, protocol, load). Processes started by tests count too. About half an hour; arguments go to pytest.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
katydid_setup dev

coverage erase
code=0
coverage run -m pytest -m "slow or not slow" "$@" || code=$?
coverage combine --quiet
coverage report --skip-covered --show-missing || true
python scripts/coverage_figures.py --lines 95 --pure-branches 100 || code=$?
exit "$code"
