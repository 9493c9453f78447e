"""A command's --help answers at once: what a command needs to do its work is imported when it does it."""

import resource
import subprocess
import sys

import pytest

from running import BIN

LIGHT = ("--help", "--version", "compare", "gate", "history", "plan", "doctor", "completion", "target")
HEAVY = {"gevent", "jinja2", "locust", "numpy", "pandas", "pyarrow", "requests", "rich", "scipy"}
_IMPORTED = """
import sys
from katydid.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*{name.partition(".")[0] for name in sys.modules}, file=sys.stderr)
"""


def line(command):
    return [command] if command.startswith("--") else [command, "--help"]


@pytest.mark.parametrize("command", LIGHT)
def test_a_help_imports_nothing_heavy(command):
    words = [sys.executable, "-c", _IMPORTED, *line(command)]
    done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=60)
    assert "katydid" in done.stdout
    assert HEAVY & set(done.stderr.split()) == set()


def cpu_seconds(*words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([BIN / "katydid", *words], stdout=subprocess.DEVNULL, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(("command", "most"), [("--help", 0.1), ("compare", 0.4)])
def test_a_help_takes_little_of_the_processor(command, most, monkeypatch):
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    assert min(cpu_seconds(*line(command)) for _ in range(3)) <= most
