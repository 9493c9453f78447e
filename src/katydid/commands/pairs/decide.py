"""Pairs until it is decided, from what was asked for to what is written: the work of `katydid ab` and `bisect`."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, write_json, write_output
from katydid.commands.pairs.runs import Runs, has_history, sigterm_as_interrupt
from katydid.commands.telling import tell
from katydid.model.errors import NoDataError
from katydid.resources import thresholds_file

if TYPE_CHECKING:
    import pandas as pd

    from katydid.analysis.comparison.estimates import RunData
    from katydid.commands.pairs.options import Asked
    from katydid.commands.pairs.series import Pairs
    from katydid.model.documents.comparison import CompareSettings, Comparison, Verdict
    from katydid.runs.folder import RunFolder


@dataclass(frozen=True)
class Decision:
    """What came of it.

    Attributes:
        verdict: of the comparison.
        judged: the gate's exit code; None where no thresholds were given.
    """

    verdict: Verdict
    judged: int | None = None


def decide(given: argparse.Namespace, asked: Asked) -> Decision:
    """Make pairs, write what they say.

    Raises:
        ConfigError: something must be changed.
        NoDataError: there is nothing to compare.
        KeyboardInterrupt: it was interrupted; what was started is stopped.
    """
    import katydid.workloads  # noqa: F401 - registers what their summaries and reports say
    from katydid.analysis.comparison.looks import planned_looks
    from katydid.commands.pairs.again import command_again
    from katydid.commands.pairs.series import until_decided
    from katydid.gate.thresholds import read_thresholds
    from katydid.model.documents.comparison import CompareSettings

    thresholds = read_thresholds(thresholds_file(given.thresholds)) if given.thresholds else None
    settings = thresholds.settings if thresholds else CompareSettings()
    results = Path(given.results)
    plan = planned_looks(settings, given.max_pairs, with_history=has_history(results, asked.workload))
    runs, sides = Runs(asked, results, given.wait_ready), Sides()

    def say(text: str) -> None:
        tell(f"{given.parser.prog}: {text}")

    try:
        with sigterm_as_interrupt(), runs.beside():
            pairs = until_decided(plan, settings, runs.make, sides.compare, say)
    except KeyboardInterrupt:
        say(f"interrupted: the runs so far are in {results}; `katydid compare` reads them")
        raise
    if pairs.comparison is None:
        raise NoDataError("no run left a folder: see what the runs said above")
    comparison = _whole(pairs, settings)
    _write(given, comparison, sides, asked, command_again(given, asked, pairs.runs["base"][0].manifest()))
    if thresholds is None:
        return Decision(comparison.verdict)
    from katydid.commands.gate import judged_with

    return Decision(comparison.verdict, judged_with(thresholds, pairs.runs["base"], pairs.runs["new"], comparison))


def _whole(pairs: Pairs, settings: CompareSettings) -> Comparison:
    """The last look's comparison, with the looks that led to it."""
    assert pairs.comparison is not None  # noqa: S101 - asked before
    found = pairs.comparison
    promised = replace(found.settings, family_alpha=settings.family_alpha, same_level=settings.same_level)
    return found.added(pairs=pairs.made, decided=pairs.decided, looks=pairs.looks, settings=promised)


class Sides:
    """Both sides' runs, each read once."""

    def __init__(self) -> None:
        self._read: dict[str, RunData] = {}

    def compare(self, base: Sequence[RunFolder], new: Sequence[RunFolder], settings: CompareSettings) -> Comparison:
        """The comparison at a look."""
        from katydid.analysis.comparison.compare import compare_runs
        from katydid.runs.find import earlier_runs

        if not base or not new:
            raise NoDataError("a version has no run: see what the runs said above")
        sides = [[self._data(folder) for folder in side] for side in (base, new)]
        return compare_runs(sides[0], sides[1], settings=settings, history=earlier_runs(base, new))

    def _data(self, folder: RunFolder) -> RunData:
        from katydid.analysis.comparison.estimates import read_run

        name = str(folder.path)
        if name not in self._read:
            self._read[name] = read_run(folder)
        return self._read[name]

    def counted(self, comparison: Comparison, side: int) -> list[pd.DataFrame]:
        """Samples of the runs of a side that count."""
        return [self._read[run.run].frame for run in comparison.sides[side].runs if run.counts]


def _write(given: argparse.Namespace, comparison: Comparison, sides: Sides, asked: Asked, command: str) -> None:
    from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison
    from katydid.report.render.terminal import say_where, terminal
    from katydid.report.tables.run_list import links_to

    console = terminal(stderr=STANDARD_OUTPUT in (given.json, given.markdown))
    print_comparison(comparison, console)
    write_json(given.json, comparison)
    if given.markdown:
        write_output(given.markdown, comparison_markdown(comparison))
    labels = "-".join(version.label for version in asked.versions.values())
    name = re.sub(r"[^\w.-]", "_", f"ab-{labels}.html")
    html = given.html or str(Path(given.results) / str(comparison.workload) / name)
    base, new = (sides.counted(comparison, side) for side in (0, 1))
    write_output(html, comparison_page(comparison, base, new, links_to(comparison, Path(html)), command))
    say_where(console, "Report", html)
