#!/usr/bin/env bash
# 50 speakers for a minute; after 20 s, 1,000 idle connections are opened and held.
# Without LOCUST_HOST or --host it starts the embedded target. LOCUST_USERS, options … override the defaults.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-50} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-60s}
(require_target "$@") 2>/dev/null || set -- --embedded-target="--speech-workers 4" "$@"
katydid_setup run

exec katydid run zombies "$@"
