"""The subcommands: their arguments and their output.

A command is a module with two functions: `add_parser` adds its parser to the tree, `run` does the work and returns the
exit code. A command that is not called is not imported, and one that is called imports nothing heavy before `run`.
Only `run`, `web` and `capacity` (and `completion`, which lists their options) import Locust: it patches the process.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module

from katydid.model.arguments import OneLineParser

COMMANDS = {
    "run": "run a workload against a target, and write a run folder with its report",
    "web": "open Locust's web UI for a workload, to start and stop runs there",
    "report": "make a run's report again from its folder",
    "compare": "compare the runs of two or more versions: which is slower or faster?",
    "ab": "run two versions interleaved until it is decided which is faster",
    "bisect": "for `git bisect run`: is the checked-out version slower than a good one?",
    "gate": "judge runs by a thresholds file, for CI",
    "history": "show a workload's metrics across versions, with change points",
    "learn": "make a trace and a profile of your traffic from a gateway's log",
    "capacity": "search for the highest load that meets the objective",
    "plan": "estimate how many workers a number of streams needs, and how long they would wait",
    "doctor": "check this machine before a run: limits, cores, clocks, and whether the target answers",
    "calibrate": "measure Katydid's own measurement error, and the load that this machine can generate",
    "target": "serve a local target with known, settable behaviour",
    "completion": "print a script that completes commands and options in bash, zsh or fish",
}
_HOMES = {
    **{name: f"katydid.commands.loading.{name}" for name in ("run", "web", "capacity")},
    **{name: f"katydid.commands.pairs.{name}" for name in ("ab", "bisect")},
    "target": "katydid.target.command",
}
"""The modules of the commands that are not a module of this package itself."""


def command_parsers(names: Iterable[str] = COMMANDS) -> Mapping[str, OneLineParser]:
    """The parsers of these commands, by name; no other command is imported."""
    commands = OneLineParser(prog="katydid").add_subparsers(prog="katydid")
    for name in names:
        module = import_module(_HOMES.get(name, f"{__name__}.{name}"))
        module.add_parser(commands)
        commands.choices[name].set_defaults(run=module.run, parser=commands.choices[name])
    return commands.choices
