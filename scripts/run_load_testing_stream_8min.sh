#!/usr/bin/env bash
# The standard load for comparing versions: 200 users, one streamed request each every 20 s, 8 minutes.
# All numbers are defaults: LOCUST_HOST, LOCUST_USERS, LOAD_TEST_INTERVAL … and options override them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-200} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-8m}
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-20} LOAD_TEST_TEMPERATURE=${LOAD_TEST_TEMPERATURE:-0}
require_target "$@"
katydid_setup run

exec katydid run stream "$@"
