#!/usr/bin/env bash
# Change core/ and gate/ in some thousand small ways, and see which changes no test notices; about half an hour.
# Goes on where it was interrupted. Arguments go to mutmut, such as 'katydid.protocol.sse*'; docs/mutation.md explains
# what survives.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
setup_env "$ROOT/.venv-mutation" "$ROOT/requirements/mutation.txt"
bin=$(venv_bin "$ROOT/.venv-mutation")
"$bin/mutmut" run "$@"
"$bin/python" scripts/mutation_figures.py
