#!/usr/bin/env bash
# See it work: a local target as version `old` and as a faster version `new`, the stream workload against both,
# interleaved until it is decided, and the verdict. About three minutes. The truth: new takes 20 % less.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
katydid_setup run
cd "$ROOT"

port=${PORT:-$((20000 + RANDOM % 10000))}
host=http://127.0.0.1:$port
target="katydid target --port $port --chunks 60 --jitter 0.5"
exec katydid ab stream "$host" "$host" --base-version old --new-version new --max-pairs "${PAIRS:-5}" \
  --start-base "$target --ttft 300ms --chunk-interval 25ms --seed 1" \
  --start-new "$target --ttft 240ms --chunk-interval 20ms --seed 2" \
  --users 40 --interval 5 --run-time 20s --results reports
