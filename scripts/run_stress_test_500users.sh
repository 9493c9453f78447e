#!/usr/bin/env bash
# Ramp up until it breaks: ten more users each second, up to 500, one streamed request each every 20 s, until the 5th
# failure. To compare how many users two versions sustain: scripts/compare_versions.sh BASE NEW --ramp 10 --users 500.
# All numbers are defaults: LOCUST_HOST, LOCUST_USERS, LOAD_TEST_RAMP, LOAD_TEST_INTERVAL … and options override them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-500} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-8m}
export LOAD_TEST_RAMP=${LOAD_TEST_RAMP:-10} LOAD_TEST_FAILURE_THRESHOLD=${LOAD_TEST_FAILURE_THRESHOLD:-5}
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-20} LOAD_TEST_TEMPERATURE=${LOAD_TEST_TEMPERATURE:-0}
require_target "$@"
katydid_setup run

exec katydid run stream "$@"
