"""Results of a sweep: figures per stage, how throughput scaled, and the load that was sustained.

Every assessment follows from a rule in ASSESSMENTS, which the report shows beside it. This module makes the keys
`stages` and `recommended` of `summary.json`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from katydid.analysis.advice import stages_advice
from katydid.analysis.capacity.holds import HoldResult, broken_itself, criteria_of, criteria_text, holds_of
from katydid.analysis.derived import quantile, values_of
from katydid.analysis.diagnosis import diagnose_limit
from katydid.analysis.validity import Run
from katydid.model.documents.manifest import StageRecord
from katydid.model.metrics import STATISTICS
from katydid.runs.rows import MACHINE, TARGET, WATCHED

MUCH_SLOWER = 2.0
MOSTLY = 0.5


@dataclass(frozen=True, slots=True)
class Assessment:
    """A word for a stage, and the rule behind it.

    Attributes:
        applies: takes the stage and the first stage; True if the word applies to the stage.
    """

    word: str
    rule: str
    applies: Callable[[HoldResult, HoldResult], bool]


ASSESSMENTS = (
    Assessment("no data", "no request of the stage ended", lambda h, _: not h.requests),
    Assessment("collapsed", "fewer than half of the requests succeeded", lambda h, _: h.ok < MOSTLY * h.requests),
    Assessment("broken", "the objective was violated, or the target fell behind", lambda h, _: not h.held),
    Assessment(
        "slower",
        "the objective was met, but p95 was more than twice the first stage's",
        lambda h, first: (h.p95_ms or 0.0) > MUCH_SLOWER * (first.p95_ms or np.inf),
    ),
    Assessment("held", "the objective was met", lambda *_: True),
)
"""The first that applies is used."""


@dataclass(frozen=True, slots=True)
class StageFigures:
    """Figures of one stage. Times are service times of successful requests; CPU and memory are peaks of the stage.

    Attributes:
        users: number of users; in a stage at a rate, the size of the pool.
        rate_per_s: arrival rate in requests per second; null if users kept an interval.
        aborted: requests aborted by the end of the run.
        scaling_factor: successful answers per second, relative to the first stage.
        linear_factor: scaling_factor divided by the growth of the load; 1 is linear scaling.
        machine_cpu_percent: relative to all cores; the CPU of a process is relative to one core.
        errors: number of failures by class.
        broken: violated criteria of the objective.
        assessment, rule: see ASSESSMENTS.
    """

    stage: int
    users: int
    seconds: float
    requests: int
    ok: int
    failed: int
    aborted: int
    success_rate: float | None
    p50_ms: float | None
    p90_ms: float | None
    p95_ms: float | None
    p99_ms: float | None
    mean_ms: float | None
    min_ms: float | None
    max_ms: float | None
    requests_per_s: float | None
    ok_per_s: float
    scaling_factor: float | None
    linear_factor: float | None
    bytes: int
    generator_cpu_percent: float | None
    machine_cpu_percent: float | None
    machine_memory_bytes: float | None
    target_cpu_percent: float | None
    target_memory_bytes: float | None
    errors: dict[str, int]
    broken: tuple[str, ...]
    assessment: str
    rule: str
    rate_per_s: float | None = None

    @property
    def load(self) -> float:
        """Users, or requests/s of a stage at a rate."""
        return float(self.users) if self.rate_per_s is None else self.rate_per_s


@dataclass(frozen=True, slots=True)
class Recommended:
    """The range in which the limit lies: every stage up to `low` met the objective, `high` violated it.

    Both are users, or requests/s for stages at rates; `high` is None if no stage violated the objective. `advice` says
    how to sustain more, if that is known.
    """

    low: float
    high: float | None
    why: str
    advice: str | None = None


def scale_part(run: Run) -> dict[str, object]:
    """Return the keys of a sweep in `summary.json`: its stages, the sustained load, and what limited the run."""
    criteria = criteria_of(run.manifest)
    holds = holds_of(run.frame, run.manifest, criteria)
    limit = diagnose_limit(run, holds)
    stages = [_stage(run, hold, holds[0]) for hold in holds]
    found = recommended(holds, {s.stage: s.errors for s in stages})
    return {
        "limited_by": limit.cause,
        "evidence": limit.evidence,
        "objective": [c.text for c in criteria],
        "stages": stages,
        "recommended": replace(found, advice=stages_advice(run, holds, limit.cause)),
    }


def recommended(holds: Sequence[HoldResult], errors: dict[int, dict[str, int]]) -> Recommended:
    """Return the range in which the limit lies. The limit is between `low` and `high`, so only `low` is safe.

    Args:
        holds: the stages, by increasing load.
        errors: number of failures by class, by stage.
    """
    broken = next((h for h in holds if not h.held), None)
    kept = [h for h in holds if broken is None or h.load < broken.load]
    most = max(kept, key=lambda h: h.load, default=None)
    low = _load(most) if most else 0
    held = f"all stages up to {most.load_text} met the objective" if most else "no stage met the objective"
    if broken is None:
        return Recommended(low, None, f"{held}; the limit is beyond them")
    named = ", ".join(f"{count} × {error}" for error, count in errors.get(broken.stage, {}).items())
    violated = criteria_text(broken_itself(broken)) or "no request ended"
    why = f"{held}; violated at {broken.load_text}: {violated}" + (f" ({named})" if named else "")
    return Recommended(low, _load(broken), why)


def _load(hold: HoldResult) -> float:
    """Users, or requests/s of a stage at a rate."""
    return hold.users if hold.rate_per_s is None else hold.rate_per_s


def _stage(run: Run, hold: HoldResult, first: HoldResult) -> StageFigures:
    rows = run.frame[(run.frame["stage"] == hold.stage) & run.frame["counted"]]
    ended = rows[rows["outcome"].isin(["ok", "failed"])]
    assessment = next(a for a in ASSESSMENTS if a.applies(hold, first))
    scaling = hold.ok_per_s / first.ok_per_s if first.ok_per_s else None
    return StageFigures(
        stage=hold.stage,
        users=run.manifest.stage(hold.stage).users,
        rate_per_s=hold.rate_per_s,
        seconds=hold.seconds,
        requests=hold.requests,
        ok=hold.ok,
        failed=hold.failed,
        aborted=int((rows["outcome"] == "aborted").sum()),
        success_rate=hold.ok / hold.requests if hold.requests else None,
        **_times(ended[ended["outcome"] == "ok"]),
        requests_per_s=hold.requests / hold.seconds if hold.seconds else None,
        ok_per_s=hold.ok_per_s,
        scaling_factor=scaling,
        linear_factor=scaling / (hold.load / first.load) if scaling is not None else None,
        bytes=int(ended["bytes"].fillna(0).sum()),
        **_resources(run.monitor, run.manifest.stage(hold.stage)),
        errors={str(k): int(v) for k, v in ended["error"].value_counts().items()},
        broken=hold.broken,
        assessment=assessment.word,
        rule=assessment.rule,
    )


def _times(ok: pd.DataFrame) -> dict[str, float | None]:
    """Service times of successful requests in milliseconds; None for a quantile of too few requests."""
    values = values_of(ok, "duration_ms")
    times: dict[str, float | None] = {}
    for s in STATISTICS:
        if len(values) < s.fewest:
            times[f"{s.name}_ms"] = None
        elif s.quantile is not None:
            times[f"{s.name}_ms"] = quantile(values, s.quantile)
        else:
            times[f"{s.name}_ms"] = float(getattr(values, s.name)())
    return times


def _resources(monitor: pd.DataFrame, record: StageRecord) -> dict[str, float | None]:
    """Peak CPU and memory during a stage: of this machine, of the target if it was watched, of our busiest process."""
    seen = monitor[(monitor["at_ms"] > record.begin_ms) & (monitor["at_ms"] <= record.end_ms + 1000.0)]
    ours = seen[~seen["process"].isin(WATCHED)]
    peaks = {"generator_cpu_percent": ours["cpu_percent"].max()}
    for name in (MACHINE, TARGET):
        rows = seen[seen["process"] == name]
        peaks |= {f"{name}_cpu_percent": rows["cpu_percent"].max(), f"{name}_memory_bytes": rows["memory_bytes"].max()}
    return {name: None if pd.isna(value) else float(value) for name, value in peaks.items()}
