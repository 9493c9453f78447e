#!/usr/bin/env bash
# The load of run_load_testing_stream_8min.sh, for Ollama; on this machine unless LOCUST_HOST names another.
export LOAD_TEST_API=${LOAD_TEST_API:-ollama} LOCUST_HOST=${LOCUST_HOST:-http://127.0.0.1:11434}

exec "$(dirname "${BASH_SOURCE[0]}")/run_load_testing_stream_8min.sh" "$@"
