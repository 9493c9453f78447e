#!/usr/bin/env bash
# 20 speakers, and after 25 s of a minute 2,000 clients connect at once.
# Without LOCUST_HOST or --host it is a target of our own that is put through it, with room for 1,000. The speakers
# speak together every 10 s, so that it is known who has a place: nobody when the storm comes, and when they speak
# next the house is full. LOCUST_USERS, options … win.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-20} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-60s}
export LOAD_TEST_INTERVAL=${LOAD_TEST_INTERVAL:-10} LOAD_TEST_PHASE=${LOAD_TEST_PHASE:-burst}
export LOAD_TEST_STORM_AT=${LOAD_TEST_STORM_AT:-25} LOAD_TEST_STORM_HOLD=${LOAD_TEST_STORM_HOLD:-8}
(require_target "$@") 2>/dev/null ||
  set -- --embedded-target="--speech-connections 1000 --speech-workers 4" --storm-expect 1000 "$@"
katydid_setup run

exec katydid run storm "$@"
