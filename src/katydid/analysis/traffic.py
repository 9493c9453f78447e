"""Describe traffic (rate, bursts, lengths, turns, prefixes), and compare a test with it. Knows no files."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd

from katydid.analysis.derived import of_the_load
from katydid.load.traces.learning import Learned
from katydid.load.traces.trace import Trace
from katydid.model.documents.traffic import Difference, HourlyRate, Spread, Traffic
from katydid.model.errors import NoDataError
from katydid.model.formatting import fraction, or_dash, significant

_HOUR, _DAY, _MINUTE = 3600.0, 86400.0, 60.0
_FEWEST_GAPS = 20
"""The fewest gaps of an hour from which a CV is computed."""
PREFIX_SHARE = "prefix share"
_ALIKE, _SHARE_ALIKE = 0.2, 0.1
"""Largest differences at which a test still matches: as a fraction of the larger value; of the prefix share."""
_Numbers = Sequence[int] | np.ndarray | None


def of_log(log: Learned) -> Traffic:
    """Describe the traffic in a gateway's log."""
    trace = log.trace
    share = _prefix_share(trace) if log.cached is None else log.cached
    due = np.asarray(trace.due)
    lengths = (trace.inputs, trace.outputs, _turns(trace))
    return _traffic(due, lengths, share, _by_hour(due + log.began))


def of_run(samples: pd.DataFrame) -> Traffic:
    """Describe the requests of a run's load.

    Raises:
        NoDataError: it sent no request.
    """
    sent = samples[samples["start_ms"].notna() & of_the_load(samples)]
    if sent.empty:
        raise NoDataError("sent no request")
    start = np.sort(sent["start_ms"].to_numpy(np.float64)) / 1000.0
    inputs, outputs = (
        _known(sent, *names)
        for names in (("prompt_tokens", "target_input_tokens"), ("completion_tokens", "target_output_tokens"))
    )
    turns = sent["session_id"].dropna().value_counts().tolist() if "session_id" in sent else []
    told = sent[sent["cached_tokens"].notna() & sent["prompt_tokens"].notna()] if "cached_tokens" in sent else sent[:0]
    total = float(told["prompt_tokens"].sum()) if len(told) else 0.0
    share = float(told["cached_tokens"].sum()) / total if total else None
    return _traffic(start - start[0], (inputs, outputs, turns), share, [])


def gap_cv(due: np.ndarray) -> float | None:
    """The coefficient of variation of the gaps, pooled over the hours of longer logs; None if there are too few."""
    parts = [np.diff(part) for part in np.split(due, np.flatnonzero(np.diff(due // _HOUR)) + 1)]
    parts = [gaps for gaps in parts if len(gaps) >= _FEWEST_GAPS and gaps.mean() > 0.0]
    if not parts:
        gaps = np.diff(due)
        parts = [gaps] if len(gaps) > 1 and gaps.mean() > 0.0 else []
    if not parts:
        return None
    squares = [gaps.var() / gaps.mean() ** 2 for gaps in parts]
    return float(np.sqrt(np.average(squares, weights=[len(gaps) for gaps in parts])))


def _traffic(
    due: np.ndarray,
    lengths: tuple[_Numbers, _Numbers, _Numbers],
    prefix_share: float | None,
    by_hour: list[HourlyRate],
) -> Traffic:
    """Describe requests; `lengths` are those of inputs, outputs and turns."""
    seconds = float(due[-1] - due[0])
    per_minute = np.bincount((due // _MINUTE).astype(np.int64)) if seconds > _MINUTE else np.empty(0)
    rate = len(due) / seconds if seconds else float(len(due))
    return Traffic(
        requests=len(due),
        seconds=seconds,
        rate_per_s=rate,
        peak_per_s=float(per_minute.max()) / _MINUTE if len(per_minute) else rate,
        rate_by_hour=by_hour,
        cv=gap_cv(due),
        input=_spread(lengths[0]),
        output=_spread(lengths[1]),
        turns=_spread(lengths[2]),
        prefix_share=prefix_share,
    )


def _by_hour(moments: np.ndarray) -> list[HourlyRate]:
    """The rate in each hour of the day, over the time for which the log covers that hour."""
    first, last = float(moments[0]), float(moments[-1])
    counts = Counter(((moments % _DAY) // _HOUR).astype(np.int64).tolist())
    covered: Counter[int] = Counter()
    for begin in np.arange(first // _HOUR * _HOUR, last + 1.0, _HOUR):
        inside = min(last, begin + _HOUR) - max(first, begin)
        covered[int(begin % _DAY // _HOUR)] += max(inside, 0.0)  # type: ignore[assignment]  # seconds
    return [
        HourlyRate(hour=hour, per_s=counts[hour] / max(1.0, covered[hour])) for hour in sorted(covered) if counts[hour]
    ]


def _turns(trace: Trace) -> list[int]:
    return list(Counter(session for session in trace.sessions or () if session is not None).values())


def _prefix_share(trace: Trace) -> float | None:
    """The share of input tokens that conversations send again; None if there are no conversations."""
    if trace.parents is None or trace.inputs is None or trace.outputs is None:
        return None
    again = 0
    for number, tokens in enumerate(trace.inputs):
        parent = trace.parent(number)
        again += 0 if parent is None else min(tokens, trace.inputs[parent] + trace.outputs[parent])
    return again / (sum(trace.inputs) or 1)


def _known(sent: pd.DataFrame, *columns: str) -> np.ndarray | None:
    """The values of the first of these columns that has any."""
    for column in columns:
        if column in sent and sent[column].notna().any():
            return np.asarray(sent[column].dropna(), dtype=np.float64)
    return None


def _spread(values: _Numbers) -> Spread | None:
    if values is None or not len(values):
        return None
    numbers = np.asarray(values, dtype=np.float64)
    p50, p95 = np.quantile(numbers, [0.5, 0.95])
    return Spread(mean=float(numbers.mean()), p50=float(p50), p95=float(p95))


_COMPARED = (
    ("input tokens", "input", "mean"),
    ("input tokens", "input", "p95"),
    ("output tokens", "output", "mean"),
    ("output tokens", "output", "p95"),
    ("turns", "turns", "mean"),
)


def differences(test: Traffic, traffic: Traffic) -> list[Difference]:
    """Compare a test with the traffic that it should represent, metric by metric."""
    pairs = [("CV of the gaps", test.cv, traffic.cv)]
    for name, key, statistic in _COMPARED:
        a, b = (getattr(getattr(side, key), statistic, None) for side in (test, traffic))
        pairs.append((f"{name}, {statistic}", a, b))
    found = [Difference(name=name, test=a, traffic=b, differs=_differs(a, b)) for name, a, b in pairs]
    a, b = test.prefix_share, traffic.prefix_share
    far = a is not None and b is not None and abs(a - b) > _SHARE_ALIKE
    found.append(Difference(name=PREFIX_SHARE, test=a, traffic=b, differs=far))
    rate = Difference(name="requests/s, mean", test=test.rate_per_s, traffic=traffic.rate_per_s, differs=False)
    return [*found, rate]


def said(value: float | None, name: str) -> str:
    """A value of a difference, formatted."""
    return or_dash(value, fraction if name == PREFIX_SHARE else significant)


def verdict_on(found: Sequence[Difference]) -> str:
    """Say in one sentence whether the test matches the traffic; the rate is the test's own choice and may differ."""
    unlike = [each for each in found if each.differs]
    if not unlike:
        return "Your test matches your traffic in everything that both record."
    told = [f"{each.name} {said(each.test, each.name)} against {said(each.traffic, each.name)}" for each in unlike]
    return f"Your test differs from your traffic: {', '.join(told)}."


def _differs(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and abs(one - other) > _ALIKE * max(one, other)
