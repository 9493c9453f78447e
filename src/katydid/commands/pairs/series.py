"""The pairs of `katydid ab`: make alternating runs, and look at them after each pair until a verdict is reached.

Uses neither Locust nor processes: the caller passes functions that make a run, compare both sides and print a line.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from katydid.analysis.comparison.compare import DECIDED, at_look, found_at
from katydid.model.documents.comparison import CompareSettings, Comparison, LookRecord, Verdict
from katydid.model.formatting import format_eta, fraction, plural
from katydid.runs.folder import RunFolder
from katydid.stats.sequential import Look

SIDES = ("base", "new")

MakeRun = Callable[[str], RunFolder | None]
"""Makes a run of a side; returns None if it left no folder."""
Compare = Callable[[Sequence[RunFolder], Sequence[RunFolder], CompareSettings], Comparison]


@dataclass
class Pairs:
    """The pairs made so far and their result.

    Attributes:
        runs: the runs of each side, in order.
        made: number of pairs.
        comparison: the comparison at the last look; None before the first.
        looks: the result of each look.
    """

    runs: dict[str, list[RunFolder]] = field(default_factory=lambda: {side: [] for side in SIDES})
    made: int = 0
    comparison: Comparison | None = None
    looks: list[LookRecord] = field(default_factory=list)

    @property
    def decided(self) -> bool:
        """True if the last look reached a verdict."""
        return bool(self.looks) and self.looks[-1].verdict in DECIDED


def levels_text(looks: Sequence[Look]) -> str:
    """The plan of looks, as printed before the first run."""
    pairs = ", ".join(f"{look.pairs}: {fraction(look.different)} and {fraction(look.same)}" for look in looks)
    return f"significance levels of the interim look after each pair (different, and no difference): {pairs}"


def until_decided(
    plan: Sequence[Look],
    settings: CompareSettings,
    make_run: MakeRun,
    compare: Compare,
    say: Callable[[str], None],
) -> Pairs:
    """Make pairs (base new, new base, …) until a look reaches a verdict or all planned pairs are made.

    Args:
        plan: the looks; the last one's number of pairs is the maximum.
        settings: settings of the comparison as a whole.
        make_run: makes a run of `base` or `new`.
        compare: compares the runs of both sides at the level of a look.
        say: prints a line.
    """
    pairs, looks, began = Pairs(), {look.pairs: look for look in plan}, time.monotonic()
    most = plan[-1].pairs
    say(f"At most {plural(most, 'pair')}; {levels_text(plan)}")
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
        pairs.comparison = found
        pairs.looks.append(found_at(looks[number], found))
        done = pairs.decided or found.verdict is Verdict.INVALID
        say(f"After {plural(number, 'pair')}: {_verdict_text(found)}; {'that decides' if pairs.decided else left}")
        if done:
            break
    return pairs


def _verdict_text(comparison: Comparison) -> str:
    from katydid.report.verdict import comparison_sentence

    return comparison_sentence(comparison).rstrip(".")
