"""What a capacity search found: the number in a sentence, what limited it, the curve, and every stage."""

from katydid.analysis.capacity.estimate import resolution
from katydid.analysis.capacity.holds import criterion_text
from katydid.model.documents.capacity import CapacityFound, Step
from katydid.model.formatting import fraction, milliseconds, number, or_dash, plural, significant
from katydid.report.model import Chart, Line, Mark, Material, Scale, Section, Style, Table

COLUMNS = ("Stage", "Users", "Purpose", "Requests", "Missed", "p50", "p95", "Offered", "Answered", "Result")
RESULT = COLUMNS.index("Result")
METHODS = {
    "saturation": "the answers a second in stages in which the target fell behind, times the interval",
    "logistic": "read off a logistic curve through the shares of SLO violations",
    "isotonic": "read off the rising line through the shares of SLO violations",
    "cliff": "the middle between the loads that kept and broke the objective: it breaks all at once (a cliff)",
}


def capacity_section(material: Material) -> Section | None:
    """The section; None for a run that searched for nothing."""
    found = material.summary.capacity
    if not found:
        return None
    return Section(
        key="capacity",
        title=capacity_sentence(found),
        text=_text(found),
        tables=(_table(found),),
        charts=_charts(found),
    )


def capacity_sentence(found: CapacityFound) -> str:
    """The capacity in one sentence."""
    if found.capacity is None:
        return "Capacity: none was found; not even the fewest users kept the objective"
    if found.at_least:
        return f"Capacity: at least {plural(found.capacity, 'user')}; nothing broke"
    interval = f"{or_dash(found.low, number)} to {or_dash(found.high, number)}"
    return f"Capacity: {plural(round(found.capacity, 1), 'user')} (95 % interval {interval})"


def _text(found: CapacityFound) -> list[str]:
    told = [f"Objective: {', '.join(found.objective)}, and the target keeps up with what it is offered."]
    if found.method:
        repeats = ", ".join(number(round(e, 1)) for e in found.estimates)
        told.append(
            f"First violated: {criterion_text(found.limiting or '')}. Each repeat is {METHODS[found.method]}: "
            f"{repeats}. {_interval(len(found.estimates))}"
        )
    told.append(f"Limited by: {found.limited_by}. {_sentence(found.evidence)}")
    if found.knee:
        told.append(
            f"Throughput is highest at about {plural(round(found.knee), 'user')} (Universal Scalability Law); that "
            "is not the capacity: the objective may break earlier."
        )
    return told


def _interval(repeats: int) -> str:
    least = f"never less than {fraction(resolution(repeats))} to either side"
    if repeats == 1:
        return f"One repeat shows no scatter: the interval is that of single searches, {least}."
    return f"The interval is over the repeats, on log N, and {least}."


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _table(found: CapacityFound) -> Table:
    steps = found.steps
    return Table(
        caption="Stages, in the order in which they were held; what settles is not counted.",
        columns=COLUMNS,
        rows=[_row(step) for step in steps],
        words=frozenset({COLUMNS.index("Purpose"), RESULT}),
        bad=frozenset((row, RESULT) for row, step in enumerate(steps) if not step.held),
        in_terminal=len(steps) <= 40,
    )


def _row(step: Step) -> list[str]:
    broken = ", ".join(map(criterion_text, step.broken))
    result = "held" if step.held else f"broken: {broken or 'no requests'}"
    return [
        str(step.stage + 1),
        number(step.users),
        step.purpose,
        number(step.requests),
        fraction(step.missed_share),
        or_dash(step.p50_ms, milliseconds),
        or_dash(step.p95_ms, milliseconds),
        f"{significant(step.offered_per_s)} /s",
        f"{significant(step.ok_per_s)} /s",
        result + (" (ended early)" if step.ended == "failures" else ""),
    ]


def _charts(found: CapacityFound) -> list[Chart]:
    steps = sorted((s for s in found.steps if s.requests), key=lambda s: s.users)
    if len(steps) < 2:
        return []
    missed = [(float(s.users), 100 * s.missed_share) for s in steps]
    marks = [Mark(f"capacity {number(round(found.capacity, 1))}", Style.MAIN, found.capacity)] if found.capacity else []
    return [
        Chart(
            key="capacity-curve",
            title="SLO violations",
            note="Each stage's share, by its users; failed requests are among them.",
            unit="%",
            scale=Scale.LINEAR,
            x_unit="users",
            lines=[Line("missed", Style.BAD, missed)],
            marks=marks,
        ),
        Chart(
            key="capacity-throughput",
            title="Offered and answered",
            note="Requests a second of each stage, by its users.",
            unit="/s",
            scale=Scale.LINEAR,
            x_unit="users",
            lines=[
                Line("offered", Style.QUIET, [(float(s.users), s.offered_per_s) for s in steps]),
                Line("answered", Style.MAIN, [(float(s.users), s.ok_per_s) for s in steps]),
            ],
            marks=marks,
        ),
    ]
