"""`katydid calibrate`: how wrong the instrument is on this machine, and up to which load it is right."""

import argparse
import math
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from katydid.analysis.calibration import LIMITS, Errors, Trial, excuses, highest_faithful, trial, unfaithful
from katydid.commands.output import STANDARD_OUTPUT, add_json, check_output, write_output
from katydid.doctor.trial import Cores, run_trial, share_out
from katydid.model.arguments import OneLineParser
from katydid.model.errors import ExitCode
from katydid.model.formatting import format_eta, fraction, number, plural, significant
from katydid.model.jsontext import json_text
from katydid.report.model import Section, Table
from katydid.report.render.terminal import print_section, terminal
from katydid.target.settings import duration

OVERHEAD = 6.0
"""Seconds that a trial takes beyond its run time, until the first one has told."""
TRIES = 2
"""Other work on the machine can spoil a trial: what is not faithful is tried once more."""
ERROR_COLUMNS = (
    "users", "TTFT p50", "p99", "max", "of it ours, p99", "duration p99", "max", "mean gap p99", "faithful",
)  # fmt: skip
COST_COLUMNS = ("users", "CPU", "µs/chunk", "chunks/s", "read delay p99", "bounds", "target's CPU", "others' CPU")
SHORTEST = 3.0


@dataclass(frozen=True, slots=True)
class Series:
    """Trials over rising loads with so many processes."""

    processes: int
    trials: list[Trial]


def main(arguments: Sequence[str]) -> int:
    """Calibrate; 0, or 4 where not even the lowest load was measured faithfully."""
    options = _parser().parse_args(arguments)
    if options.json:
        check_output(options.json)
    cores = share_out()
    counts = [1]
    if options.processes and cores.processes > 1:
        counts.append(cores.processes)
    progress = _Progress(len(counts) * len(options.loads), options.time)
    series = [Series(n, [_try(load, options.time, n, cores, progress) for load in options.loads]) for n in counts]
    console = terminal(stderr=options.json == STANDARD_OUTPUT)
    for each in series:
        print_section(_section(each, cores), console)
    if options.json:
        write_output(options.json, json_text(_report(series, cores)) + "\n")
    return ExitCode.INVALID if highest_faithful(series[0].trials) is None else ExitCode.PASSED


def _parser() -> OneLineParser:
    parser = OneLineParser(
        prog="katydid calibrate",
        description="Run the load generator against the embedded target at rising loads, and compare what it reports "
        "with what the target did. Each has cores of its own where there are two or more.",
        epilog="example: katydid calibrate --loads 100,500,1000,1600 --json calibration.json",
    )
    parser.add_argument(
        "--loads", type=_loads, default="50,200,500,1000", help="users, each with a stream at a time (50,200,500,1000)"
    )
    parser.add_argument("--time", type=_time, default="10s", help="of each load (10s)")
    parser.add_argument(
        "--processes", action="store_true", help="measure a second time, with a process on every core but the target's"
    )
    add_json(parser)
    return parser


def _loads(text: str) -> list[int]:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of users, such as 50,200,500")
    return sorted(set(map(int, parts)))


def _time(text: str) -> float:
    try:
        seconds = duration(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if seconds < SHORTEST:
        raise argparse.ArgumentTypeError(f"{text}: at least {SHORTEST:g} s, one of them to warm up")
    return seconds


class _Progress:
    """Says on standard error what is going on, and how long it will yet take."""

    def __init__(self, trials: int, seconds: float) -> None:
        self._trials = trials
        self._done = 0
        self._each = seconds + OVERHEAD
        self._began = time.monotonic()

    def __call__(self, text: str) -> None:
        left = max(0, self._trials - self._done) * self._each
        told = f"Load {self._done + 1} of {self._trials}: {text}; {format_eta(left)} left"
        print(told, file=sys.stderr, flush=True)  # noqa: T201 - progress

    def done(self) -> None:
        self._done += 1
        self._each = (time.monotonic() - self._began) / self._done


def _try(users: int, seconds: float, processes: int, cores: Cores, progress: _Progress) -> Trial:
    """One load, tried again where it was not measured faithfully; the better of the two."""
    tried: list[Trial] = []
    for _ in range(TRIES):
        again = f", once more, since {'; '.join(unfaithful(tried[-1]))}" if tried else ""
        progress(f"{plural(users, 'user')}, {plural(processes, 'process', 'processes')}, {seconds:g} s{again}")
        left = run_trial(users, seconds, processes, cores)
        plan = {"users": users, "processes": processes, "window": left.window}
        plan |= {"target_cpu": left.target_cpu, "others_cpu": left.others_cpu}
        tried.append(trial(left.samples, left.monitor, left.truth, left.summary, plan))
        if not unfaithful(tried[-1]):
            break
    progress.done()
    return min(tried, key=lambda done: len(unfaithful(done)))


def _section(series: Series, cores: Cores) -> Section:
    trials = series.trials
    return Section(
        "calibration",
        "One process" if series.processes == 1 else f"{series.processes} processes",
        (_verdict(trials), _pinning(cores), *(_complaint(each) for each in trials if unfaithful(each))),
        (
            Table("Errors in milliseconds, against the target's own log", ERROR_COLUMNS, [_errors(t) for t in trials]),
            Table("What it cost", COST_COLUMNS, [_costs(t) for t in trials]),
        ),
    )


def _verdict(trials: Sequence[Trial]) -> str:
    best = highest_faithful(trials)
    if best is None:
        return "Not even the lowest load was measured faithfully."
    if best == trials[-1].users:
        return f"Faithful up to the highest load tried: {plural(best, 'user')} with a stream at a time."
    return f"Faithful up to {plural(best, 'user')} with a stream at a time."


def _pinning(cores: Cores) -> str:
    if cores.generator is None:
        return "Generator and target shared all cores: pinning needs Linux and two cores. The figures are pessimistic."
    return "The target had a core of its own, the generator the others."


def _complaint(done: Trial) -> str:
    return f"Not at {plural(done.users, 'user')}: {'; '.join([*unfaithful(done), *excuses(done)])}."


def _errors(done: Trial) -> tuple[str, ...]:
    return (
        number(done.users),
        _ms(done.ttft.p50),
        *_tail(done.ttft),
        _tail(done.arrival)[0],
        *_tail(done.duration),
        _show(done.gap.p99, fraction),
        "no" if unfaithful(done) else "yes",
    )


def _costs(done: Trial) -> tuple[str, ...]:
    return (
        number(done.users),
        _share(done.cpu),
        _show(done.us_per_chunk, significant),
        _show(done.chunks_per_s, significant),
        _ms(done.read_lag_p99),
        _show(done.bound_share, fraction),
        _share(done.target_cpu),
        _share(done.others_cpu),
    )


def _share(value: float | None) -> str:
    return _show(value, fraction)


def _tail(errors: Errors) -> tuple[str, str]:
    return ("too few" if errors.count and errors.p99 is None else _ms(errors.p99), _ms(errors.max))


def _ms(value: float | None) -> str:
    return _show(value, lambda v: significant(v, 2))


def _show(value: float | None, how: Callable[[float], str]) -> str:
    return "–" if value is None or math.isnan(value) else how(value)


def _report(series: Sequence[Series], cores: Cores) -> dict[str, Any]:
    told = [
        {
            "processes": each.processes,
            "highest_faithful": highest_faithful(each.trials),
            "loads": [
                asdict(t) | {"faithful": not unfaithful(t), "unfaithful": unfaithful(t), "excuses": excuses(t)}
                for t in each.trials
            ],
        }
        for each in series
    ]
    return {
        "cores": os.cpu_count(),
        "pinned": cores.generator is not None,
        "limits": [asdict(limit) for limit in LIMITS],
        "one_process": told[0],
        "all_cores": told[-1] if len(told) > 1 or cores.processes == 1 else None,
    }
