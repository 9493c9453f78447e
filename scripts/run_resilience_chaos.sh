#!/usr/bin/env bash
# 50 speakers, and after 20 s of a minute a worker of the service is killed; it gets 5 s until there is a new one.
# Without LOCUST_HOST or --host it is a target of our own that is put through it; LOCUST_USERS, options … win.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-50} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-60s}
(require_target "$@") 2>/dev/null || set -- --embedded-target="--speech-workers 4 --speech-restart 5s" "$@"
katydid_setup run

exec katydid run chaos "$@"
