#!/usr/bin/env bash
# See it work: a local target as version `old` and as a faster version `new`, the stream workload against both,
# interleaved, and the verdict. About three minutes. The truth: new takes 20 % less.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
katydid_setup run
cd "$ROOT"

base="--ttft 300ms --chunk-interval 25ms" new="--ttft 240ms --chunk-interval 20ms"
base_version=old new_version=new pairs=${PAIRS:-3}

run() {
  local version=${1}_version seed=$((2 * $2))
  [ "$1" = base ] || seed=$((seed + 1))
  katydid run stream --embedded-target="${!1} --chunks 60 --jitter 0.5 --seed $seed" --version-label "${!version}" \
    --users 40 --interval 5 --run-time 20s --results reports
}
interleave "$pairs" run
exec katydid compare reports/stream/old reports/stream/new --last "$pairs" --html reports/stream/compare-old-new.html
