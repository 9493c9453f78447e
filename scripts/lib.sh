# Sourced by the other scripts: finds the repository, sets up its virtual environment, says things.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 2; }

find_python() { # print a Python >= 3.11, or die
  local candidate
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.13 python3.12 python3.11 python; do
    if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
    [ -z "${PYTHON:-}" ] || die "PYTHON=$PYTHON is no Python 3.11 or newer: name another, or unset it"
  done
  die "no Python 3.11 or newer was found: install one, or name it with PYTHON=/path/to/python"
}

venv_bin() { # print the folder of an environment's commands: Scripts on Windows
  if [ -d "$1/Scripts" ]; then printf '%s\n' "$1/Scripts"; else printf '%s\n' "$1/bin"; fi
}

quietly() { # quietly WHAT COMMAND...: all of its output where it fails, none where it works
  local what=$1 output
  shift
  say "$what ..."
  output=$("$@" 2>&1) || { say "$output"; die "$what failed: see the output above"; }
}

# setup_env FOLDER REQUIREMENTS: make a virtual environment with exactly these packages; fast when it is there.
setup_env() {
  local folder=$1 requirements=$2 python stamp bin
  python=$(find_python)
  stamp="$("$python" -c 'import sys; print(sys.version)') $(cksum <"$requirements") $(cksum <"$ROOT/pyproject.toml")"
  if [ "$(cat "$folder/.stamp" 2>/dev/null || true)" != "$stamp" ]; then
    rm -rf "$folder"
    quietly "Making $(basename "$folder")" "$python" -m venv "$folder"
    bin=$(venv_bin "$folder")
    quietly "Installing $(basename "$requirements")" "$bin/python" -m pip install --quiet \
      --disable-pip-version-check --require-hashes -r "$requirements"
    if [ "$folder" = "$ROOT/.venv" ]; then
      quietly "Installing katydid" "$bin/python" -m pip install --quiet --disable-pip-version-check \
        --no-deps --no-build-isolation --no-index --editable "$ROOT"
    fi
    printf '%s' "$stamp" >"$folder/.stamp"
  fi
}

# katydid_setup [run|dev]: the repository's own environment, with its commands first in PATH.
katydid_setup() {
  local kind=${1:-run}
  # An environment for tests serves runs too.
  if [ "$kind" = run ] && [ "$(cat "$ROOT/.venv/.kind" 2>/dev/null || true)" = dev ]; then kind=dev; fi
  setup_env "$ROOT/.venv" "$ROOT/requirements/$kind.txt"
  printf '%s' "$kind" >"$ROOT/.venv/.kind"
  PATH="$(venv_bin "$ROOT/.venv"):$PATH"
  export PATH
}
