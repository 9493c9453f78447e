"""The work of `katydid ab` and `katydid bisect`: make pairs until a verdict is reached, then write the results."""

from __future__ import annotations

import argparse
import re
import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from katydid.commands.output import tell
from katydid.commands.pairs.options import MOST_PAIRS, SIDES, WAIT_READY
from katydid.commands.pairs.runs import Runs, has_history, sigterm_as_interrupt
from katydid.model.errors import NoDataError
from katydid.model.formatting import format_eta, fraction, plural
from katydid.resources import thresholds_file

if TYPE_CHECKING:
    from katydid.commands.pairs.options import Asked
    from katydid.model.documents.comparison import CompareSettings, Comparison, LookRecord, Verdict
    from katydid.model.documents.manifest import Manifest
    from katydid.runs.folder import RunFolder
    from katydid.stats.sequential import Look


@dataclass(frozen=True)
class Decision:
    """The outcome of a comparison: its verdict, and the gate's exit code, which is None without thresholds."""

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
    from katydid.analysis.comparison.compare import compare_runs, planned_looks
    from katydid.analysis.comparison.estimates import read_run
    from katydid.commands.compare import show_comparison
    from katydid.gate.thresholds import read_thresholds
    from katydid.model.documents.comparison import CompareSettings
    from katydid.runs.find import earlier_runs

    thresholds = read_thresholds(thresholds_file(args.thresholds)) if args.thresholds else None
    settings = thresholds.settings if thresholds else CompareSettings()
    results = Path(args.results)
    plan = planned_looks(settings, args.max_pairs, with_history=has_history(results, asked.workload))
    runs, read = Runs(asked, results, args.wait_ready), cache(read_run)  # each run is read once, not at each look

    def compare(base: Sequence[RunFolder], new: Sequence[RunFolder], settings: CompareSettings) -> Comparison:
        if not base or not new:
            raise NoDataError("a version has no run: see the runs' messages above")
        return compare_runs(
            list(map(read, base)), list(map(read, new)), settings=settings, history=earlier_runs(base, new)
        )

    def say(text: str) -> None:
        tell(f"{args.parser.prog}: {text}")

    try:
        with sigterm_as_interrupt(), runs.beside():
            pairs = until_decided(plan, settings, runs.make, compare, say)
    except KeyboardInterrupt:
        say(f"interrupted: the runs so far are in {results}; compare them with `katydid compare`")
        raise
    if pairs.comparison is None:
        raise NoDataError("no run left a folder: see the runs' messages above")
    promised = replace(
        pairs.comparison.settings, family_alpha=settings.family_alpha, same_level=settings.same_level
    )  # those of the comparison as a whole, not of its last look
    found = pairs.comparison.added(pairs=pairs.made, decided=pairs.decided, looks=pairs.looks, settings=promised)
    labels = "-".join(version.label for version in asked.versions.values())
    html = args.html or str(results / str(found.workload) / re.sub(r"[^\w.-]", "_", f"ab-{labels}.html"))
    command = _command(args, asked, pairs.runs["base"][0].manifest())
    show_comparison(found, [list(map(read, pairs.runs[side])) for side in SIDES], args, html, command)
    if thresholds is None:
        return Decision(found.verdict)
    from katydid.commands.gate import judged_with

    return Decision(found.verdict, judged_with(thresholds, pairs.runs["base"], pairs.runs["new"], found))


@dataclass
class Pairs:
    """The pairs made so far and their result.

    Attributes:
        runs: the runs of each side, in order.
        made: number of pairs.
        comparison: the comparison at the last look; None before the first.
        looks: the result of each look.
        decided: whether the last look reached a verdict.
    """

    runs: dict[str, list[RunFolder]] = field(default_factory=lambda: {side: [] for side in SIDES})
    made: int = 0
    comparison: Comparison | None = None
    looks: list[LookRecord] = field(default_factory=list)
    decided: bool = False


def until_decided(
    plan: Sequence[Look],
    settings: CompareSettings,
    make_run: Callable[[str], RunFolder | None],
    compare: Callable[[Sequence[RunFolder], Sequence[RunFolder], CompareSettings], Comparison],
    say: Callable[[str], None],
) -> Pairs:
    """Make pairs (base new, new base, …) until a look reaches a verdict or all planned pairs are made.

    Args:
        plan: the looks; the last one's number of pairs is the maximum.
        settings: settings of the comparison as a whole.
        make_run: makes a run of `base` or `new`; returns None if it left no folder.
        compare: compares the runs of both sides at the level of a look.
        say: prints a line.
    """
    from katydid.analysis.comparison.compare import DECIDED, at_look, found_at
    from katydid.model.documents.comparison import Verdict
    from katydid.report.verdict import comparison_sentence

    pairs, looks, began = Pairs(), {look.pairs: look for look in plan}, time.monotonic()
    most = plan[-1].pairs
    levels = ", ".join(f"{look.pairs}: {fraction(look.different)} and {fraction(look.same)}" for look in plan)
    say(
        f"At most {plural(most, 'pair')}; significance levels of the interim look after each pair (different, and no "
        f"difference): {levels}"
    )
    for number in range(1, most + 1):
        for side in SIDES if number % 2 else SIDES[::-1]:
            say(f"Pair {number} of at most {most}: {side}")
            run = make_run(side)
            pairs.runs[side] += [run] if run is not None else []
        pairs.made = number
        eta = format_eta((time.monotonic() - began) / number * (most - number))
        left = f"{plural(most - number, 'more pair')} at most, {eta}" if number < most else "that was the last pair"
        if number not in looks:
            say(f"After {plural(number, 'pair')}: no look yet; {left}")
            continue
        found = compare(pairs.runs["base"], pairs.runs["new"], at_look(settings, looks[number]))
        pairs.comparison, pairs.decided = found, found.verdict in DECIDED
        pairs.looks.append(found_at(looks[number], found))
        sentence = comparison_sentence(found).rstrip(".")
        say(f"After {plural(number, 'pair')}: {sentence}; {'that decides' if pairs.decided else left}")
        if pairs.decided or found.verdict is Verdict.INVALID:
            break
    return pairs


def _command(args: argparse.Namespace, asked: Asked, made: Manifest) -> str:
    """The `katydid ab` command that repeats the comparison, without secrets; `made` has the options of all runs."""
    from katydid.model.redact import hide_assigned
    from katydid.protocol.target_url import shown_url
    from katydid.report.run import options_of

    base, new = (asked.versions[side] for side in SIDES)
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
