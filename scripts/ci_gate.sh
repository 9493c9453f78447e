#!/usr/bin/env bash
# For CI: load the service, judge it by a thresholds file, and exit with the gate's code. Results: reports/gate/.
# LOCUST_HOST is the service, BASE_HOST (optional) the version to compare with. Both are run interleaved, PAIRS times each;
# without PAIRS, `katydid ab` makes pairs until the verdict is clear, at most MAX_PAIRS (10).
# Set the rest with THRESHOLDS (a file), LOCUST_USERS, LOCUST_RUN_TIME, LOAD_TEST_VERSION …; options go to every run.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
require_target "$@"
options=("$@")
case ${BASE_HOST:+" $* "} in
  *" --host"[\ =]* | *" -H"*) die "--host cannot be used with BASE_HOST: put the new version's address into LOCUST_HOST" ;;
esac
katydid_setup run

export LOCUST_USERS=${LOCUST_USERS:-50} LOCUST_RUN_TIME=${LOCUST_RUN_TIME:-3m}
thresholds=${THRESHOLDS:-stream} results=reports/gate
runs=$results/runs-$(date -u +%Y%m%dT%H%M%SZ)-$$
katydid gate --thresholds "$thresholds" --only-read # report its mistakes before the load, not after

run() {
  local side=$1
  set --
  [ "$side" = new ] || set -- --host "$BASE_HOST" --version-label "${BASE_VERSION:-base}"
  katydid run stream ${options[@]+"${options[@]}"} "$@" --results "$runs/$side"
}
if [ -n "${BASE_HOST:-}" ] && [ -z "${PAIRS:-}" ] && [ -n "${LOCUST_HOST:-}" ]; then
  katydid ab stream "$BASE_HOST" "$LOCUST_HOST" --max-pairs "${MAX_PAIRS:-10}" --thresholds "$thresholds" \
    --results "$runs" --base-version base --new-version new --json "$runs/ab.json" \
    ${options[@]+"${options[@]}"} || { code=$?; [[ $code = [134] ]] && [ -f "$runs/ab.json" ] || exit "$code"; }
  judged=("$runs/stream/new")
  baseline=("--baseline" "$runs/stream/base" "--comparison" "$runs/ab.json")
elif [ -n "${BASE_HOST:-}" ]; then
  interleave "${PAIRS:-3}" run
  baseline=("--baseline" "$runs"/base/stream/*)
  judged=("$runs"/new/stream/*)
else
  run new || { code=$?; [[ $code = [14] ]] || exit "$code"; } # the gate judges a failed or invalid run
  judged=("$runs"/new/stream/*)
fi

code=0
katydid gate "${judged[@]}" --thresholds "$thresholds" ${baseline[@]+"${baseline[@]}"} \
  --junit "$results/junit.xml" --markdown "$results/gate.md" --json "$results/gate.json" || code=$?
if [ -n "${GITHUB_STEP_SUMMARY:-}" ] && [ -f "$results/gate.md" ]; then cat "$results/gate.md" >>"$GITHUB_STEP_SUMMARY"; fi
exit "$code"
