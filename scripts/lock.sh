#!/usr/bin/env bash
# Update the pinned dependencies in requirements/*.txt, with the hashes of the files for all platforms. Needs uv.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
command -v uv >/dev/null || { echo "lock.sh: uv is missing: install it (pip install uv)" >&2; exit 2; }

pin() { # pin OUTPUT ARGUMENT...: without index URLs, which must not be committed
  local output=$1
  shift
  uv pip compile --quiet "${platform:---universal}" --python-version 3.11 --generate-hashes --no-header \
    --no-emit-index-url --no-emit-find-links --no-annotate "$@" --output-file "$output"
}

pin requirements/run.txt pyproject.toml --group install
pin requirements/dev.txt pyproject.toml --group install --group dev --constraint requirements/run.txt
pin requirements/mutation.txt pyproject.toml --group install --group dev --group mutation --constraint requirements/dev.txt
pin requirements/real.txt requirements/real.in
# vLLM for the CPU, only on Linux; without its image and audio packages, which do not match its version of PyTorch.
platform=--python-platform=x86_64-manylinux_2_28 pin requirements/vllm.txt requirements/vllm.in \
  --no-emit-package torchvision --no-emit-package torchaudio --no-emit-package torchcodec
pin requirements/model.txt requirements/model.in --no-deps
for client in locust genai-bench guidellm aiperf; do
  pin "benchmarks/drivers/$client.txt" "benchmarks/drivers/$client.in"
done
