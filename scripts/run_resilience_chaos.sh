#!/usr/bin/env bash
# 50 speakers for a minute; after 20 s all workers of the service are killed, and new ones start 5 s later.
# Without LOCUST_HOST or --host it starts the embedded target. LOCUST_USERS, options … override the defaults.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-50} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-60s}
export LOAD_TEST_CHAOS_WORKERS=${LOAD_TEST_CHAOS_WORKERS:-4}
(require_target "$@") 2>/dev/null || set -- --embedded-target="--speech-workers 4 --speech-restart 5s" "$@"
katydid_setup run

exec katydid run chaos "$@"
