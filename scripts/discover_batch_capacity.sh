#!/usr/bin/env bash
# Searches the highest load of the workload batch that keeps its objective: users with one request per user every 20 s.
# Every number is a default: LOCUST_HOST, LOAD_TEST_INTERVAL, LOAD_TEST_MAX_USERS … and options win over it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-20} LOAD_TEST_MAX_USERS=${LOAD_TEST_MAX_USERS:-500}
require_target "$@"
katydid_setup run

exec katydid capacity batch "$@"
