"""A comparison in words: its sentence, its table, its reasons. The page, the terminal and Markdown say the same."""

import math
from collections.abc import Sequence
from typing import Any

from katydid.core.metrics import DISTRIBUTIONS, METRICS
from katydid.core.units import Better, Unit
from katydid.core.words import at_least, changed, number, plural, points, value_only
from katydid.report.chart import Style
from katydid.report.forest import Change
from katydid.report.sections import Section, Table

Comparison = dict[str, Any]
"""What `analysis.comparison.compare_versions` returns."""

LONGEST_NAME = 32
"""Characters of a version's name in a heading."""

HEADLINES = {
    "faster": "FASTER",
    "slower": "SLOWER",
    "no_difference": "NO DIFFERENCE",
    "cannot_tell": "CANNOT TELL",
    "invalid": "INVALID",
}
SHARES = (
    "Shares, which are measured in percent themselves, differ by percentage points: from 1 % to 3 % is +2 points. "
    "Less than half a point is of no interest."
)
_STYLES = {"faster": Style.MAIN, "slower": Style.BAD, "no_difference": Style.THIRD, "cannot_tell": Style.QUIET}
_MAIN = frozenset(d.name for d in DISTRIBUTIONS if d.primary)
_WORST_FIRST = ("slower", "cannot_tell", "faster", "no_difference")


def names(comparison: Comparison) -> tuple[str, str]:
    """How the two sides are called: by their versions, which may be the same."""
    base, new = (_short("+".join(side["versions"])) for side in comparison["sides"])
    return (base, new) if base != new else (f"{base} (base)", f"{new} (new)")


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1] + "…"


def sentence(comparison: Comparison) -> str:
    """The verdict in one sentence."""
    base, new = names(comparison)
    verdict = comparison["verdict"]
    head = HEADLINES[verdict]
    primary = [m for m in comparison["metrics"] if m["primary"]]
    if verdict == "invalid":
        return f"{head}. {new} cannot be compared with {base}: {comparison['reasons'][0]}."
    if verdict == "no_difference":
        within = _whole(comparison["settings"]["same_within"])
        return f"{head} beyond {within} between {new} and {base}: {_told(primary)}."
    if verdict == "cannot_tell":
        return f"{head} whether {new} differs from {base}: {_told(primary)}."
    return f"{head}. {new} is {verdict} than {base}: {_told([m for m in primary if m['verdict'] == verdict])}."


def _told(metrics: Sequence[dict[str, Any]]) -> str:
    return "; ".join(f"{METRICS[m['name']].label.lower()} {change_text(m)}" for m in metrics)


def change_text(metric: dict[str, Any]) -> str:
    """`−12 % (−15 % to −9 %)`, of shares `−1.2 points (−1.5 points to −0.9 points)`, as far as it is known."""
    low, high = metric["low"], metric["high"]
    digits = 1 if None not in (low, high) and high - low < 0.02 else 0
    change, low, high = changed(metric, lambda value: percent(value, digits))
    if change is None:
        return str(metric["reason"] or "unknown")
    if metric.get("bound"):
        end = low or high
        return f"{change} ({end} or more)" if end else change
    if low is None:
        return change
    within = " within these runs" if metric["design"] == "within one run" else ""
    return f"{change} ({low} to {high}{within})"


def _whole(fraction: float) -> str:
    return f"{fraction * 100:g} %"


def percent(fraction: float, digits: int = 0) -> str:
    """A change in percent with its sign: two digits, or `digits` after the point if that is more."""
    digits = max(digits, 1 if abs(fraction) < 0.0995 else 0)
    text = f"{abs(fraction) * 100:,.{digits}f}".replace(",", "\u202f")
    sign = "" if float(text.replace("\u202f", "")) == 0 else ("+" if fraction > 0 else "\u2212")
    return f"{sign}{text}\u00a0%"


def verdict_word(metric: dict[str, Any]) -> str:
    """Of a metric; "slower" fits times only."""
    words = {"no_difference": "no difference", "cannot_tell": "cannot tell"}
    if METRICS[metric["name"]].unit is not Unit.MS:
        words |= {"slower": "worse", "faster": "better"}
    return words.get(metric["verdict"], str(metric["verdict"]))


def ordered(comparison: Comparison) -> list[dict[str, Any]]:
    """Metrics that decide first, and the worst of them first."""
    return sorted(comparison["metrics"], key=lambda m: (not m["primary"], _WORST_FIRST.index(m["verdict"])))


def forest(comparison: Comparison) -> list[Change]:
    """The rows of the forest plot: times of which a change is known, without those that nobody reads first."""
    shown = [m for m in ordered(comparison) if m["change"] is not None and METRICS[m["name"]].unit is Unit.MS]
    return [
        Change(METRICS[m["name"]].label, change_text(m), _STYLES[m["verdict"]], m["change"], *_reach(m))
        for m in shown
        if _comes_first(m)
    ]


def _reach(metric: dict[str, Any]) -> tuple[float | None, float | None]:
    """The ends of the interval; a bound's is open to one side."""
    open_to = {"lower": {"high": math.inf}, "upper": {"low": -1.0}}.get(metric.get("bound") or "", {})
    low, high = (open_to.get(end, metric[end]) for end in ("low", "high"))
    return low, high


def sections(comparison: Comparison) -> list[Section]:
    """Everything that is said below the verdict."""
    made = [_metrics(comparison), _runs(comparison), _differences(comparison), _method(comparison)]
    return [section for section in made if section is not None]


def _metrics(comparison: Comparison) -> Section | None:
    if not comparison["metrics"]:
        return None
    every = ordered(comparison)
    first = [m for m in every if _comes_first(m)]
    short = ("Metric", *names(comparison), "Change (95 % interval)", "Verdict")
    deciding = Table(
        "Those that decide are marked *", short, [_row(m)[: len(short)] for m in first], frozenset({4}), _bad(first)
    )
    everything = Table(
        "All metrics, with the smallest change that these runs would show, and the runs that it would take",
        (*short, "Detectable", "Runs needed"),
        [_row(m) for m in every],
        frozenset({4}),
        _bad(every),
        in_terminal=False,
    )
    return Section("metrics", "Metrics", tables=[deciding, everything])


def _comes_first(metric: dict[str, Any]) -> bool:
    distribution, _, statistic = metric["name"].partition(".")
    return metric["primary"] or not statistic or (distribution in _MAIN and statistic in {"p50", "p95"})


def _bad(metrics: Sequence[dict[str, Any]]) -> frozenset[tuple[int, int]]:
    return frozenset((i, 4) for i, m in enumerate(metrics) if m["verdict"] == "slower")


def _row(metric: dict[str, Any]) -> tuple[str, ...]:
    name = metric["name"]
    values = [_value(metric, side) for side in ("base", "new")]
    needed = metric["runs_needed"]
    return (
        METRICS[name].label + (" *" if metric["primary"] else ""),
        *values,
        change_text(metric),
        verdict_word(metric),
        _detectable(metric),
        "–" if needed is None else f"{needed} a side",
    )


def _value(metric: dict[str, Any], side: str) -> str:
    """A side's value; one that lies among time-outs is at least so."""
    if metric[side] is None:
        return "–"
    bound = metric.get("bound") in ("both", {"base": "upper", "new": "lower"}[side])
    return at_least(value_only(metric["name"], metric[side]), bound=bound)


def _detectable(metric: dict[str, Any]) -> str:
    shares = metric["points"]
    smallest = metric["smallest_detectable"] if shares is None else shares["detectable"]
    if smallest is None:
        return "–"
    return (percent if shares is None else points)(smallest).lstrip("+")


def _runs(comparison: Comparison) -> Section:
    rows: list[tuple[str, ...]] = []
    bad = set()
    for label, side, outcomes in zip(names(comparison), comparison["sides"], comparison["outcomes"], strict=True):
        for run, outcome in zip(side["runs"], outcomes, strict=True):
            if not run["counts"]:
                bad.add((len(rows), 3))
            rows.append(
                (
                    label,
                    str(run["started_utc"] or "–").replace("T", " ")[:16],
                    _ending(outcome),
                    "yes" if run["counts"] else "left out",
                    "–" if outcome["users"] is None else number(outcome["users"]),
                    number(outcome["requests"]),
                    "–" if outcome["failure_rate"] is None else f"{outcome['failure_rate'] * 100:.1f} %",
                )
            )
    columns = ("Version", "Started (UTC)", "Ended", "Counts", "Users", "Requests", "Failed")
    table = Table("Runs", columns, rows, frozenset({1, 2, 3}), frozenset(bad), in_terminal=len(rows) <= 20)
    return Section("runs", "Runs, and how they ended", tables=[table])


def _ending(outcome: dict[str, Any]) -> str:
    ended = outcome["ended"] or "never"
    if ended != "failure-threshold":
        return str(ended)
    after = f" after {outcome['seconds']:.0f} s" if outcome["seconds"] else ""
    return f"at failure {outcome['failure_threshold']}{after}"


def _differences(comparison: Comparison) -> Section | None:
    found = comparison["differences"]
    if not found:
        return None
    base, new = names(comparison)
    rows = [(d["key"], d["base"], d["new"], d["why"] or "need not matter") for d in found]
    bad = frozenset((i, 3) for i, d in enumerate(found) if d["why"])
    table = Table("What differs", ("", base, new, ""), rows, frozenset({1, 2, 3}), bad)
    return Section("differences", "What differs between the sides", tables=[table])


def _method(comparison: Comparison) -> Section:
    settings = comparison["settings"]
    counted = [sum(r["counts"] for r in side["runs"]) for side in comparison["sides"]]
    runs = " and ".join(plural(n, "run") for n in counted)
    earlier = comparison["history_runs"]
    noise = f", and from {plural(earlier, 'earlier run')}" if earlier else ""
    turns = ("The runs were made in turns.",) if comparison["interleaved"] and max(counted) > 1 else ()
    settled = comparison["settled_s"]
    cut = (f"The first {settled:.0f} s of each run are left out: service times had not settled.",) if settled else ()
    better_higher = any(METRICS[m["name"]].better is Better.HIGHER for m in comparison["metrics"])
    unit = f"The run is the unit: {runs}, one number each; the noise from run to run is taken from them{noise}."
    rule = (
        f"A change is called slower or faster when it is beyond that noise (together, the metrics that decide are "
        f"wrong about equal versions in at most {_whole(settings['family_alpha'])} of cases, by Holm's rule) and at "
        f"least {_whole(settings['min_change'])}; no difference, when the 90 % interval lies within "
        f"{_whole(settings['same_within'])}. Other metrics are for exploration."
    )
    more = ("For rates of which more is better, worse means less.",) if better_higher else ()
    shares = (SHARES,) if any(m["points"] for m in comparison["metrics"]) else ()
    return Section("method", "How this was decided", (unit, *turns, *cut, rule, *more, *shares))
