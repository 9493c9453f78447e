#!/usr/bin/env bash
# Change what is pure, and the gate, in some thousand small ways, and see which changes no test notices: a quarter of
# an hour on two idle cores.
# Goes on where it was interrupted. Arguments go to mutmut, such as 'katydid.protocol.sse*'; docs/mutation.md explains
# what survives.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
setup_env "$ROOT/.venv-mutation" "$ROOT/requirements/mutation.txt"
bin=$(venv_bin "$ROOT/.venv-mutation")
"$bin/mutmut" run "$@"
"$bin/python" scripts/mutation_figures.py
