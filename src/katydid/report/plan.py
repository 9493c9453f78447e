"""Shows a capacity plan: its sentence, sections and chart, and the HTML page."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from katydid.analysis.planning import Choice, WorkerPlan
from katydid.analysis.speech_theory import TheoryComparison
from katydid.model.formatting import fraction, milliseconds, number, plural, significant
from katydid.model.units import Unit, Written
from katydid.report.model import Cell, Chart, Column, Line, Mark, Scale, Section, Style, Table
from katydid.report.render.page import render


def plan_sentence(plan: WorkerPlan) -> str:
    """The plan in one sentence."""
    demand, planned = plan.demand, plan.planned
    if math.isinf(planned.wait_p95_s):
        return (
            f"{plural(planned.workers, 'worker')} for {plural(demand.concurrency, 'stream')} of RTF {demand.rtf:g} at "
            f"{fraction(demand.utilisation)} utilisation: exactly as many as the streams keep busy, without reserve; "
            f"{plural(plan.slight.workers, 'worker')} for slight queueing."
        )
    return (
        f"{plural(planned.workers, 'worker')} for {plural(demand.concurrency, 'stream')} of RTF {demand.rtf:g} at "
        f"{fraction(demand.utilisation)} utilisation; {fraction(planned.wait_probability)} of jobs wait, p95 wait "
        f"{_wait(planned.wait_p95_s)}."
    )


def plan_section(plan: WorkerPlan) -> Section:
    """The section with the reasoning, the table of choices and the chart."""
    demand, slight = plan.demand, plan.slight
    work = milliseconds(demand.service_s * 1000)
    fewest = (
        f"The streams keep {significant(demand.load)} workers busy (concurrency × RTF). With fewer than "
        f"{math.floor(demand.load + 1e-9) + 1}, the queue grows as long as the load lasts. One worker serves "
        f"{significant(plan.streams_per_worker)} streams at {fraction(demand.utilisation)} utilisation."
    )
    saved = plan.planned.workers - slight.workers
    difference = f"{plural(abs(saved), 'worker')} {'fewer' if saved > 0 else 'more'} than planned"
    with_waiting = (
        f"Slight queueing (p95 wait at most {milliseconds(plan.slight_wait_s * 1000)}) needs "
        f"{plural(slight.workers, 'worker')}, {fraction(slight.utilisation)} busy: "
        f"{difference if saved else 'the same number'}."
    )
    method = (
        f"Waits are computed by {demand.method}, for jobs of {demand.audio_s:g} s audio ({work} of work) that arrive "
        "at random (Poisson), as with --rate and --arrivals poisson. Evenly spaced arrivals, as from users with an "
        "interval, wait less. Load: arriving work as a share of what the workers can do; above 100 % the queue grows "
        "without bound while the load lasts, and so it does at 100 % with random arrivals. Burst: time until all jobs "
        f"that arrive at the same moment are done. In time: the share of them done within {demand.time_out_s:g} s."
    )
    return Section("plan", "Workers and waiting", (fewest, with_waiting, method), [_table(plan)], [_picture(plan)])


@dataclass(frozen=True, slots=True)
class _Beside:
    """A figure of a run, and its theoretical value."""

    name: str
    measured: float
    theory: float
    unit: Unit


BESIDE: tuple[Column[_Beside], ...] = (
    Column("", lambda row: row.name),
    Column("Measured", lambda row: Cell(row.measured, row.unit), Unit.COUNT),
    Column("Theory", lambda row: Cell(row.theory, row.unit), Unit.COUNT),
    Column("Off by", lambda row: row.measured / row.theory - 1 if row.theory else math.nan, Written.CHANGE),
)


def theory_section(found: TheoryComparison) -> Section:
    """The section that compares a run with theory."""
    measured, theory = found.measured, found.theory
    rows = [
        _Beside("Streams with a result in time", measured.success, theory.success, Unit.FRACTION),
        _Beside("RTF, mean", measured.rtf_mean, theory.rtf_mean, Unit.COUNT),
        _Beside("RTF, p95", measured.rtf_p95, theory.rtf_p95, Unit.COUNT),
        _Beside("Lag of the final result, p50", measured.lag_p50_s * 1000, theory.lag_p50_s * 1000, Unit.MS),
        _Beside("Lag of the final result, p95", measured.lag_p95_s * 1000, theory.lag_p95_s * 1000, Unit.MS),
    ]
    text = (
        f"{plural(found.streams, 'stream')}, {plural(found.workers, 'worker')} of RTF {found.rtf:.3g}. Theory is a "
        "simulation with the streams' own start times; audio chunks wait in one queue, first come, first served."
    )
    if found.refused:
        text += f" {plural(found.refused, 'more stream')} were rejected, and count as streams without a result."
    return Section("theory", "The run compared with theory", [text], [Table("", BESIDE, rows)])


def render_plan(plan: WorkerPlan, sections: Sequence[Section]) -> str:
    """The plan as an HTML page."""
    return render("plan.html", (), sections, title=plan_sentence(plan))


def _table(plan: WorkerPlan) -> Table:
    names = {plan.planned.workers: " planned", plan.slight.workers: " slight"}
    columns: tuple[Column[Choice], ...] = (
        Column("Workers", lambda choice: number(choice.workers) + names.get(choice.workers, "")),
        Column("Load", lambda choice: choice.utilisation, Unit.FRACTION, bad=_grows),
        Column("Wait", lambda choice: choice.wait_probability, Unit.FRACTION),
        Column("p95 wait", lambda choice: _time(choice.wait_p95_s), Unit.MS, bad=_grows),
        Column("p99 wait", lambda choice: _time(choice.wait_p99_s), Unit.MS, bad=_grows),
        Column("Burst", lambda choice: 1000 * choice.burst_s, Unit.MS),
        Column("In time", lambda choice: choice.burst_share, Unit.FRACTION, bad=lambda choice: choice.burst_share < 1),
    )
    return Table("Waiting by number of workers", columns, plan.choices)


def _grows(choice: Choice) -> bool:
    return math.isinf(choice.wait_p95_s)


def _time(seconds: float) -> Cell:
    return Cell(1000 * seconds, Unit.MS, said=_wait(seconds))


def _wait(seconds: float) -> str:
    if math.isinf(seconds):
        return "unbounded"
    return milliseconds(seconds * 1000) if seconds else "0 ms"


def _picture(plan: WorkerPlan) -> Chart:
    stable = [c for c in plan.choices if math.isfinite(c.wait_p95_s)]
    waits = [(float(c.workers), c.wait_p95_s * 1000) for c in stable]
    busy = [(float(c.workers), c.utilisation * 100) for c in stable]
    return Chart(
        "waits",
        "Waiting and utilisation by number of workers",
        f"Left: p95 wait of a job; right: how busy workers are. Waits computed by {plan.demand.method}.",
        "ms",
        Scale.LINEAR,
        "workers",
        right_unit="%",
        lines=(Line("p95 wait", Style.MAIN, waits, dots=True), Line("busy", Style.QUIET, busy, right=True)),
        marks=(
            Mark(f"slight queueing: {plan.slight.workers}", Style.SECOND, plan.slight.workers),
            Mark(f"planned: {plan.planned.workers}", Style.MAIN, plan.planned.workers),
        ),
    )
