#!/usr/bin/env bash
# Serve a real vLLM on the CPU, with a tiny model of made-up weights, on 127.0.0.1, until interrupted:
#   real_vllm.sh [PORT [OPTIONS of vLLM]]
# What it says means nothing; its batching, prefix cache, preemption, usage, metrics and errors are the real ones.
# Linux on x86-64. About 3.5 GB of pinned Python packages, into an environment of its own: .venv-vllm, or the folder that
# KATYDID_VLLM_ENV names. PyTorch for the CPU (+cpu) is not on pip's default index: name one that has it in
# PIP_EXTRA_INDEX_URL. It answers about a minute after it was started.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
port=${1:-8082}
case $port in *[!0-9]* | ??????*) die "$port is not a port: give a number up to 65535, or nothing for 8082" ;; esac
[ "$(uname -sm)" = "Linux x86_64" ] || die "vLLM for the CPU runs on Linux on x86-64: take scripts/real_llm.sh"
folder=${KATYDID_VLLM_ENV:-$ROOT/.venv-vllm}
model=$folder/tiny-model

setup_env "$folder" "$ROOT/requirements/vllm.txt" --no-deps
python=$(venv_bin "$folder")/python
[ -f "$model/config.json" ] || "$python" "$ROOT/scripts/tiny_model.py" "$model"

# 1 GB of KV cache; nothing is sent to or fetched from anywhere.
export VLLM_CPU_KVCACHE_SPACE=${VLLM_CPU_KVCACHE_SPACE:-1} VLLM_NO_USAGE_STATS=1 DO_NOT_TRACK=1 HF_HUB_OFFLINE=1
exec "$python" -m vllm.entrypoints.openai.api_server --host 127.0.0.1 --port "$port" \
  --model "$model" --served-model-name tiny --load-format dummy \
  --max-model-len 4096 --max-num-seqs 16 --enable-prompt-tokens-details "${@:2}"
