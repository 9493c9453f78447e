#!/usr/bin/env bash
# Run the tests against real engines: llama.cpp (as CI does), and vLLM, which is too large for CI (3.5 GB):
#   test_real.sh [llama.cpp | vllm]
# Both where none is named. See scripts/real_llm.sh and scripts/real_vllm.sh for what they need.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
katydid_setup dev
case ${1:-both} in
  llama.cpp) export KATYDID_REAL=1 ;;
  vllm) export KATYDID_REAL_VLLM=1 ;;
  both) export KATYDID_REAL=1 KATYDID_REAL_VLLM=1 ;;
  *) die "$1 is no engine: give llama.cpp or vllm, or nothing for both" ;;
esac
exec pytest -m real "${@:2}"
