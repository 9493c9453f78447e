"""The work of `katydid ab` and `katydid bisect`: make pairs until a verdict is reached, then write the results."""

from __future__ import annotations

import argparse
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import STANDARD_OUTPUT, tell, write_json, write_output
from katydid.commands.pairs.options import MOST_PAIRS, WAIT_READY
from katydid.commands.pairs.runs import Runs, has_history, sigterm_as_interrupt
from katydid.model.errors import NoDataError
from katydid.resources import thresholds_file

if TYPE_CHECKING:
    import pandas as pd

    from katydid.analysis.comparison.estimates import RunData
    from katydid.commands.pairs.options import Asked
    from katydid.commands.pairs.series import Pairs
    from katydid.model.documents.comparison import CompareSettings, Comparison, Verdict
    from katydid.model.documents.manifest import Manifest
    from katydid.runs.folder import RunFolder


@dataclass(frozen=True)
class Decision:
    """The outcome of a comparison.

    Attributes:
        verdict: the comparison's verdict.
        judged: the gate's exit code; None without thresholds.
    """

    verdict: Verdict
    judged: int | None = None


def decide(args: argparse.Namespace, asked: Asked) -> Decision:
    """Make pairs, and print and write the comparison.

    Raises:
        ConfigError: the configuration is wrong.
        NoDataError: there is nothing to compare.
        KeyboardInterrupt: the user interrupted; started versions have been stopped.
    """
    import katydid.workloads  # noqa: F401 - registers their summaries and report sections
    from katydid.analysis.comparison.looks import planned_looks
    from katydid.commands.pairs.series import until_decided
    from katydid.gate.thresholds import read_thresholds
    from katydid.model.documents.comparison import CompareSettings

    thresholds = read_thresholds(thresholds_file(args.thresholds)) if args.thresholds else None
    settings = thresholds.settings if thresholds else CompareSettings()
    results = Path(args.results)
    plan = planned_looks(settings, args.max_pairs, with_history=has_history(results, asked.workload))
    runs, sides = Runs(asked, results, args.wait_ready), Sides()

    def say(text: str) -> None:
        tell(f"{args.parser.prog}: {text}")

    try:
        with sigterm_as_interrupt(), runs.beside():
            pairs = until_decided(plan, settings, runs.make, sides.compare, say)
    except KeyboardInterrupt:
        say(f"interrupted: the runs so far are in {results}; compare them with `katydid compare`")
        raise
    if pairs.comparison is None:
        raise NoDataError("no run left a folder: see the runs' messages above")
    comparison = _whole(pairs, settings)
    _write(args, comparison, sides, asked, _command(args, asked, pairs.runs["base"][0].manifest()))
    if thresholds is None:
        return Decision(comparison.verdict)
    from katydid.commands.gate import judged_with

    return Decision(comparison.verdict, judged_with(thresholds, pairs.runs["base"], pairs.runs["new"], comparison))


def _whole(pairs: Pairs, settings: CompareSettings) -> Comparison:
    """The last look's comparison, with all looks and the settings of the comparison as a whole."""
    assert pairs.comparison is not None  # noqa: S101 - the caller has checked
    found = pairs.comparison
    promised = replace(found.settings, family_alpha=settings.family_alpha, same_level=settings.same_level)
    return found.added(pairs=pairs.made, decided=pairs.decided, looks=pairs.looks, settings=promised)


class Sides:
    """Compares the runs of both sides; reads each run only once."""

    def __init__(self) -> None:
        self._read: dict[str, RunData] = {}

    def compare(self, base: Sequence[RunFolder], new: Sequence[RunFolder], settings: CompareSettings) -> Comparison:
        """Compare the sides at one look."""
        from katydid.analysis.comparison.compare import compare_runs
        from katydid.runs.find import earlier_runs

        if not base or not new:
            raise NoDataError("a version has no run: see the runs' messages above")
        sides = [[self._data(folder) for folder in side] for side in (base, new)]
        return compare_runs(sides[0], sides[1], settings=settings, history=earlier_runs(base, new))

    def _data(self, folder: RunFolder) -> RunData:
        from katydid.analysis.comparison.estimates import read_run

        name = str(folder.path)
        if name not in self._read:
            self._read[name] = read_run(folder)
        return self._read[name]

    def counted(self, comparison: Comparison, side: int) -> list[pd.DataFrame]:
        """The samples of each run of a side that counts."""
        return [self._read[run.run].frame for run in comparison.sides[side].runs if run.counts]


def _write(args: argparse.Namespace, comparison: Comparison, sides: Sides, asked: Asked, command: str) -> None:
    from katydid.report.comparison import comparison_markdown, comparison_page, print_comparison
    from katydid.report.render.terminal import say_where, terminal
    from katydid.report.run_list import links_to

    console = terminal(stderr=STANDARD_OUTPUT in (args.json, args.markdown))
    print_comparison(comparison, console)
    write_json(args.json, comparison)
    if args.markdown:
        write_output(args.markdown, comparison_markdown(comparison))
    labels = "-".join(version.label for version in asked.versions.values())
    name = re.sub(r"[^\w.-]", "_", f"ab-{labels}.html")
    html = args.html or str(Path(args.results) / str(comparison.workload) / name)
    base, new = (sides.counted(comparison, side) for side in (0, 1))
    write_output(html, comparison_page(comparison, base, new, links_to(comparison, Path(html)), command))
    say_where(console, "Report", html)


def _command(args: argparse.Namespace, asked: Asked, made: Manifest) -> str:
    """The `katydid ab` command that repeats the comparison, without secrets, for its page.

    Args:
        args: the command line.
        asked: the request read from it.
        made: the first run's manifest, which has the options of all runs.
    """
    from katydid.model.redact import hide_assigned
    from katydid.protocol.target_url import shown_url
    from katydid.report.run import options_of

    base, new = (asked.versions[side] for side in ("base", "new"))
    words = ["katydid", "ab", asked.workload, shown_url(base.host), shown_url(new.host)]
    said = {
        "--base-version": base.label,
        "--new-version": new.label,
        "--start-base": base.start and hide_assigned(base.start),
        "--start-new": new.start and hide_assigned(new.start),
        "--max-pairs": None if args.max_pairs == MOST_PAIRS else str(args.max_pairs),
        "--wait-ready": None if args.wait_ready == WAIT_READY else f"{args.wait_ready:g}s",
        "--thresholds": args.thresholds,
    }
    words += [word for flag, value in said.items() if value for word in (flag, value)]
    return shlex.join([*words, *options_of(made, without={"version_label", "wait_ready"})])
