"""A capacity plan as words, a table and a picture: for the terminal, Markdown and HTML alike."""

import math
from collections.abc import Sequence

from katydid.analysis.planning.plan import Choice, WorkerPlan
from katydid.analysis.planning.speech_theory import TheoryComparison
from katydid.model.formatting import fraction, milliseconds, number, or_dash, percent, plural, significant
from katydid.report.model import Chart, Line, Mark, Scale, Section, Style, Table
from katydid.report.render.page import render

COLUMNS = ("Workers", "Load", "Wait", "p95 wait", "p99 wait", "Burst", "In time")
_ENDLESS = "no end"


def plan_sentence(plan: WorkerPlan) -> str:
    """The answer in one sentence."""
    demand, planned = plan.demand, plan.planned
    if math.isinf(planned.wait_p95_s):
        return (
            f"{plural(planned.workers, 'worker')} for {plural(demand.concurrency, 'stream')} of RTF {demand.rtf:g} at "
            f"{fraction(demand.utilisation)} utilisation: just as many as the streams keep busy, with nothing in "
            f"reserve; {plural(plan.slight.workers, 'worker')} for little waiting."
        )
    return (
        f"{plural(planned.workers, 'worker')} for {plural(demand.concurrency, 'stream')} of RTF {demand.rtf:g} at "
        f"{fraction(demand.utilisation)} utilisation; a job waits with a probability of "
        f"{fraction(planned.wait_probability)}, p95 {_wait(planned.wait_p95_s)}."
    )


def plan_section(plan: WorkerPlan) -> Section:
    """What stands behind the answer."""
    demand, slight = plan.demand, plan.slight
    work = milliseconds(demand.service_s * 1000)
    fewest = (
        f"The streams keep {significant(demand.load)} workers busy (concurrency × RTF). Fewer than {_fewest(plan)} "
        "cannot keep up: their queue grows for as long as the load lasts. "
        f"One worker holds {significant(plan.streams_per_worker)} streams at {fraction(demand.utilisation)}."
    )
    with_waiting = (
        f"With slight queueing, that is a p95 wait of at most {milliseconds(plan.slight_wait_s * 1000)}, "
        f"{plural(slight.workers, 'worker')} do, {fraction(slight.utilisation)} busy: "
        f"{_difference(plan.planned.workers - slight.workers)}."
    )
    method = (
        f"Waits by {demand.method}, for jobs of {demand.audio_s:g} s audio ({work} of work) whose arrivals are "
        "Poisson, as of a run with --rate and --arrivals poisson; even arrivals, as of users with an interval, wait "
        "less. Burst: until all are done whose jobs arrive in the same "
        f"moment, and the share of them that is in time, within {demand.time_out_s:g} s. Load: the work that arrives, "
        "as a share of what the workers can do; beyond 100 % the queue grows without end while the load lasts, and at "
        "100 % too where jobs arrive at random."
    )
    texts = (fewest, with_waiting, method)
    return Section("plan", "Workers and waiting", texts, [_table(plan)], [_picture(plan)])


def theory_section(found: TheoryComparison) -> Section:
    """A run beside what theory says of it."""
    measured, theory = found.measured, found.theory
    pairs = (
        ("Streams with a result in time", measured.success, theory.success, fraction),
        ("RTF, mean", measured.rtf_mean, theory.rtf_mean, significant),
        ("RTF, p95", measured.rtf_p95, theory.rtf_p95, significant),
        ("Lag of the final result, p50", measured.lag_p50_s * 1000, theory.lag_p50_s * 1000, milliseconds),
        ("Lag of the final result, p95", measured.lag_p95_s * 1000, theory.lag_p95_s * 1000, milliseconds),
    )
    rows = [[name, or_dash(a, show), or_dash(b, show), _off(a, b)] for name, a, b, show in pairs]
    text = (
        f"{plural(found.streams, 'stream')}, {plural(found.workers, 'worker')} of RTF {found.rtf:.3g}: chunks "
        "of audio in one line, first come first served, played through with the streams' own start times."
    )
    if found.refused:
        text += f" {plural(found.refused, 'more stream')} were refused, and count as without a result."
    return Section("theory", "The run beside theory", [text], [Table("", ("", "Measured", "Theory", "Off by"), rows)])


def render_plan(plan: WorkerPlan, sections: Sequence[Section]) -> str:
    """The plan as a page."""
    return render("plan.html", (), sections, title=plan_sentence(plan))


def _off(measured: float, theory: float) -> str:
    if not theory or not (math.isfinite(measured) and math.isfinite(theory)):
        return "–"
    return percent(measured / theory - 1)


def _fewest(plan: WorkerPlan) -> int:
    return math.floor(plan.demand.load + 1e-9) + 1


def _difference(saved: int) -> str:
    if saved == 0:
        return "the same number"
    return f"{plural(abs(saved), 'worker')} {'fewer' if saved > 0 else 'more'} than the formula's"


def _table(plan: WorkerPlan) -> Table:
    rows, bad = [], set()
    for index, choice in enumerate(plan.choices):
        rows.append(_row(plan, choice))
        if math.isinf(choice.wait_p95_s):
            bad |= {(index, 1), (index, 3), (index, 4)}
        if choice.burst_share < 1:
            bad.add((index, 6))
    return Table("What each number of workers means", COLUMNS, rows, bad=frozenset(bad))


def _row(plan: WorkerPlan, choice: Choice) -> list[str]:
    names = {plan.planned.workers: "planned", plan.slight.workers: "slight"}
    name = names.get(choice.workers)
    return [
        f"{number(choice.workers)} {name}" if name else number(choice.workers),
        fraction(choice.utilisation),
        fraction(choice.wait_probability),
        _wait(choice.wait_p95_s),
        _wait(choice.wait_p99_s),
        milliseconds(choice.burst_s * 1000),
        fraction(choice.burst_share),
    ]


def _wait(seconds: float) -> str:
    if math.isinf(seconds):
        return _ENDLESS
    return milliseconds(seconds * 1000) if seconds else "0 ms"


def _picture(plan: WorkerPlan) -> Chart:
    stable = [c for c in plan.choices if math.isfinite(c.wait_p95_s)]
    waits = [(float(c.workers), c.wait_p95_s * 1000) for c in stable]
    busy = [(float(c.workers), c.utilisation * 100) for c in stable]
    return Chart(
        "waits",
        "What more workers buy",
        f"Left: p95 wait of a job; right: share of the time that workers are busy. Waits by {plan.demand.method}.",
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
