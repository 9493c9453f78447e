#!/usr/bin/env bash
# Five users send twenty messages each, one after the other: do their conversations stay apart?
# The result is one JSON object on standard output. All numbers are defaults: LOCUST_HOST, LOCUST_USERS,
# LOAD_TEST_TURNS, LOAD_TEST_SCENARIO, LOAD_TEST_INTERVAL … and options override them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-5} LOAD_TEST_TURNS=${LOAD_TEST_TURNS:-20}
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-0} LOAD_TEST_SESSION_JSON=${LOAD_TEST_SESSION_JSON:--}
require_target "$@"
katydid_setup run

exec katydid run session "$@"
