#!/usr/bin/env bash
# 500 speakers for 5 minutes, each sending a second of audio every 20 s, at the speed of speech, with a 60 s timeout.
# All numbers are defaults: LOCUST_HOST, LOCUST_USERS, LOAD_TEST_INTERVAL, LOAD_TEST_AUDIO … and options override them.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-500} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-5m}
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-20} LOAD_TEST_REQUEST_TIMEOUT=${LOAD_TEST_REQUEST_TIMEOUT:-60}
require_target "$@"
katydid_setup run

exec katydid run speech "$@"
