#!/usr/bin/env bash
# Run the tests against real engines, llama.cpp (as in CI) and vLLM (3.5 GB, too large for CI), or only one of them:
#   test_real.sh [llama.cpp | vllm]
# See scripts/real_llm.sh and scripts/real_vllm.sh for what they need.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
katydid_setup dev
case ${1:-both} in
  llama.cpp) export KATYDID_REAL=1 ;;
  vllm) export KATYDID_REAL_VLLM=1 ;;
  both) export KATYDID_REAL=1 KATYDID_REAL_VLLM=1 ;;
  *) die "unknown engine $1: use llama.cpp or vllm, or nothing for both" ;;
esac
exec pytest -m real "${@:2}"
