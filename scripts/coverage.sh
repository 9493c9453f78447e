#!/usr/bin/env bash
# Run all tests, also the slow ones, and see what they cover: of src/ at least 95 % of the lines, of what is pure (model, protocol, load) every branch.
# What the processes do that the tests start counts too. About half an hour; arguments go to pytest.
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
