#!/usr/bin/env bash
# 500 speakers, a second of audio each every 20 s, at the pace of speaking, for 5 minutes; a result within 60 s counts.
# Every number is a default: LOCUST_HOST, LOCUST_USERS, LOAD_TEST_INTERVAL, LOAD_TEST_AUDIO … and options win over it.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-500} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-5m}
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-20} LOAD_TEST_REQUEST_TIMEOUT=${LOAD_TEST_REQUEST_TIMEOUT:-60}
require_target "$@"
katydid_setup run

exec katydid run speech "$@"
