"""The report section of a capacity search: the answer, what limited it, the stages, and charts."""

from katydid.analysis.capacity.estimate import capacity_answer, figure, load, resolution
from katydid.analysis.capacity.holds import broken_itself, criteria_text, criterion_text, objective_text
from katydid.model.documents.capacity import CapacityFound, Step
from katydid.model.formatting import capitalised, fraction, significant
from katydid.model.units import Unit
from katydid.report.model import Chart, Column, Line, Mark, Material, Scale, Section, Style, Table

METHODS = {
    "saturation": "the answers per second in stages in which the target fell behind, times the interval",
    "logistic": "read off a logistic curve fitted to the shares of SLO violations",
    "isotonic": "read off a rising curve (isotonic regression) through the shares of SLO violations",
    "limiter": "the rate limiter's long-term rate, times the interval, plus the allowed failures",
    "cliff": "the midpoint between the loads that met and violated the objective, which fails abruptly (a cliff)",
}


def capacity_section(material: Material) -> Section | None:
    """The section; None if the run is not a capacity search."""
    found = material.summary.capacity
    if not found:
        return None
    return Section(
        key="capacity",
        title=capitalised(capacity_answer(found)),
        text=_text(found),
        tables=(_table(found),),
        charts=_charts(found),
        answer=True,
    )


def _load_of(step: Step) -> float:
    return float(step.users) if step.rate_per_s is None else step.rate_per_s


def _text(found: CapacityFound) -> list[str]:
    told = [f"Objective: {objective_text(found.objective)}."]
    if found.method:
        repeats = ", ".join(figure(found, estimate) for estimate in found.estimates)
        told.append(
            f"First violated: {criterion_text(found.limiting or '')}. Each repeat is {METHODS[found.method]}: "
            f"{repeats}. {_interval(len(found.estimates))}"
        )
    told.append(
        " ".join([f"Limited by: {found.limited_by}. {capitalised(found.evidence)}.", found.advice or ""]).strip()
    )
    if found.knee:
        told.append(
            f"Throughput peaks at about {load(found, found.knee)} (Universal Scalability Law). That is not the "
            "capacity: the objective may be violated earlier."
        )
    return told


def _interval(repeats: int) -> str:
    least = f"at least ±{fraction(resolution(repeats))}"
    if repeats == 1:
        return f"One repeat shows no scatter, so the interval is the one known for single searches: {least}."
    return f"The interval is computed over the repeats, on log N, and is {least}."


def _table(found: CapacityFound) -> Table:
    steps = found.steps
    caption = "Stages in the order in which they ran, without their settling time."
    if (each := _requests_each(steps)) > 1:
        caption += (
            f" Offered and answered count conversations of {significant(each)} requests; all else counts requests."
        )
    columns: tuple[Column[Step], ...] = (
        Column("Stage", lambda step: step.stage + 1),
        Column("Requests/s" if found.at_rates else "Users", _load_of, Unit.COUNT),
        Column("Purpose", lambda step: step.purpose.replace(" ", "\u00a0")),
        Column("Requests", lambda step: step.requests, Unit.COUNT),
        Column("Violations", lambda step: step.missed_share, Unit.FRACTION),
        Column("p50", lambda step: step.p50_ms, Unit.MS),
        Column("p95", lambda step: step.p95_ms, Unit.MS),
        Column("Offered", lambda step: step.offered_per_s, Unit.PER_SECOND),
        Column("Answered", lambda step: step.ok_per_s / each, Unit.PER_SECOND),
        Column("Result", _result, bad=lambda step: not step.held, leads=True),
    )
    return Table(caption, columns, steps, in_terminal=len(steps) <= 40)


def _requests_each(steps: list[Step]) -> float:
    """Requests per conversation: the highest of all stages, since conversations end early in violated stages."""
    return max((step.requests_each for step in steps), default=1.0)


def _result(step: Step) -> str:
    broken = criteria_text(broken_itself(step))
    result = "met" if step.held else f"violated: {broken or 'no requests'}"
    return result + (" (ended early)" if step.ended == "failures" else "")


def _charts(found: CapacityFound) -> list[Chart]:
    steps = sorted((s for s in found.steps if s.requests), key=_load_of)
    axis = "requests/s" if found.at_rates else "users"
    if len(steps) < 2:
        return []
    missed = [(_load_of(s), 100 * s.missed_share) for s in steps]
    each = _requests_each(steps)
    marks = [Mark(f"capacity {figure(found, found.capacity)}", Style.MAIN, found.capacity)] if found.capacity else []
    return [
        Chart(
            key="capacity-curve",
            title="SLO violations",
            note="Share of requests that violated the objective, by load; failed requests included.",
            unit="%",
            scale=Scale.LINEAR,
            x_unit=axis,
            lines=[Line("violations", Style.BAD, missed, dots=True)],
            marks=marks,
        ),
        Chart(
            key="capacity-throughput",
            title="Offered and answered",
            note=f"{'Conversations' if each > 1 else 'Requests'} per second in each stage, by load.",
            unit="/s",
            scale=Scale.LINEAR,
            x_unit=axis,
            lines=[
                Line("offered", Style.QUIET, [(_load_of(s), s.offered_per_s) for s in steps], dots=True),
                Line("answered", Style.MAIN, [(_load_of(s), s.ok_per_s / each) for s in steps], dots=True),
            ],
            marks=marks,
        ),
    ]
