#!/usr/bin/env bash
# See it work: a local target as version `old` and as a faster version `new`, the stream workload against both,
# interleaved until it is decided, and the verdict. About three minutes. The truth: new takes 20 % less.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
katydid_setup run
cd "$ROOT"

port=${PORT:-$((20000 + RANDOM % 10000))}
host=http://127.0.0.1:$port
# A seed of its own each time it starts (the number of the shell that starts it): runs that draw the same times are one.
target="katydid target --port $port --chunks 60 --jitter 0.5 --seed \$\$"
exec katydid ab stream "$host" "$host" --base-version old --new-version new --max-pairs "${PAIRS:-5}" \
  --start-base "$target --ttft 300ms --chunk-interval 25ms" \
  --start-new "$target --ttft 240ms --chunk-interval 20ms" \
  --users 40 --interval 5 --run-time 20s --results reports
