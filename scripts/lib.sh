# Sourced by the other scripts: finds the repository, sets up its virtual environment, prints messages.
# shellcheck shell=bash
set -euo pipefail

ROOT=$(CDPATH='' cd -- "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Git Bash rewrites variables that look like paths, but an endpoint is not a path. Windows' code pages lack characters
# that we print.
export MSYS2_ENV_CONV_EXCL=LOAD_TEST_ENDPOINT PYTHONUTF8=1

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 2; }

# require_target ARGUMENT...: exit, before any setup, if a run with these arguments has no target.
require_target() {
  local argument
  # Locust may find the host in these files; `katydid run` checks that later.
  if [ -n "${LOCUST_HOST:-}${OPENAI_BASE_URL:-}${ANTHROPIC_BASE_URL:-}${OLLAMA_HOST:-}" ] || [ -f locust.conf ] || [ -f "${HOME:-}/.locust.conf" ]; then return; fi
  for argument in "$@"; do
    case $argument in
      -H* | --host | --host=* | --config* | --embedded-target* | --worker | -h | --help) return ;;
    esac
  done
  die "no target: give its URL, as in LOCUST_HOST=http://127.0.0.1:8080 $0"
}

is_python() { # is_python COMMAND...: it is a Python >= 3.11
  "$@" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null
}

find_python() { # print a Python >= 3.11, or die
  local candidate
  if [ -n "${PYTHON:-}" ]; then
    is_python "$PYTHON" || die "PYTHON=$PYTHON is not Python 3.11 or newer: name another, or unset it"
    printf '%s\n' "$PYTHON"
    return
  fi
  for candidate in python3 python3.13 python3.12 python3.11 python; do
    if is_python "$candidate"; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  # If PATH has no Python: the Windows launcher, which prints the path of the executable.
  if is_python py -3; then
    py -3 -c 'import sys; print(sys.executable)'
    return
  fi
  die "no Python 3.11 or newer was found: install one, or name it with PYTHON=/path/to/python"
}

venv_bin() { # print the folder of an environment's commands: Scripts on Windows
  if [ -d "$1/Scripts" ]; then printf '%s\n' "$1/Scripts"; else printf '%s\n' "$1/bin"; fi
}

quietly() { # quietly WHAT COMMAND...: print the command's output only if it fails
  local what=$1 output
  shift
  say "$what ..."
  output=$("$@" 2>&1) || { say "$output"; die "$what failed: see the output above"; }
}

# hold_lock FOLDER: wait until no other setup holds the lock, then hold it until the calling (sub)shell ends.
hold_lock() {
  local lock=$1 owner waited=0
  until mkdir "$lock" 2>/dev/null; do
    [ -w "$(dirname "$lock")" ] || die "cannot write to $(dirname "$lock"): make it writable"
    owner=$(cat "$lock/owner" 2>/dev/null || true)
    if [ -n "$owner" ] && ! kill -0 "$owner" 2>/dev/null; then
      rm -rf "$lock" # its owner is dead
      continue
    fi
    [ "$waited" -gt 0 ] || say "Waiting for another setup (process ${owner:-unknown}) ..."
    waited=$((waited + 1))
    [ "$waited" -lt 900 ] || die "another setup has been running for 15 minutes: end it, remove $lock, and try again"
    sleep 1
  done
  held_lock=$lock
  trap 'rm -rf "$held_lock"' EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  printf '%s\n' $$ >"$lock/owner"
}

# setup_env FOLDER REQUIREMENTS [OPTION of pip ...]: make a virtual environment with exactly these packages, unless it
# already exists.
setup_env() {
  local folder=$1 requirements=$2 python stamp
  shift 2
  python=$(find_python)
  # The stamp includes the root, because an environment does not work after its repository was moved.
  stamp="$ROOT $("$python" -c 'import sys; print(sys.version)') $(cksum <"$requirements")"
  [ "$folder" != "$ROOT/.venv" ] || stamp="$stamp $(what_is_built | cksum)"
  if ! has_stamp "$folder" "$stamp"; then
    (
      hold_lock "$folder-lock"
      has_stamp "$folder" "$stamp" || make_env "$folder" "$requirements" "$python" "$stamp" "$@"
    )
  fi
}

what_is_built() { # print the files that require a reinstallation when they change; Python sources do not
  cat "$ROOT/pyproject.toml"
  find "$ROOT/src" "$ROOT/hatch_build.py" \( -name '*.[ch]' -o -name hatch_build.py \) -exec cat {} + 2>/dev/null || true
}

has_stamp() { [ "$(cat "$1/.stamp" 2>/dev/null || true)" = "$2" ]; }

make_env() {
  local folder=$1 requirements=$2 python=$3 stamp=$4 bin
  shift 4
  rm -rf "$folder"
  quietly "Making $(basename "$folder")" "$python" -m venv "$folder"
  bin=$(venv_bin "$folder")
  quietly "Installing $(basename "$requirements")" "$bin/python" -m pip install --quiet \
    --disable-pip-version-check --require-hashes -r "$requirements" "$@"
  if [ "$folder" = "$ROOT/.venv" ]; then
    quietly "Installing katydid" "$bin/python" -m pip install --quiet --disable-pip-version-check \
      --no-deps --no-build-isolation --no-index --editable "$ROOT"
  fi
  printf '%s' "$stamp" >"$folder/.stamp"
}

# katydid_setup [run|dev]: set up the repository's environment, and put its commands first in PATH.
katydid_setup() {
  local kind=${1:-run}
  case $kind in run | dev) ;; *) die "there is no setup called $kind: use run or dev" ;; esac
  # A dev environment can also run load tests.
  if [ "$kind" = run ] && [ "$(cat "$ROOT/.venv/.kind" 2>/dev/null || true)" = dev ]; then kind=dev; fi
  setup_env "$ROOT/.venv" "$ROOT/requirements/$kind.txt"
  printf '%s' "$kind" >"$ROOT/.venv/.kind"
  PATH="$(venv_bin "$ROOT/.venv"):$PATH"
  export PATH
}

how_long() { # how_long SECONDS: print a rough duration, for estimates
  if [ "$1" -lt 90 ]; then printf '%s s' "$1"; else printf '%s min' $((($1 + 30) / 60)); fi
}

# interleave PAIRS COMMAND: call `COMMAND base PAIR` and `COMMAND new PAIR` alternately (base new, new base, …), so that
# drift affects both equally. An invalid run (4), or one in which nothing succeeded (1), does not end it, because the
# comparison handles them. COMMAND sees these locals before the variables of its own script.
interleave() {
  local pairs=$1 command=$2 pair side order code turn=0 left="" began=$SECONDS
  for ((pair = 1; pair <= pairs; pair++)); do
    if ((pair % 2)); then order="base new"; else order="new base"; fi
    for side in $order; do
      [ "$turn" -eq 0 ] || left="; about $(how_long $(((SECONDS - began) * (2 * pairs - turn) / turn))) left"
      say "Pair $pair of $pairs: $side (run $((turn + 1)) of $((2 * pairs)))$left"
      code=0
      "$command" "$side" "$pair" || code=$?
      case $code in 0 | 1 | 4) ;; *) exit "$code" ;; esac
      turn=$((turn + 1))
    done
  done
}
