"""`katydid calibrate`: measure Katydid's error on this machine, and the highest load that it measures faithfully."""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import asdict
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, add_json, check_output, tell, write_json
from katydid.model.arguments import Commands
from katydid.model.errors import ExitCode
from katydid.model.formatting import format_eta, plural
from katydid.model.options.quantities import duration

if TYPE_CHECKING:
    from katydid.analysis.calibration import Trial
    from katydid.doctor.trial import Cores

OVERHEAD = 6.0
"""Seconds that a trial is assumed to take beyond its run time, until the first one has been measured."""
TRIES = 2
"""Trials per load at most: other work on the machine can spoil one, so an unfaithful trial is repeated once."""
SHORTEST = 3.0


def add_parser(commands: Commands) -> None:
    """Add the command's arguments to the tree."""
    parser = commands.add_parser(
        "calibrate",
        description="Run the load generator against the embedded target at rising loads, and compare what it reports "
        "with what the target did. With two or more cores, generator and target run on separate ones.",
        epilog="example: katydid calibrate --loads 100,500,1000,1600 --json calibration.json",
    )
    parser.add_argument(
        "--loads",
        type=_loads,
        default="50,200,500,1000",
        help="numbers of users, one stream each (default: 50,200,500,1000)",
    )
    parser.add_argument("--time", type=_time, default="10s", help="run time of each load (default: 10s)")
    parser.add_argument(
        "--processes", action="store_true", help="repeat with a process on every core except the target's"
    )
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Calibrate; return 4 if not even the lowest load was measured faithfully, else 0."""
    from katydid.analysis.calibration import LIMITS, Series, highest_faithful
    from katydid.doctor.trial import share_out
    from katydid.report.calibration import calibration_section
    from katydid.report.render.terminal import print_section, terminal

    check_output(args.json)
    cores = share_out()
    counts = [1, cores.processes] if args.processes and cores.processes > 1 else [1]
    progress = _Progress(len(counts) * len(args.loads), args.time)
    series = [Series(n, [_try(load, args.time, n, cores, progress) for load in args.loads]) for n in counts]
    console = terminal(stderr=args.json == STANDARD_OUTPUT)
    for each in series:
        print_section(calibration_section(each, pinned=cores.generator is not None), console)
    told = [each.as_json() for each in series]
    found = {
        "cores": os.cpu_count(),
        "pinned": cores.generator is not None,
        "limits": [asdict(limit) for limit in LIMITS],
        "one_process": told[0],
        "all_cores": told[-1] if len(told) > 1 or cores.processes == 1 else None,
    }
    write_json(args.json, found)
    return ExitCode.INVALID if highest_faithful(series[0].trials) is None else ExitCode.PASSED


def _loads(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of users, such as 50,200,500")
    return sorted(set(map(int, parts)))


def _time(text: str) -> float:
    seconds = duration(text)
    if not seconds >= SHORTEST:
        raise argparse.ArgumentTypeError(f"{text} is too short: give at least {SHORTEST:g} s, one of them to warm up")
    return seconds


class _Progress:
    """Prints on standard error which load is measured, and the time left."""

    def __init__(self, trials: int, seconds: float) -> None:
        self._trials, self._done, self._each = trials, 0, seconds + OVERHEAD
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        left = max(0, self._trials - self._done) * self._each
        tell(f"Load {self._done + 1} of {self._trials}: {text}; {format_eta(left)} left")

    def done(self) -> None:
        self._done += 1
        self._each = (time.monotonic() - self._began) / self._done


def _try(users: int, seconds: float, processes: int, cores: Cores, progress: _Progress) -> Trial:
    """Measure one load, again if the first trial is unfaithful, and return the better trial."""
    from katydid.analysis.calibration import trial, unfaithful
    from katydid.doctor.trial import run_trial

    tried: list[Trial] = []
    for _ in range(TRIES):
        again = f", repeated because {'; '.join(unfaithful(tried[-1]))}" if tried else ""
        progress(f"{plural(users, 'user')}, {plural(processes, 'process', 'processes')}, {seconds:g} s{again}")
        left = run_trial(users, seconds, processes, cores)
        tried.append(
            trial(
                left.samples,
                left.monitor,
                left.truth,
                left.summary,
                users=users,
                processes=processes,
                window=left.window,
                target_cpu=left.target_cpu,
                others_cpu=left.others_cpu,
            )
        )
        if not unfaithful(tried[-1]):
            break
    progress.done()
    return min(tried, key=lambda done: len(unfaithful(done)))
