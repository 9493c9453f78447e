#!/usr/bin/env bash
# Mutation testing of the pure packages and the gate: make some thousand small changes, and list those that no test
# detects. A quarter of an hour on two idle cores; an interrupted run continues where it stopped. Arguments go to mutmut,
# such as 'katydid.protocol.sse*'; docs/mutation.md explains the mutants that survive.
source "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"
setup_env "$ROOT/.venv-mutation" "$ROOT/requirements/mutation.txt"
bin=$(venv_bin "$ROOT/.venv-mutation")
"$bin/mutmut" run "$@"
"$bin/python" scripts/mutation_figures.py
