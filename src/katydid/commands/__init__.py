"""The subcommands: what they take, and what they print.

A command is a module with two functions: `add_parser` adds its parser to the tree, `run` does the work and gives the
exit code. Of a command that is not called nothing is imported, and of one that is, nothing heavy before it runs; above
all, Locust is imported by `run`, `web`, `ab` and `capacity` alone, since it patches the whole process.
"""

from collections.abc import Iterable, Mapping
from importlib import import_module

from katydid.model.arguments import OneLineParser

COMMANDS = {
    "run": "run a workload against a target, and leave a run folder with its report",
    "web": "open Locust's web page for a workload, and start and stop runs there",
    "report": "make the report of a run again from its folder",
    "compare": "say whether a new version is faster or slower than another, by their runs",
    "ab": "run two versions interleaved until it is decided which is faster",
    "bisect": "answer `git bisect run`: is the checked-out version slower than a good one?",
    "gate": "judge runs by a thresholds file, for CI",
    "history": "show a workload's metrics over its versions, with the changes of their level",
    "learn": "make a trace and a profile of your traffic from a gateway's log",
    "capacity": "search the highest load that keeps the objective",
    "plan": "say how many workers a number of streams needs, and how long they would wait",
    "doctor": "check this machine before a run: limits, cores, clocks, and whether the target answers",
    "calibrate": "measure the instrument's own error, and the load that this machine can generate",
    "target": "serve a local target with known, settable behaviour",
    "completion": "print a script that completes commands and options in bash, zsh or fish",
}
"""Each is a module of `katydid.commands`, but for those of _HOMES."""
_HOMES = {
    **dict.fromkeys(("run", "web", "capacity"), "katydid.commands.loading"),
    **dict.fromkeys(("ab", "bisect"), "katydid.commands.pairs"),
}
"""Packages of commands that share more than a module's worth; the target's command lies with the target."""


def command_parsers(names: Iterable[str] = COMMANDS) -> Mapping[str, OneLineParser]:
    """The tree's branches: the parsers of these commands by name; no other command is imported."""
    commands = OneLineParser(prog="katydid").add_subparsers(prog="katydid")
    for name in names:
        module = "katydid.target.command" if name == "target" else f"{_HOMES.get(name, __name__)}.{name}"
        import_module(module).add_parser(commands)
    return commands.choices
