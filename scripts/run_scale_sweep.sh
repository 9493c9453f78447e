#!/usr/bin/env bash
# A sweep over 100, 200, 1,000 and 10,000 users, one non-streamed answer each every 20 s: results, bottleneck.
# All numbers are defaults: LOCUST_HOST, LOAD_TEST_STAGES, LOAD_TEST_STAGE_TIME … and options override them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOAD_TEST_STAGES=${LOAD_TEST_STAGES:-100,200,1000,10000} LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-20}
export LOAD_TEST_STAGE_TIME=${LOAD_TEST_STAGE_TIME:-60} LOAD_TEST_COOL_DOWN=${LOAD_TEST_COOL_DOWN:-10}
require_target "$@"
katydid_setup run

exec katydid run scale "$@"
