#!/usr/bin/env bash
# See it work: a local target, the stream workload against it, a summary and a report. About a minute.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
katydid_setup run
cd "$ROOT"

exec katydid run stream \
  --embedded-target="--ttft 300ms --chunks 60 --chunk-interval 25ms --jitter 0.3" \
  --version-label demo --users 40 --interval 5 --run-time 60s "$@"
