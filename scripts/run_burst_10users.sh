#!/usr/bin/env bash
# Ten users send a request at the same moment, with a 30 s timeout: how many does the service work on at a time?
# All numbers are defaults: LOCUST_HOST, LOCUST_USERS, LOAD_TEST_BURSTS, LOAD_TEST_BURST_PATH … and options override them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-10} LOAD_TEST_REQUEST_TIMEOUT=${LOAD_TEST_REQUEST_TIMEOUT:-30}
require_target "$@"
katydid_setup run

exec katydid run burst "$@"
