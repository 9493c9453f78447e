#!/usr/bin/env bash
# Compare two versions: run both under the same load, interleaved, then compare their runs. Configure it with PAIRS,
# BASE_VERSION, NEW_VERSION, LOCUST_USERS, LOCUST_RUN_TIME …; options after the hosts go to every run.
#   scripts/compare_versions.sh http://127.0.0.1:8001 http://127.0.0.1:8002 --users 50 --run-time 2m
# With --until-decided before the hosts, `katydid ab` makes pairs only until the verdict is clear, at most PAIRS (10).
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
until_decided=
if [ "${1:-}" = --until-decided ]; then until_decided=1 && shift; fi
[ $# -ge 2 ] || die "give both hosts: $0 BASE_HOST NEW_HOST [options of a run]"
base_host=$1 new_host=$2
shift 2
options=("$@")
katydid_setup run

export LOCUST_USERS=${LOCUST_USERS:-200} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-3m} LOAD_TEST_RESULTS=${LOAD_TEST_RESULTS:-reports}
base=${BASE_VERSION:-base} new=${NEW_VERSION:-new} pairs=${PAIRS:-5}
if [ -n "$until_decided" ]; then
  exec katydid ab stream "$base_host" "$new_host" --max-pairs "${PAIRS:-10}" --base-version "$base" \
    --new-version "$new" ${options[@]+"${options[@]}"}
fi

run() {
  local host=${1}_host
  katydid run stream --host "${!host}" --version-label "${!1}" ${options[@]+"${options[@]}"}
}
interleave "$pairs" run
results=$LOAD_TEST_RESULTS/stream
exec katydid compare "$results/$base" "$results/$new" --last "$pairs" --html "$results/compare-$base-$new.html"
