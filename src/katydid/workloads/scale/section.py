"""A sweep in a report: the load that the target sustained, what limited it, its stages, and how throughput scaled."""

from collections.abc import Sequence

from katydid.analysis.capacity.holds import objective_text
from katydid.model.documents.summary import Summary
from katydid.model.formatting import capitalised, number, plural
from katydid.model.units import Unit, Written
from katydid.report.model import Chart, Column, Line, Material, Scale, Section, Style, Table
from katydid.workloads.scale.analysis import ASSESSMENTS, Assessment, Recommended, StageFigures

Stages = Sequence[StageFigures]


def scale_section(material: Material) -> Section | None:
    """Return the section, or None for a run without a sweep."""
    summary = material.summary
    stages, found = summary.part("stages", list[StageFigures]), summary.part("recommended", Recommended)
    if not stages or found is None:
        return None
    return Section(
        key="stages",
        title=capitalised(_sentence(found, at_rates=_at_rates(stages))),
        text=(
            f"{capitalised(found.why)}.",
            f"Objective: {objective_text(summary['objective'])}.",
            f"Limited by: {summary.limited_by}. {capitalised(summary['evidence'])}. {found.advice or ''}".rstrip(),
        ),
        tables=_tables(stages),
        charts=_charts(stages),
        answer=True,
    )


def scale_answer(summary: Summary) -> str | None:
    """Return the load that the target sustained, or None for a run without a sweep."""
    stages, found = summary.part("stages", list[StageFigures]), summary.part("recommended", Recommended)
    return _sentence(found, at_rates=_at_rates(stages)) if stages and found else None


def _at_rates(stages: Stages) -> bool:
    return stages[0].rate_per_s is not None


def _sentence(found: Recommended, *, at_rates: bool) -> str:
    def load(value: float) -> str:
        return f"{plural(value, 'request')}/s" if at_rates else plural(value, "user")

    if found.low:
        beyond = f"; the limit is below {number(found.high)}" if found.high else " (limit not reached)"
        return f"sustained up to {load(found.low)}{beyond}"
    if not found.high:
        return "sustained load: none"
    are = "is" if found.high == 1 else "are"
    return f"sustained load: none; even {load(found.high)} {are} too many"


ANSWERS: tuple[Column[StageFigures], ...] = (
    Column("Requests", lambda s: s.requests, Unit.COUNT),
    Column("Success", lambda s: s.success_rate, Unit.FRACTION),
    Column("Mean", lambda s: s.mean_ms, Unit.MS),
    Column("Min", lambda s: s.min_ms, Unit.MS),
    Column("p50", lambda s: s.p50_ms, Unit.MS),
    Column("p95", lambda s: s.p95_ms, Unit.MS),
    Column("p99", lambda s: s.p99_ms, Unit.MS),
    Column("Max", lambda s: s.max_ms, Unit.MS),
    Column(
        "Assessment",
        lambda s: s.assessment,
        bad=lambda s: bool(s.broken) or s.assessment in {"collapsed", "no data"},
        leads=True,
    ),
)
SCALING: tuple[Column[StageFigures], ...] = (
    Column("Requests/s", lambda s: s.requests_per_s, Unit.PER_SECOND),
    Column("Answered/s", lambda s: s.ok_per_s, Unit.PER_SECOND),
    Column("Scaling", lambda s: s.scaling_factor, Unit.RATIO),
    Column("Of linear", lambda s: s.linear_factor, Unit.FRACTION),
    Column("Data", lambda s: s.bytes, Written.MEBIBYTES),
)
RESOURCES: tuple[Column[StageFigures], ...] = (
    Column("Machine CPU", lambda s: _share(s.machine_cpu_percent), Unit.FRACTION),
    Column("Machine memory", lambda s: s.machine_memory_bytes, Written.MEBIBYTES),
    Column("Generator CPU", lambda s: _share(s.generator_cpu_percent), Unit.FRACTION),
    Column("Target CPU", lambda s: _share(s.target_cpu_percent), Unit.FRACTION),
    Column("Target memory", lambda s: s.target_memory_bytes, Written.MEBIBYTES),
)


RULES: tuple[Column[Assessment], ...] = (
    Column("Assessment", lambda each: each.word),
    Column("Rule", lambda each: each.rule),
)


def _share(percent: float | None) -> float | None:
    return None if percent is None else percent / 100.0


def _tables(stages: Stages) -> tuple[Table, ...]:
    load: Column[StageFigures] = Column("Rate (req/s)" if _at_rates(stages) else "Users", lambda s: number(s.load))
    throughput = (
        "Throughput. Scaling: successful answers/s relative to the first stage. Of linear: relative to scaling with "
        "the load."
    )
    peaks = "Peak usage per stage. The machine's CPU is relative to all cores, a process's CPU to one core."
    return (
        Table("Requests per stage. Times are of successful requests.", (load, *ANSWERS), stages),
        Table(throughput, (load, *SCALING), stages),
        Table(peaks, (load, *RESOURCES), stages),
        _errors(load, stages),
        Table("Assessments. The first that applies is used.", RULES, ASSESSMENTS, in_terminal=False),
    )


def _errors(load: Column[StageFigures], stages: Stages) -> Table:
    def column(kind: str) -> Column[StageFigures]:
        return Column(kind, lambda s: s.errors.get(kind, 0), Unit.COUNT, bad=lambda s: bool(s.errors.get(kind)))

    kinds = list(dict.fromkeys(kind for s in stages for kind in s.errors)) or ["failures"]
    return Table("Failures by class.", (load, *map(column, kinds)), stages)


_STEPS = 24
"""Points of the linear line, which is a curve on a logarithmic axis."""


def _charts(stages: Stages) -> list[Chart]:
    if len(stages) < 2:
        return []
    first = stages[0]
    low, high = min(s.load for s in stages), max(s.load for s in stages)
    loads = [low * (high / low) ** (step / _STEPS) for step in range(_STEPS + 1)]
    linear = [(load, first.ok_per_s * load / first.load) for load in loads]
    axis = "requests/s" if _at_rates(stages) else "users"
    return [
        Chart(
            key="scaling",
            title=f"Throughput by {axis}",
            note="Successful answers per second by stage, and what linear scaling with the load would give.",
            unit="/s",
            scale=Scale.LOG,
            x_unit=axis,
            lines=[
                Line("linear", Style.QUIET, linear),
                Line("answered", Style.MAIN, [(s.load, s.ok_per_s) for s in stages], dots=True),
            ],
        )
    ]
