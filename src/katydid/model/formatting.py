"""Text for reports and messages: numbers with units, counts, how a run ended.

Plain text that HTML and terminal renderers both use.
"""

import math
from collections.abc import Callable
from functools import partial

from katydid.model.documents.comparison import BothSides, ComparedMetric
from katydid.model.documents.manifest import Manifest
from katydid.model.documents.summary import Summary
from katydid.model.metrics import METRICS, Distribution
from katydid.model.units import Unit, Written

MINUS = "\u2212"
"""The minus sign in text for readers; a hyphen is not a minus sign."""


def significant(value: float, decimals: int = 3) -> str:
    """Format three significant digits: `0.00`, `0.123`, `8.00`, `12.3`, `1,234`.

    A tiny value is not rounded to zero but written as `< 0.001`. A value that is not finite becomes a dash.

    Args:
        value: the value, in any unit.
        decimals: maximum number of decimals.
    """
    if not math.isfinite(value):
        return "–"
    rounded = abs(float(f"{value:.3g}"))
    wanted = 2 - math.floor(math.log10(rounded)) if rounded else 2
    text = f"{abs(value):,.{min(max(wanted, 0), decimals)}f}"
    if value and not float(text.replace(",", "")):
        return f"< {10.0**-decimals:.{decimals}f}"
    return f"{MINUS}{text}" if value < 0 else text


def milliseconds(value: float) -> str:
    """Format milliseconds with three significant digits, in ms or s, no finer than 0.01 ms."""
    if not math.isfinite(value):
        return "–"
    if abs(float(f"{value:.3g}")) >= 1000:
        return f"{significant(value / 1000)}\u00a0s"
    return f"{significant(value, 2)}\u00a0ms"


def format_eta(seconds: float) -> str:
    """Format an estimate of the remaining time: `about 40 s`, `about 3 min`, `about 1.5 h`."""
    if seconds < 90:
        return f"about {max(5 * round(seconds / 5), 5)} s"
    if seconds < 5400:
        return f"about {round(seconds / 60)} min"
    return f"about {seconds / 3600:.1f} h"


def fraction(value: float) -> str:
    """Format a share in percent: `0 %`, `1.74 %`, `55 %`; only exactly 0 and 1 are written as `0 %` and `100 %`."""
    if 0 < abs(value) < 0.0001:
        return "< 0.01\u00a0%"
    if 0.9995 <= value < 1:
        return "> 99.99\u00a0%" if value > 0.9999 else f"{math.floor(value * 10_000) / 100:.2f}\u00a0%"
    text = significant(value * 100, 2)
    whole, _, digits = text.partition(".")
    return f"{text if digits.strip('0') else whole}\u00a0%"


def points(value: float) -> str:
    """Format a difference of shares in percentage points with its sign: from 10 % to 22.5 % is `+12.5 points`."""
    digits = 0 if abs(value) >= 99.95 else 1 if abs(value) >= 0.995 or value == 0 else 2
    text = f"{abs(value):.{digits}f}"
    sign = "" if float(text) == 0 else ("+" if value > 0 else MINUS)
    return f"{sign}{text}\u00a0points"


def format_change(row: BothSides, say: Callable[[float], str] | None = None) -> list[str | None]:
    """Format a metric's change and both ends of its interval; each is None if unknown.

    Args:
        row: row of a comparison; a change that is only a bound is written as `at least`.
        say: formats a relative change; by default `percent`, with one decimal if the interval is narrow. The change of
            a share is always written in percentage points.
    """
    narrow = row.low is not None and row.high is not None and row.high - row.low < 0.02
    of, say = (row, say or partial(percent, digits=int(narrow))) if row.points is None else (row.points, points)
    known = row.change is not None or of.change
    change, *ends = [say(value) if known and value is not None else None for value in (of.change, of.low, of.high)]
    return [f"at least {change}" if change and row.bound else change, *ends]


def or_dash(value: float | None, how: Callable[[float], str]) -> str:
    """Format a value with `how`; a missing value becomes a dash."""
    return "–" if value is None or math.isnan(value) else how(value)


def at_least(text: str, *, bound: bool) -> str:
    """Prefix a formatted value with `≥` if it is a lower bound: `≥ 30.0 s`."""
    return f"≥\u00a0{text}" if bound else text


def percent(fraction: float, digits: int = 0) -> str:
    """Format a relative change in percent with its sign: `+12 %`; one decimal below 10 %, and at least `digits`."""
    digits = max(digits, 1 if abs(fraction) < 0.0995 else 0)
    text = f"{abs(fraction) * 100:,.{digits}f}"
    sign = "" if float(text.replace(",", "")) == 0 else ("+" if fraction > 0 else MINUS)
    return f"{sign}{text}\u00a0%"


def change_text(row: ComparedMetric) -> str:
    """Format a change with its interval if known: `−12 % (−15 % to −9 %)`, for a share `−1.2 points (…)`."""
    change, low, high = format_change(row)
    if change is None:
        return row.reason or "unknown"
    if low is None or high is None:
        end = low or high
        return f"{change} ({end} or more)" if end and row.bound else change
    within = " within these runs" if row.design == "within one run" else ""
    return f"{change} ({low} to {high}{within})"


def number(value: float) -> str:
    """Format a count: `7`, `1,200`; three significant digits if it is not a whole number."""
    return significant(value) if value != int(value) else f"{value:,.0f}".replace("-", MINUS)


def span(low: float, high: float) -> str:
    """Format a range: `3 to 5`, or one number if both ends are equal."""
    return number(low) if low == high else f"{number(low)} to {number(high)}"


def value_only(name: str, value: float, unit: Unit | None = None) -> str:
    """Format a metric's value with its unit; for a declared metric, pass the unit."""
    return figure(value, METRICS[name].unit if unit is None else unit)


def figure(value: float, unit: Unit | Written) -> str:
    """Format a value with its unit, for tables, pages and sentences; a no-break space separates the two."""
    if unit is Unit.MS:
        return milliseconds(value)
    if unit is Unit.FRACTION:
        return fraction(value)
    if unit is Unit.COUNT:
        return number(value) if math.isfinite(value) else "–"
    if unit is Written.CHANGE:
        return percent(value) if math.isfinite(value) else "–"
    if unit is Written.MEBIBYTES:
        return f"{number(round(value / 2**20))}\u00a0MiB"
    return f"{significant(value)}\u00a0{unit.value}"


def show(name: str, value: float | None, summary: Summary | None = None, unit: Unit | None = None) -> str:
    """Format a metric's value with its unit; a missing value becomes `too few (n of m)` or a dash.

    Args:
        name: flat name of the metric.
        value: the value; ignored if the summary has the metric.
        summary: replaces the value by one that includes timeouts, with `≥` if it falls among them, and adds `≤` to an
            upper bound.
        unit: see `value_only`.
    """
    if summary is not None and (found := summary.measured(name)) is not None:
        told = value_only(name, found.value, unit)
        return at_least(told, bound=True) if found.at_least else at_most(name, summary) + told
    if value is None:
        return summary.too_few.get(name, "–") if summary else "–"
    return at_most(name, summary) + value_only(name, value, unit)


BUNDLED = 1.2
"""Tokens per chunk above which gaps between chunks are not gaps between tokens."""
_GAPS = ("itl", "gap", "gap_p99", "gap_max")


def label_of(metric: Distribution, summary: Summary) -> str:
    """Return a distribution's label; gaps between chunks that bundle several tokens are marked."""
    per_chunk = summary.metrics.get("tokens_per_chunk")
    bundled = metric.name in _GAPS and per_chunk is not None and per_chunk > BUNDLED
    return f"{metric.label} (bundled: {significant(per_chunk or 0.0)} tokens per chunk)" if bundled else metric.label


def at_most(name: str, summary: Summary | None) -> str:
    """Return `≤ ` for a metric that is an upper bound, else an empty text."""
    return "≤ " if summary is not None and name in summary.upper_bounds else ""


def censored(summary: Summary) -> str:
    """Return a note about requests that timed out or were aborted; empty if there were none."""
    count = summary.censored.requests
    if not count:
        return ""
    return f"{plural(count, 'request')} timed out or aborted: counted as at least the time they had (≥)."


def capitalised(text: str) -> str:
    """Return the text with its first letter in upper case."""
    return text[:1].upper() + text[1:]


def plural(count: float, word: str, several: str = "") -> str:
    """Return `1 request` or `2 requests`; `several` is the plural if it is irregular."""
    return f"{number(count)} {word if count == 1 else several or f'{word}s'}"


def pace(interval: float, users: int | None = None, what: str = "request") -> str:
    """Return `one request per user every 5 s (4 requests/s)`; less than one per second is `(3 requests/min)`.

    Args:
        interval: seconds, more than 0.
        users: number of users; without it, the rate is left out.
        what: what starts every interval.
    """
    each = f"one {what} per user every {interval:g} s"
    if not users:
        return each
    if users >= interval:
        return f"{each} ({plural(users / interval, what)}/s)"
    return f"{each} ({plural(users * 60 / interval, what)}/min)"


def load_text(manifest: Manifest) -> str:
    """Describe the load: `20 users, one request per user every 5 s (4 requests/s)`, the closed loop, or the rate."""
    users, interval, what = manifest.users, manifest.interval_s, manifest.starts or "request"
    if manifest.is_closed:
        loop = f"closed loop: each user starts its next {what} when the last one ends"
        several = number(users or 0) if what == "request" else plural(users or 0, what)
        return f"{several} in flight ({loop})" if users else loop
    most = f", at most {number(users)} in flight" if users else ""
    if manifest.schedule == "trace":
        fast = f", {manifest.trace_speed:g} times as fast" if manifest.trace_speed not in {None, 1.0} else ""
        requests = plural(manifest.trace_requests or 0, "request")
        return f"{requests} of the trace {manifest.trace} in {manifest.trace_span_s or 0.0:.0f} s{fast}{most}"
    if manifest.is_open and manifest.rate_per_s is None:
        return f"requests at rates ({manifest.arrivals} arrivals)"
    if manifest.is_open:
        ramp = f", {manifest.rate_ramp_per_s:g} more each second until then" if manifest.rate_ramp_per_s else ""
        return f"{plural(manifest.rate_per_s or 0.0, what)}/s ({manifest.arrivals} arrivals{ramp}){most}"
    ramp = f"{manifest.ramp_per_s:g} more each second" if manifest.ramp_per_s else ""
    paced = pace(interval, users, what) if interval else ""
    return ", ".join(filter(None, (plural(users, "user") if users else "", ramp, paced)))


def ordinal(value: int) -> str:
    """`1st`, `2nd`, `13th`."""
    if 10 <= value % 100 <= 20:
        return f"{value}th"
    return f"{value}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(value % 10, 'th') }"


def how_it_ended(manifest: Manifest, summary: Summary) -> str:
    """Return a clause that says how the run ended."""
    limit = manifest.failure_threshold
    stopped = manifest.stopped_at_ms
    after = f" after {stopped / 1000:.0f} s" if stopped else ""
    if summary.partial:
        return "it never finished; the results are partial"
    return {
        "run-time": "completed" if manifest.plan else "run time reached",
        "failure-threshold": f"stopped by the failure threshold, at failure {limit}{after}{_held(summary)}",
        "completed": "completed",
        "interrupted": f"interrupted{after}",
        "error": f"aborted by an error{after}",
    }.get(str(manifest.ended), "ended in an unknown way")


def _held(summary: Summary) -> str:
    """Say how many users had started when the failure threshold stopped the run, and how many requests failed later."""
    users, later = summary.users_at_stop, summary.counts.failed_after_stop
    held = f", at {plural(int(users), 'user')}" if users else ""
    return f"{held} ({number(later)} that failed later not counted)" if later else held
