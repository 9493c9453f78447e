#!/usr/bin/env bash
# 20 speakers for a minute; after 25 s, 2,000 clients connect at once.
# Without LOCUST_HOST or --host it starts the embedded target, which accepts 1,000 connections. All speakers speak at the
# same time, every 10 s, so that the outcome is predictable: none of them is connected when the storm starts, and all
# connections are taken when they speak next. LOCUST_USERS, options … override the defaults.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-20} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-60s}
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-10} LOAD_TEST_PHASE=${LOAD_TEST_PHASE:-burst}
export LOAD_TEST_STORM_AT=${LOAD_TEST_STORM_AT:-25} LOAD_TEST_STORM_HOLD=${LOAD_TEST_STORM_HOLD:-8}
(require_target "$@") 2>/dev/null ||
  set -- --embedded-target="--speech-connections 1000 --speech-workers 4" --storm-expect 1000 "$@"
katydid_setup run

exec katydid run storm "$@"
