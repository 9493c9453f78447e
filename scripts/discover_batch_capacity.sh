#!/usr/bin/env bash
# Search for the capacity of the workload batch: the most users that meet its objective, one request per user every 20 s.
# All numbers are defaults: LOCUST_HOST, LOAD_TEST_INTERVAL, LOAD_TEST_MAX_USERS … and options override them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-20} LOAD_TEST_MAX_USERS=${LOAD_TEST_MAX_USERS:-500}
require_target "$@"
katydid_setup run

exec katydid capacity batch "$@"
