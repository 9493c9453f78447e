"""Correctness under load: the share of correct conversations by how many were in flight.

Some tool parsers break only under concurrency, and a mean over the whole run hides that.
"""

from dataclasses import dataclass

import numpy as np
from scipy import special

from katydid.analysis.validity import Run
from katydid.model.documents.summary import Summary
from katydid.model.formatting import fraction, number, plural, span
from katydid.model.units import Unit
from katydid.report.model import Bars, Chart, Column, Material, Scale, Section, Style, Table

MOST_BINS = 6
FEWEST_IN_BIN = 20
"""Fewest conversations per bin."""


@dataclass(frozen=True, slots=True)
class InFlight:
    """Conversations that began with this many in flight.

    Attributes:
        right: correct conversations, out of `conversations`.
        low, high: 95 % interval of `share` (Clopper and Pearson 1934).
    """

    in_flight_low: int
    in_flight_high: int
    conversations: int
    right: int
    share: float
    low: float
    high: float


def correctness(run: Run) -> dict[str, object]:
    """Return the key `correctness` of `summary.json`: a row per range of conversations in flight, fewest first."""
    ended = run.iterations[run.iterations["outcome"].isin(["ok", "failed"]) & run.iterations["start_ms"].notna()]
    if ended.empty:
        return {"correctness": []}
    start = ended["start_ms"].to_numpy(dtype=np.float64)
    end = start + ended["duration_ms"].fillna(0.0).to_numpy(dtype=np.float64)
    right = (ended["outcome"] == "ok").to_numpy()
    in_flight = np.searchsorted(np.sort(start), start, "right") - np.searchsorted(np.sort(end), start, "left")
    bins = max(1, min(MOST_BINS, len(ended) // FEWEST_IN_BIN))
    edges = np.unique(np.quantile(in_flight, np.linspace(0.0, 1.0, bins + 1)[1:-1], method="lower"))
    which = np.searchsorted(edges, in_flight, "left")
    rows = [_row(in_flight[which == number], right[which == number]) for number in np.unique(which)]
    return {"correctness": rows}


def _row(in_flight: np.ndarray, right: np.ndarray) -> InFlight:
    count, good = len(right), int(right.sum())
    return InFlight(
        in_flight_low=int(in_flight.min()),
        in_flight_high=int(in_flight.max()),
        conversations=count,
        right=good,
        share=good / count,
        low=float(special.betaincinv(good, count - good + 1, 0.025)) if good else 0.0,
        high=float(special.betaincinv(good + 1, count - good, 0.975)) if good < count else 1.0,
    )


def correctness_section(material: Material) -> Section | None:
    """Return the section, or None for a run without checked conversations."""
    rows = material.summary.part("correctness", list[InFlight])
    if not rows:
        return None
    columns: tuple[Column[InFlight], ...] = (
        Column("In flight", lambda row: span(row.in_flight_low, row.in_flight_high)),
        Column("Conversations", lambda row: row.conversations, Unit.COUNT),
        Column("Correct", lambda row: row.right, Unit.COUNT),
        Column("Share correct", lambda row: row.share, Unit.FRACTION, bad=lambda row: row.right < row.conversations),
        Column("95 % interval", lambda row: f"{fraction(row.low)} to {fraction(row.high)}"),
    )
    table = Table("Correct conversations by the number in flight when they began.", columns, rows)
    return Section("correctness", "Correctness under load", [_sentence(rows)], [table], [_chart(rows)], answer=True)


def correctness_answer(summary: Summary) -> str | None:
    """Return how many conversations were correct, and whether the load makes them wrong; None if none ended."""
    rows = summary.part("correctness", list[InFlight])
    if not rows:
        return None
    right, all_of_them = sum(row.right for row in rows), sum(row.conversations for row in rows)
    wrong = "; the load makes answers wrong" if _depends(rows) else ""
    return f"{number(right)} of {plural(all_of_them, 'conversation')} correct{wrong}"


def _depends(rows: list[InFlight]) -> bool:
    """Return True if significantly fewer conversations are correct at the highest load than at the lowest."""
    return rows[-1].high < rows[0].low


def _sentence(rows: list[InFlight]) -> str:
    if all(row.right == row.conversations for row in rows):
        return "Every conversation was correct."
    if len(rows) == 1:
        return "Whether the load makes answers wrong is unknown: the load was too even, or the run too short."
    if _depends(rows):
        return "With more conversations in flight, fewer are correct: the load makes answers wrong."
    return "There is no evidence that wrong conversations depend on the load."


def _chart(rows: list[InFlight]) -> Chart:
    edges = [float(row.in_flight_low) for row in rows] + [float(rows[-1].in_flight_high) + 1.0]
    return Chart(
        key="correctness",
        title="Correct conversations by load",
        note="Percentage of correct conversations, by the number in flight when each began, itself included.",
        unit="%",
        scale=Scale.LINEAR,
        x_unit="in flight",
        bars=[Bars("correct", Style.MAIN, edges, [row.share * 100.0 for row in rows])],
    )
