"""`katydid ab [WORKLOAD] BASE_HOST NEW_HOST`: run two versions interleaved until it is decided which is faster."""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, check_output, write_output
from katydid.commands.run import run_parser
from katydid.model.arguments import Commands, did_you_mean
from katydid.model.errors import ConfigError, ExitCode, NoDataError
from katydid.model.jsontext import json_text
from katydid.model.options.quantities import count, duration
from katydid.protocol.target_url import read_target_url
from katydid.resources import locustfile, thresholds_file

if TYPE_CHECKING:
    import pandas as pd

    from katydid.analysis.comparison.estimates import RunData
    from katydid.commands.ab_pairs import Pairs
    from katydid.model.documents.comparison import CompareSettings, Comparison
    from katydid.runs.folder import RunFolder

MOST_PAIRS = 10
WAIT_READY = 300.0
"""Seconds."""
OURS = ("--host", "-H", "--version-label")
"""Options of a run that `ab` gives itself."""
GO_ON = frozenset({ExitCode.PASSED, ExitCode.GATE_FAILED, ExitCode.INVALID})
"""How a run may end without ending the comparison, which says what that means."""


def add_parser(commands: Commands) -> None:
    """Add the command's own options to the tree; all others are those of a run."""
    parser = commands.add_parser(
        "ab",
        description="Run two versions interleaved (base new, new base, …) until it is decided whether the new one is "
        "slower, faster or the same, or --max-pairs are made.",
        usage="katydid ab [WORKLOAD] BASE_HOST NEW_HOST [options] [options of `katydid run`]",
        epilog="example: katydid ab stream http://127.0.0.1:8001 http://127.0.0.1:8002 --users 50 --run-time 2m",
    )
    parser.add_argument("--max-pairs", type=count, default=MOST_PAIRS, metavar="N", help="default: 10")
    parser.add_argument("--base-version", default=os.environ.get("BASE_VERSION") or "base", metavar="NAME")
    parser.add_argument("--new-version", default=os.environ.get("NEW_VERSION") or "new", metavar="NAME")
    parser.add_argument("--start-base", metavar="CMD", help="starts the base before each of its runs; stopped after it")
    parser.add_argument("--start-new", metavar="CMD", help="the same of the new version")
    parser.add_argument(
        "--wait-ready", metavar="T", type=duration, default=WAIT_READY,
        help="how long a started version may take to answer (default: 5m)",
    )  # fmt: skip
    parser.add_argument("--thresholds", metavar="FILE", help="judge by it in the end, as `katydid gate` does")
    parser.add_argument("--results", default=os.environ.get("LOAD_TEST_RESULTS") or "reports", metavar="FOLDER")
    parser.add_argument("--html", metavar="F", help="where the page goes (default: beside the runs)")
    parser.add_argument("--json", metavar="F", help="write everything as JSON; - for standard output")
    parser.add_argument("--markdown", metavar="F", help="write Markdown; - for standard output")
    parser.set_defaults(run=run, parser=parser, run_parser=run_parser)


def _read(given: argparse.Namespace) -> list[str]:
    """Complete what was given; the options of the runs.

    Raises:
        ConfigError: something is wrong with it.
    """
    places = list(takewhile(lambda word: not word.startswith("-"), given.parser.words))
    options: list[str] = given.locusts[len(places) :]
    if len(places) not in {2, 3} or (len(places) == 2 and "://" not in places[0]):
        raise ConfigError("give both hosts first: katydid ab [WORKLOAD] BASE_HOST NEW_HOST [options]")
    given.workload, given.hosts = (places[0] if len(places) > 2 else "stream"), places[-2:]
    locustfile(given.workload)
    for host in given.hosts:
        read_target_url(host)
    if given.max_pairs < 2:
        raise ConfigError(f"--max-pairs {given.max_pairs} must be at least 2: one pair shows no noise")
    if given.base_version == given.new_version:
        raise ConfigError(f"both versions are called {given.new_version}: name them with --base-version, --new-version")
    same = read_target_url(given.hosts[0]).authority == read_target_url(given.hosts[1]).authority
    if same and not (given.start_base and given.start_new):
        raise ConfigError(
            "both hosts are the same server: give another, or --start-base CMD and --start-new CMD to start each there"
        )
    _check_options([option.partition("=")[0] for option in options], own_options(given.parser))
    if [given.json, given.markdown].count(STANDARD_OUTPUT) > 1:
        raise ConfigError("--json - and --markdown - both want standard output: give one of them a file")
    for where in filter(None, (given.json, given.markdown, given.html)):
        check_output(where)
    return options


def _check_options(options: Sequence[str], own: Sequence[str]) -> None:
    """One that nobody knows is a run's to complain of, but may have been meant for us.

    Raises:
        ConfigError: one is not for the runs.
    """
    for option in options:
        if option in OURS:
            raise ConfigError(
                f"{option} goes with `katydid run`: ab takes both hosts, --base-version and --new-version"
            )
        if option.startswith("--") and (meant := did_you_mean(option, own)):
            raise ConfigError(f"unrecognized arguments: {option}{meant} see katydid ab --help")


def own_options(parser: argparse.ArgumentParser) -> list[str]:
    """What `ab` takes beside the options of a run."""
    return [name for name in parser._option_string_actions if name.startswith("--")]  # noqa: SLF001 - as argparse has it


def run(given: argparse.Namespace) -> int:
    """Compare; 0 whatever the verdict, 4 where it is invalid, or the gate's code where there are thresholds."""
    options = _read(given)
    import katydid.workloads  # noqa: F401 - registers what their summaries and reports say
    from katydid.analysis.comparison.looks import planned_looks
    from katydid.commands.ab_pairs import until_decided
    from katydid.gate.thresholds import read_thresholds

    thresholds = read_thresholds(thresholds_file(given.thresholds)) if given.thresholds else None
    settings = thresholds.settings if thresholds else _default_settings()
    results = Path(given.results)
    plan = planned_looks(settings, given.max_pairs, with_history=_has_history(results, given.workload))
    sides = Sides(settings)
    try:
        with _sigterm_as_interrupt():
            pairs = until_decided(
                plan, settings, lambda side: _make_run(side, given, options, results), sides.compare, _say
            )
    except KeyboardInterrupt:
        _say(f"interrupted: the runs so far are in {results}; `katydid compare` reads them")
        return ExitCode.INTERRUPTED
    if pairs.comparison is None:
        raise NoDataError("no run left a folder: see what the runs said above")
    comparison = _whole(pairs, settings)
    code = _write(given, comparison, sides, results)
    if thresholds is None:
        return code
    from katydid.commands.gate import judged_with

    return judged_with(thresholds, pairs.runs["base"], pairs.runs["new"], comparison)


def _default_settings() -> CompareSettings:
    from katydid.model.documents.comparison import CompareSettings

    return CompareSettings()


def _whole(pairs: Pairs, settings: CompareSettings) -> Comparison:
    """The last look's comparison, with the looks that led to it."""
    assert pairs.comparison is not None  # noqa: S101 - asked before
    found = pairs.comparison
    promised = replace(found.settings, family_alpha=settings.family_alpha, same_level=settings.same_level)
    return found.added(pairs=pairs.made, decided=pairs.decided, looks=pairs.looks, settings=promised)


class Sides:
    """Both sides' runs, each read once."""

    def __init__(self, settings: CompareSettings) -> None:
        self._settings = settings
        self._read: dict[str, RunData] = {}

    def compare(self, base: Sequence[RunFolder], new: Sequence[RunFolder], settings: CompareSettings) -> Comparison:
        """The comparison at a look."""
        from katydid.analysis.comparison.compare import compare_runs
        from katydid.runs.find import earlier_runs

        if not base or not new:
            raise NoDataError("a version has no run: see what the runs said above")
        sides = [[self.data(folder) for folder in side] for side in (base, new)]
        return compare_runs(sides[0], sides[1], settings=settings, history=earlier_runs(base, new))

    def data(self, folder: RunFolder) -> RunData:
        """A run."""
        from katydid.analysis.comparison.estimates import read_run

        name = str(folder.path)
        if name not in self._read:
            self._read[name] = read_run(folder)
        return self._read[name]

    def counted(self, comparison: Comparison, side: int) -> list[pd.DataFrame]:
        """Samples of the runs of a side that count."""
        return [self._read[run.run].frame for run in comparison.sides[side].runs if run.counts]


def _has_history(results: Path, workload: str) -> bool:
    """Whether earlier runs of the workload lie in the folder; whether their load was the same is seen after a run."""
    name = Path(workload).stem
    return any(results.glob(f"{name}/*/*/manifest.json"))


def _make_run(side: str, given: argparse.Namespace, options: Sequence[str], results: Path) -> RunFolder | None:
    """One run in a process of its own, since Locust patches the one that it is in.

    Raises:
        ConfigError: the run says that something must be changed.
        KeyboardInterrupt: it was interrupted.
    """
    from katydid.commands.served import ServedVersion
    from katydid.runs.folder import RunFolder

    host = given.hosts[side == "new"]
    label, start = (getattr(given, name) for name in (f"{side}_version", f"start_{side}"))
    before = _folders(results)
    served = ServedVersion(f"--start-{side}", start, host, given.wait_ready) if start else nullcontext()
    with served:
        words = [given.workload, *options, "--host", host, "--version-label", label, "--results", str(results)]
        code = _call([sys.executable, "-m", "katydid", "run", *words])
    if code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if code not in GO_ON:
        raise RunError(f"the run of {side} ended with exit code {code}: see above", code)
    found = sorted(_folders(results) - before)
    return RunFolder(found[-1]) if found else None


class RunError(ConfigError):
    """A run could not be made."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.exit_code = ExitCode(code) if code in set(ExitCode) else ExitCode.INTERNAL


def _folders(results: Path) -> set[Path]:
    return {found.parent for found in results.glob("*/*/*/manifest.json")}


def _call(command: Sequence[str]) -> int:
    """Its exit code; what it prints goes to standard error, and an interruption of ours becomes one of its own."""
    process = subprocess.Popen(  # noqa: S603 - ourselves
        command, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True
    )
    try:
        return process.wait()
    except KeyboardInterrupt:
        process.send_signal(signal.SIGINT)
        process.wait()
        raise
    except BaseException:
        process.kill()
        process.wait()
        raise


@contextmanager
def _sigterm_as_interrupt() -> Iterator[None]:
    """SIGTERM ends as Ctrl-C does: the run ends properly, and what was started is stopped."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _write(given: argparse.Namespace, comparison: Comparison, sides: Sides, results: Path) -> ExitCode:
    from katydid.model.documents.comparison import Verdict
    from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison
    from katydid.report.render.terminal import terminal

    console = terminal(stderr=STANDARD_OUTPUT in (given.json, given.markdown))
    print_comparison(comparison, console)
    if given.json:
        write_output(given.json, json_text(comparison) + "\n")
    if given.markdown:
        write_output(given.markdown, comparison_markdown(comparison))
    name = re.sub(r"[^\w.-]", "_", f"ab-{given.base_version}-{given.new_version}.html")
    html = given.html or str(results / str(comparison.workload) / name)
    write_output(html, comparison_page(comparison, sides.counted(comparison, 0), sides.counted(comparison, 1)))
    console.print(f"Report: {html}", markup=False)
    return ExitCode.INVALID if comparison.verdict is Verdict.INVALID else ExitCode.PASSED


def _say(text: str) -> None:
    print(f"katydid ab: {text}", file=sys.stderr, flush=True)  # noqa: T201 - progress
