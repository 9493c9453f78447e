"""A sweep over stages: the load it sustained in a sentence, what limited it, each stage, and how throughput scaled."""

from collections.abc import Callable, Mapping, Sequence

from katydid.model.documents.summary import Summary
from katydid.model.formatting import capitalised, fraction, milliseconds, number, or_dash, plural, significant
from katydid.report.model import Chart, Line, Material, Scale, Section, Style, Table
from katydid.workloads.scale.analysis import ASSESSMENTS, Recommended, StageFigures

Stages = Sequence[StageFigures]


def scale_section(material: Material) -> Section | None:
    """The section; None for a run without a sweep."""
    summary = material.summary
    stages, found = summary.part("stages", list[StageFigures]), summary.part("recommended", Recommended)
    if not stages or found is None:
        return None
    return Section(
        key="stages",
        title=capitalised(_sentence(found, at_rates=_at_rates(stages))),
        text=(
            f"{capitalised(found.why)}.",
            f"Objective: {', '.join(summary['objective'])}, and the target keeps up with what it is offered.",
            " ".join(
                [
                    f"Limited by: {summary.limited_by}. {capitalised(summary['evidence'])}.",
                    *filter(None, [found.advice]),
                ]
            ),
        ),
        tables=(_answers(stages), _scaling(stages), _resources(stages), _errors(stages), _rules()),
        charts=_charts(stages),
        answer=True,
    )


def scale_answer(summary: Summary) -> str | None:
    """The load that it sustained; None for a run without a sweep."""
    stages, found = summary.part("stages", list[StageFigures]), summary.part("recommended", Recommended)
    return _sentence(found, at_rates=_at_rates(stages)) if stages and found else None


def _at_rates(stages: Stages) -> bool:
    return stages[0].rate_per_s is not None


def _load(stage: StageFigures) -> float:
    """Users, or requests/s of a stage at a rate."""
    return float(stage.users) if stage.rate_per_s is None else stage.rate_per_s


def _sentence(found: Recommended, *, at_rates: bool) -> str:
    def load(value: float) -> str:
        return f"{plural(value, 'request')}/s" if at_rates else plural(value, "user")

    if found.low:
        beyond = f"; the limit lies below {number(found.high)}" if found.high else " (limit not reached)"
        return f"sustained up to {load(found.low)}{beyond}"
    if not found.high:
        return "sustained load: none"
    are = "is" if found.high == 1 else "are"
    return f"sustained load: none; {load(found.high)} {are} too many already"


def _table(
    stages: Stages,
    caption: str,
    columns: Mapping[str, Callable[[StageFigures], str]],
    words: frozenset[int] = frozenset(),
    bad: frozenset[tuple[int, int]] = frozenset(),
) -> Table:
    rows = [[number(_load(s)), *(show(s) for show in columns.values())] for s in stages]
    return Table(caption, ("Rate (req/s)" if _at_rates(stages) else "Users", *columns), rows, words, bad)


def _percent(value: float) -> str:
    return fraction(value / 100)


def _megabytes(value: float) -> str:
    return f"{number(value / 2**20)} MiB"


def _factor(value: float) -> str:
    return f"{significant(value)} ×"


def _answers(stages: Stages) -> Table:
    columns: dict[str, Callable[[StageFigures], str]] = {
        "Requests": lambda s: number(s.requests),
        "Success": lambda s: or_dash(s.success_rate, fraction),
        "Mean": lambda s: or_dash(s.mean_ms, milliseconds),
        "Min": lambda s: or_dash(s.min_ms, milliseconds),
        "p50": lambda s: or_dash(s.p50_ms, milliseconds),
        "p95": lambda s: or_dash(s.p95_ms, milliseconds),
        "p99": lambda s: or_dash(s.p99_ms, milliseconds),
        "Max": lambda s: or_dash(s.max_ms, milliseconds),
        "Assessment": lambda s: s.assessment,
    }
    bad = frozenset((row, 9) for row, s in enumerate(stages) if s.broken or s.assessment in {"collapsed", "no data"})
    return _table(stages, "Answers of each stage; times of successful ones.", columns, frozenset({9}), bad)


def _scaling(stages: Stages) -> Table:
    columns: dict[str, Callable[[StageFigures], str]] = {
        "Requests/s": lambda s: or_dash(s.requests_per_s, significant),
        "Answered/s": lambda s: significant(s.ok_per_s),
        "Scaling": lambda s: or_dash(s.scaling_factor, _factor),
        "Of linear": lambda s: or_dash(s.linear_factor, fraction),
        "Data": lambda s: _megabytes(s.bytes),
    }
    caption = "Throughput: successful answers a second against the first stage, and against growing with the load."
    return _table(stages, caption, columns)


def _resources(stages: Stages) -> Table:
    columns: dict[str, Callable[[StageFigures], str]] = {
        "Machine CPU": lambda s: or_dash(s.machine_cpu_percent, _percent),
        "Machine memory": lambda s: or_dash(s.machine_memory_bytes, _megabytes),
        "Generator CPU": lambda s: or_dash(s.generator_cpu_percent, _percent),
        "Target CPU": lambda s: or_dash(s.target_cpu_percent, _percent),
        "Target memory": lambda s: or_dash(s.target_memory_bytes, _megabytes),
    }
    caption = "Peaks of each stage. The machine's CPU is of all its cores, a process's of one core."
    return _table(stages, caption, columns)


def _errors(stages: Stages) -> Table:
    kinds = list(dict.fromkeys(kind for s in stages for kind in s.errors)) or ["failures"]
    rows = [[number(s.users), *(number(s.errors.get(kind, 0)) for kind in kinds)] for s in stages]
    bad = frozenset((row, i + 1) for row, s in enumerate(stages) for i, kind in enumerate(kinds) if s.errors.get(kind))
    return Table("Failures by class.", ("Users", *kinds), rows, bad=bad)


def _rules() -> Table:
    return Table(
        caption="What the assessments mean; the first that applies is given.",
        columns=("Assessment", "Rule"),
        rows=[(a.word, a.rule) for a in ASSESSMENTS],
        words=frozenset({1}),
        in_terminal=False,
    )


_STEPS = 24
"""Of a line that is straight, and so a curve where the axis is logarithmic."""


def _charts(stages: Stages) -> list[Chart]:
    if len(stages) < 2:
        return []
    first = stages[0]
    low, high = min(map(_load, stages)), max(map(_load, stages))
    loads = [low * (high / low) ** (step / _STEPS) for step in range(_STEPS + 1)]
    linear = [(load, first.ok_per_s * load / _load(first)) for load in loads]
    axis = "requests/s" if _at_rates(stages) else "users"
    return [
        Chart(
            key="scaling",
            title=f"Throughput by {axis}",
            note="Successful answers a second of each stage, and what they would be if they grew with the load.",
            unit="/s",
            scale=Scale.LOG,
            x_unit=axis,
            lines=[
                Line("linear", Style.QUIET, linear),
                Line("answered", Style.MAIN, [(_load(s), s.ok_per_s) for s in stages], dots=True),
            ],
        )
    ]
