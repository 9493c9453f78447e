#!/usr/bin/env bash
# Serve a real vLLM on the CPU, with a tiny model with random weights, on 127.0.0.1, until interrupted:
#   real_vllm.sh [PORT [OPTIONS of vLLM]]
# Its text is meaningless; its batching, prefix cache, preemption, usage, metrics and errors are real. Needs Linux on
# x86-64. Installs about 3.5 GB of pinned Python packages into a separate environment: .venv-vllm, or the folder in
# KATYDID_VLLM_ENV. PyTorch for the CPU (+cpu) is not on pip's default index: set PIP_EXTRA_INDEX_URL to one that has it.
# The server answers about a minute after its start.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
port=${1:-8082}
case $port in *[!0-9]* | ??????*) die "$port is not a port: give a number up to 65535, or nothing for 8082" ;; esac
[ "$(uname -sm)" = "Linux x86_64" ] || die "vLLM for the CPU needs Linux on x86-64: use scripts/real_llm.sh instead"
folder=${KATYDID_VLLM_ENV:-$ROOT/.venv-vllm}
model=$folder/tiny-model

setup_env "$folder" "$ROOT/requirements/vllm.txt" --no-deps
python=$(venv_bin "$folder")/python
[ -f "$model/config.json" ] || "$python" "$ROOT/scripts/tiny_model.py" "$model"

# 1 GB of KV cache; no usage statistics, no downloads.
export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1} VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_OFFLINE=1
exec "$python" -m vllm.entrypoints.openai.api_server --host 127.0.0.1 --port "$port" \
  --model "$model" --served-model-name tiny --load-format dummy \
  --max-model-len 4096 --max-num-seqs 16 --enable-prompt-tokens-details "${@:2}"
