"""A command's --help answers at once: what a command needs to do its work is imported when it does it."""

import resource
import subprocess
import sys

import pytest

from katydid.commands import COMMANDS
from running import BIN

LIGHT = ("--help", "--version", *sorted(set(COMMANDS) - {"run", "web", "capacity"}))
HEAVY = {"gevent", "jinja2", "locust", "numpy", "pandas", "pyarrow", "requests", "rich", "scipy", "wsproto"}
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


def heavy_of(*words):
    """The heavy packages that a help text has imported."""
    done = subprocess.run(
        [sys.executable, "-c", _IMPORTED, *words], capture_output=True, text=True, check=True, timeout=60
    )
    assert "katydid" in done.stdout
    return HEAVY & set(done.stderr.split())


@pytest.mark.parametrize("command", LIGHT)
def test_a_help_imports_nothing_heavy(command):
    assert heavy_of(*line(command)) == set()


def test_the_help_of_a_run_imports_locust_whose_options_it_shows_and_nothing_that_a_run_needs():
    assert heavy_of("run", "--help") - {"gevent", "jinja2", "locust", "requests"} == set()


@pytest.mark.parametrize("name", COMMANDS)
def test_the_tree_imports_only_the_commands_that_are_asked_for(name):
    code = "import sys; from katydid.commands import command_parsers; print(*command_parsers(sys.argv[1:])); "
    code += "print(*(m for m in sys.modules if m.startswith(('katydid.commands.', 'katydid.target.command'))))"
    told = subprocess.run([sys.executable, "-c", code, name], capture_output=True, text=True, check=True).stdout
    parsers, modules = (line.split() for line in told.splitlines())
    assert parsers == [name]
    beside = {"output", "run", "loading", "start", "pairs", "options"}  # what commands share
    assert {module.rpartition(".")[2].replace("command", "target") for module in modules} - beside <= {name}


def test_the_report_takes_the_definitions_that_there_are():
    from katydid.analysis.definitions import DEFINITIONS
    from katydid.commands.report import TOOLS

    assert list(TOOLS) == list(DEFINITIONS)


def cpu_seconds(*command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(("command", "most"), [("--help", 4), *((name, 12) for name in LIGHT if name[0] != "-")])
def test_a_help_takes_little_more_of_the_processor_than_python_does(command, most, monkeypatch):
    monkeypatch.delenv("COVERAGE_PROCESS_START", raising=False)
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)
    python = (sys.executable, "-c", "import argparse, json, subprocess")
    assert min(cpu_seconds(BIN / "katydid", *line(command)) / cpu_seconds(*python) for _ in range(3)) <= most
