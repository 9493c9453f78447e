"""A sweep over stages: the load it sustained in a sentence, what limited it, each stage, and how throughput scaled."""

from collections.abc import Callable
from typing import Any

from katydid.model.formatting import fraction, milliseconds, number, plural, significant
from katydid.report.model import Chart, Line, Material, Scale, Section, Style, Table
from katydid.workloads.scale.analysis import ASSESSMENTS

Stage = dict[str, Any]


def scale_section(material: Material) -> Section | None:
    """The section; None for a run without a sweep."""
    summary = material.summary
    stages = summary.get("stages")
    if not stages or "recommended" not in summary:
        return None
    found = summary["recommended"]
    return Section(
        key="stages",
        title=_sentence(found),
        text=(
            f"{found['why'][:1].upper()}{found['why'][1:]}.",
            f"Objective: {', '.join(summary['objective'])}, and the target keeps up with what it is offered.",
            " ".join(
                [
                    f"Limited by: {summary['limited_by']}. {summary['evidence'][:1].upper()}{summary['evidence'][1:]}.",
                    *filter(None, [found.get("advice")]),
                ]
            ),
        ),
        tables=(_answers(stages), _scaling(stages), _resources(stages), _errors(stages), _rules()),
        charts=_charts(stages),
    )


def _sentence(found: dict[str, Any]) -> str:
    if not found["low"]:
        are = "is" if found["high"] == 1 else "are"
        return (
            f"Sustained load: none; {plural(found['high'], 'user')} {are} too many already"
            if found["high"]
            else "Sustained load: none"
        )
    beyond = f"; the limit lies below {number(found['high'])}" if found["high"] else " (limit not reached)"
    return f"Sustained up to {plural(found['low'], 'user')}{beyond}"


def _table(stages: list[Stage], caption: str, columns: dict[str, Callable[[Stage], str]], **more: Any) -> Table:
    return Table(
        caption=caption,
        columns=("Users", *columns),
        rows=[[number(s["users"]), *(show(s) for show in columns.values())] for s in stages],
        **more,
    )


def _time(key: str) -> Callable[[Stage], str]:
    return lambda s: "–" if s[key] is None else milliseconds(s[key])


def _share(key: str) -> Callable[[Stage], str]:
    return lambda s: "–" if s[key] is None else fraction(s[key])


def _percent(key: str) -> Callable[[Stage], str]:
    return lambda s: "–" if s[key] is None else fraction(s[key] / 100)


def _megabytes(key: str) -> Callable[[Stage], str]:
    return lambda s: "–" if s[key] is None else f"{number(s[key] / 2**20)} MiB"


def _count(kind: str) -> Callable[[Stage], str]:
    return lambda s: number(s["errors"].get(kind, 0))


def _factor(key: str) -> Callable[[Stage], str]:
    return lambda s: "–" if s[key] is None else f"{significant(s[key])} ×"


def _answers(stages: list[Stage]) -> Table:
    columns = {
        "Requests": lambda s: number(s["requests"]),
        "Success": _share("success_rate"),
        "Mean": _time("mean_ms"),
        "Min": _time("min_ms"),
        "p50": _time("p50_ms"),
        "p95": _time("p95_ms"),
        "p99": _time("p99_ms"),
        "Max": _time("max_ms"),
        "Assessment": lambda s: s["assessment"],
    }
    bad = frozenset(
        (row, 9) for row, s in enumerate(stages) if s["broken"] or s["assessment"] in {"collapsed", "no data"}
    )
    return _table(stages, "Answers of each stage; times of successful ones.", columns, words=frozenset({9}), bad=bad)


def _scaling(stages: list[Stage]) -> Table:
    columns = {
        "Requests/s": lambda s: "–" if s["requests_per_s"] is None else significant(s["requests_per_s"]),
        "Answered/s": lambda s: significant(s["ok_per_s"]),
        "Scaling": _factor("scaling_factor"),
        "Of linear": _share("linear_factor"),
        "Data": _megabytes("bytes"),
    }
    caption = "Throughput: successful answers a second against the first stage, and against growing with the users."
    return _table(stages, caption, columns)


def _resources(stages: list[Stage]) -> Table:
    columns = {
        "Machine CPU": _percent("machine_cpu_percent"),
        "Machine memory": _megabytes("machine_memory_bytes"),
        "Generator CPU": _percent("generator_cpu_percent"),
        "Target CPU": _percent("target_cpu_percent"),
        "Target memory": _megabytes("target_memory_bytes"),
    }
    caption = "Peaks of each stage. The machine's CPU is of all its cores, a process's of one core."
    return _table(stages, caption, columns)


def _errors(stages: list[Stage]) -> Table:
    kinds = list(dict.fromkeys(kind for s in stages for kind in s["errors"])) or ["failures"]
    columns = {kind: _count(kind) for kind in kinds}
    bad = frozenset(
        (row, column + 1) for row, s in enumerate(stages) for column, kind in enumerate(kinds) if s["errors"].get(kind)
    )
    return _table(stages, "Failures by class.", columns, bad=bad)


def _rules() -> Table:
    return Table(
        caption="What the assessments mean; the first that applies is given.",
        columns=("Assessment", "Rule"),
        rows=[(a.word, a.rule) for a in ASSESSMENTS],
        words=frozenset({1}),
        in_terminal=False,
    )


def _charts(stages: list[Stage]) -> list[Chart]:
    if len(stages) < 2:
        return []
    first = stages[0]
    linear = [(float(s["users"]), first["ok_per_s"] * s["users"] / first["users"]) for s in stages]
    return [
        Chart(
            key="scaling",
            title="Throughput by users",
            note="Successful answers a second of each stage, and what they would be if they grew with the users.",
            unit="/s",
            scale=Scale.LOG,
            x_unit="users",
            lines=[
                Line("linear", Style.QUIET, linear),
                Line("answered", Style.MAIN, [(float(s["users"]), s["ok_per_s"]) for s in stages]),
            ],
        )
    ]
