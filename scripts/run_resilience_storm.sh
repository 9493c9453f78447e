#!/usr/bin/env bash
# 20 speakers, and after 20 s of a minute 2,000 clients connect at once.
# Without LOCUST_HOST or --host it is a target of our own that is put through it; LOCUST_USERS, options … win.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
export LOCUST_USERS=${LOCUST_USERS:-20} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-60s}
(require_target "$@") 2>/dev/null || set -- --embedded-target="--speech-connections 1000 --speech-workers 4" "$@"
katydid_setup run

exec katydid run storm "$@"
