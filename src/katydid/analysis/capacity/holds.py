"""Measure one stage of a run: the offered load, the answers, and whether they met the objective.

Knows no search and no estimate. Times are milliseconds of the run, as in the samples.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import pandas as pd
from scipy.special import bdtrc

from katydid.analysis.capacity.limiter import Limiter, limiter_of
from katydid.analysis.derived import quantile
from katydid.model.documents.capacity import Hold, Step
from katydid.model.documents.manifest import Manifest, StageRecord
from katydid.model.formatting import milliseconds, plural, significant
from katydid.model.metrics import DISTRIBUTIONS, METRICS, STATISTICS

BRACKET, MEASURE = "bracket", "measure"
"""The purposes of a search's stages: short ones only find the range; longer ones (`measure 1`, …) are repeated."""
BY_CHANCE = 0.01
"""Significance level at which a short stage violates a criterion: 2 of 20 requests are no evidence of more than 5 %."""
FEWEST_BAD = 2
"""The fewest requests that must miss a criterion for a stage to violate it: one may be an accident."""
BEHIND_SHARE, BEHIND_FEWEST = 0.015, 2.0
"""A target falls behind if more than this share and this number of the offered requests stay unanswered."""
CONVERSATIONS_OK = "conversations_ok"
LOOKS = 40
"""Points in time of a stage at which its answers are counted."""
SURELY = 2.5
"""Standard deviations beyond which growing response times are not due to chance."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A part of an objective that each request, or each conversation, meets or misses.

    Attributes:
        metric: its flat name, such as `duration.p95` or `failure_rate`.
        allowed: the share of requests or conversations that may miss it.
        limit_ms: the longest time a request may take; None if the metric is a share itself.
    """

    metric: str
    allowed: float
    limit_ms: float | None = None

    @property
    def text(self) -> str:
        """The criterion in words, such as `duration.p95 ≤ 500 ms`."""
        if self.metric == CONVERSATIONS_OK:
            return f"{self.metric} ≥ {100 * (1.0 - self.allowed):g} %"
        limit = f"{100 * self.allowed:g} %" if self.limit_ms is None else f"{self.limit_ms:g} ms"
        return f"{self.metric} ≤ {limit}"

    def judged(self, rows: pd.DataFrame, record: StageRecord) -> pd.DataFrame:
        """The rows that it judges: requests due in the stage's time, or the last requests of conversations.

        A conversation counts if its first request was due in the stage's time. It ends with its last answer or with a
        failure.
        """
        if not self.of_conversations:
            return rows[_within(rows["scheduled_ms"], record)]
        begun = rows.groupby(["user", "iteration"])["scheduled_ms"].transform("min")
        last = (rows["outcome"] == "failed") | rows[_CONVERSATION].notna()
        return rows[_within(begun, record) & last]

    @property
    def of_conversations(self) -> bool:
        """True if it judges conversations."""
        return self.metric == CONVERSATIONS_OK or _column(self.metric) == _CONVERSATION

    def missed(self, rows: pd.DataFrame) -> pd.Series:
        """Which of the judged rows missed it; a failed request misses every time limit."""
        failed: pd.Series = rows["outcome"] == "failed"
        if self.metric in {"failure_rate", CONVERSATIONS_OK}:
            return failed
        if self.metric == "late_share":
            return rows["late"].astype(bool)
        column = _column(self.metric)
        limit = np.inf if self.limit_ms is None else self.limit_ms
        return failed | (rows[column].astype(np.float64) > limit)


_COLUMNS = {d.name: d.column for d in DISTRIBUTIONS}
_CONVERSATION = "conversation_ms"
"""The column is filled in the last row of a conversation that succeeded."""
_QUANTILES = {s.name: s.quantile for s in STATISTICS if s.quantile is not None}


def _column(metric: str) -> str | None:
    return _COLUMNS.get(metric.partition(".")[0])


def _within(times: pd.Series, record: StageRecord) -> pd.Series:
    inside: pd.Series = (times >= record.settled_ms) & (times < record.end_ms)
    return inside


def criterion(metric: str, limit: float, columns: Collection[str]) -> Criterion | None:
    """Turn a limit of an objective into a criterion; None if single requests or conversations cannot meet or miss it.

    Args:
        metric: flat name.
        limit: upper limit, or for `conversations_ok` lower limit, in the unit of `summary.json`.
        columns: the columns of a row.
    """
    if metric in {"failure_rate", "late_share"}:
        return Criterion(metric, limit)
    if metric == CONVERSATIONS_OK and _CONVERSATION in columns:
        return Criterion(metric, round(1.0 - limit, 6))
    statistic = metric.partition(".")[2]
    if _column(metric) in columns and statistic in _QUANTILES:
        return Criterion(metric, round(1.0 - _QUANTILES[statistic], 6), limit)
    return None


class HoldResult(Hold, kw_only=True, frozen=True):
    """The result of a stage."""

    @property
    def held(self) -> bool:
        """True if the objective was met."""
        return self.requests > 0 and not self.broken

    @property
    def is_measured(self) -> bool:
        """True if the stage does more than find the range of a search."""
        return self.purpose.startswith(MEASURE)

    def missed_share(self, metric: str) -> float:
        """The share of judged requests or conversations that missed a criterion."""
        return self.missed[metric] / self.judged[metric] if self.judged[metric] else 0.0

    @property
    def load(self) -> float:
        """The number of users, or requests/s if the stage has a rate."""
        return float(self.users) if self.rate_per_s is None else self.rate_per_s

    @property
    def load_text(self) -> str:
        """`20 users`, or `4 requests/s`."""
        return plural(self.users, "user") if self.rate_per_s is None else f"{plural(self.rate_per_s, 'request')}/s"

    @property
    def text(self) -> str:
        """The result in one line."""
        times = "" if self.p95_ms is None else f", p95 {milliseconds(self.p95_ms)}"
        seen = f"{plural(self.requests, 'request')}, {self.failed} failed{times}"
        if self.held:
            return f"met: {seen}"
        limiter = ""
        if self.limiter_per_s is not None:
            limiter = f"; the rate limiter allows {significant(self.limiter_per_s)} requests/s"
        elif self.rate_limited:
            least = f"{self.limiter_at_least_s:.3g} s"
            limiter = f"; a rate limiter rejected {self.rate_limited}: its window is at least {least}"
        return f"violated ({criteria_text(broken_itself(self)) or 'no requests'}): {seen}{limiter}"

    def step(self) -> Step:
        """The stage as documents store it."""
        worst = max(map(self.missed_share, self.missed), default=0.0)
        return Step(**msgspec.structs.asdict(self), held=self.held, missed_share=worst)


def broken_itself(hold: Hold) -> tuple[str, ...]:
    """The criteria that were violated by more than failed requests, which count as late; else `failures`."""
    itself = tuple(metric for metric in hold.broken if not _by_failures_alone(hold, metric))
    return itself or (("failures",) if hold.broken else ())


def _by_failures_alone(hold: Hold, metric: str) -> bool:
    name, _, statistic = metric.partition(".")
    if statistic not in _QUANTILES:
        return False
    failed = hold.missed.get(CONVERSATIONS_OK if _COLUMNS[name] == _CONVERSATION else "failure_rate", hold.failed)
    late = hold.missed[metric] - failed
    return failed > 0 and (late < FEWEST_BAD or late <= (1.0 - _QUANTILES[statistic]) * hold.judged[metric] + 1e-9)


def criterion_text(text: str) -> str:
    """A criterion in words: `service time, p95 ≤ 500 ms` for `duration.p95 ≤ 500 ms`; a name may stand alone."""
    name, *limit = text.split(" ", 1)
    if name == "keeps_up":
        return "throughput fell below offered load"
    label = METRICS[name].label if name in METRICS else name.replace("_", " ")
    return " ".join([label if label[:2].isupper() else label[:1].lower() + label[1:], *limit])


def criteria_text(texts: Iterable[str]) -> str:
    """Several criteria in words."""
    return "; ".join(map(criterion_text, texts))


def objective_text(objective: Iterable[str]) -> str:
    """An objective in words; that the target keeps up is always part of it."""
    return "; ".join([*map(criterion_text, objective), "throughput keeps up with the offered load"])


def measure_hold(
    frame: pd.DataFrame, record: StageRecord, interval: float, criteria: Sequence[Criterion]
) -> HoldResult:
    """Measure a stage.

    Args:
        frame: samples with derived columns (`analysis.derived`), at least all of this stage.
        record: of the stage. In a search, requests that a limiter rejected because of the stage before do not count.
        interval: seconds between a user's requests; 0 in a closed loop, which cannot fall behind. A stage at a rate
            counts, in the result too, as the number of users who would offer that rate with this interval.
        criteria: the objective.
    """
    users = record.users if record.rate is None else max(1, round(record.rate * interval))
    stage = frame[frame["stage"] == record.stage]
    rows, left = stage[stage["outcome"].isin(["ok", "failed"])], stage["outcome"] == "abandoned"
    limiter = limiter_of(rows, record.begin_ms, record.end_ms) or Limiter(0, None, None, 0.0, -math.inf)
    if record.purpose and record.settled_ms < limiter.fresh_ms < record.end_ms - interval * 1000.0:
        record = msgspec.structs.replace(record, settled_ms=limiter.fresh_ms)
    inside = rows[_within(rows["scheduled_ms"], record)]
    counted, begin = (inside, record.settled_ms) if len(inside) else (rows, record.begin_ms)
    seconds = max(0.0, record.end_ms - begin) / 1000.0
    ok = counted[counted["outcome"] == "ok"]
    durations = ok["duration_ms"].dropna().to_numpy(dtype=np.float64)
    offered = record.rate or (users / interval if interval else len(counted) / (seconds or 1.0))
    answered = stage[stage["outcome"].isin(["ok", "failed", "abandoned"])]
    behind = _behind(answered, record, begin, interval, offered) if interval else 0.0
    few = max(BEHIND_FEWEST, BEHIND_SHARE * offered * seconds)
    fewest = offered * seconds - few - int(_within(stage.loc[left, "scheduled_ms"], record).sum())
    keeps_up = behind <= few or not _piles_up(inside[inside["paced"]], fewest)
    judged = {c.metric: c.judged(rows, record) if len(inside) else rows for c in criteria}
    missed = {c.metric: int(c.missed(judged[c.metric]).sum()) for c in criteria}
    broken = tuple(
        c.metric
        for c in criteria
        if _breaks(missed[c.metric], len(judged[c.metric]), c.allowed, short=record.purpose == BRACKET)
    )
    return HoldResult(
        stage=record.stage,
        users=users,
        rate_per_s=record.rate,
        purpose=record.purpose,
        ended=record.ended,
        seconds=seconds,
        requests=len(counted),
        ok=len(ok),
        failed=len(counted) - len(ok),
        offered_per_s=offered,
        ok_per_s=_answered(rows, begin, record.end_ms) / seconds if seconds else 0.0,
        sustained=float(users) if keeps_up else max(0.0, users - behind * interval / seconds),
        keeps_up=keeps_up,
        p50_ms=quantile(durations, 0.5) if len(durations) else None,
        p95_ms=quantile(durations, 0.95) if len(durations) else None,
        judged={metric: len(of) for metric, of in judged.items()},
        missed=missed,
        broken=broken if keeps_up else (*broken, "keeps_up"),
        requests_each=_requests_each(rows, rows[_CONVERSATION].notna()) if _CONVERSATION in rows else 1.0,
        rate_limited=limiter.refused,
        limiter_per_s=limiter.per_s,
        limiter_window_s=limiter.window_s,
        limiter_at_least_s=limiter.at_least_s,
    )


def _breaks(missed: int, judged: int, allowed: float, *, short: bool) -> bool:
    """Return True if more miss a criterion than it allows; in a short stage, only if significantly more."""
    if missed < FEWEST_BAD or missed <= allowed * judged + 1e-9:
        return False
    return not short or bool(bdtrc(missed - 1, judged, allowed) < BY_CHANCE)


def _answered(rows: pd.DataFrame, begin: float, end: float) -> int:
    ok = rows[rows["outcome"] == "ok"]
    ended = ok["start_ms"] + ok["duration_ms"]
    return int(((ended > begin) & (ended <= end)).sum())


def _requests_each(rows: pd.DataFrame, last: "pd.Series[bool]") -> float:
    """Mean number of requests per conversation, over those whose last request is in the rows; 1 if there are none."""
    of = last.groupby([rows["user"], rows["iteration"]])
    sizes = of.size()[of.any()]
    return float(sizes.mean()) if len(sizes) else 1.0


def _behind(rows: pd.DataFrame, record: StageRecord, begin: float, interval: float, offered: float) -> float:
    """The number of requests by which the target fell behind the offered load, from `begin` to the end of the stage.

    The target's rate is the slope of the cumulative number of answers at many points in time, so the exact end does not
    matter. It makes no difference whether the missing requests wait in the target or never started because their users
    were waiting. Requests whose client left count as answered. For conversations, all requests count: if more and more
    conversations begin, their first requests are answered faster than conversations end.
    """
    length = record.end_ms - begin
    if length < interval * 1000.0:  # too short to tell
        return 0.0
    starts = rows["start_ms"].fillna(rows["scheduled_ms"]).to_numpy(dtype=np.float64)
    took = rows["duration_ms"].fillna(rows.get("abandoned_ms", 0.0))
    ends, each = starts + np.nan_to_num(took.to_numpy(dtype=np.float64)), 1.0
    if _CONVERSATION in rows:
        each = _requests_each(rows, (rows["outcome"] != "ok") | rows[_CONVERSATION].notna())
    else:
        ends = ends[rows["paced"].to_numpy(dtype=bool)]
    ends.sort()
    moments = np.linspace(begin, record.end_ms, LOOKS)
    rate = np.polyfit(moments - begin, np.searchsorted(ends, moments) / each, 1)[0]
    return max(0.0, float(offered / 1000.0 - rate) * length)


def _piles_up(paced: pd.DataFrame, fewest: float) -> bool:
    """Return True if there are signs of a queue: waiting users started fewer requests, or response times grow.

    If response times vary, a few answers may be missing at the end by chance; that is not a queue yet.
    """
    if len(paced) < fewest:
        return True
    response = paced["response_ms"].fillna(np.inf)
    if response.nunique() < 2:
        return False
    correlation = paced["scheduled_ms"].rank().corr(response.rank())  # Spearman's
    return correlation * math.sqrt(len(paced) - 1) > SURELY


def holds_of(frame: pd.DataFrame, manifest: Manifest, criteria: Sequence[Criterion]) -> list[HoldResult]:
    """Measure the stages of a run, in order, except one that was interrupted."""
    interval = manifest.interval_s or 0.0
    if not interval and not manifest.is_closed:
        return []
    stages = [record for record in manifest.stages or [] if record.ended != "interrupted"]
    return [measure_hold(frame, record, interval, criteria) for record in stages]


def criteria_of(manifest: Manifest) -> list[Criterion]:
    """The objective of a run in stages."""
    return [Criterion(each.metric, each.allowed, each.limit_ms) for each in manifest.objective or []]
