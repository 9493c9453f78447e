"""Whether answers were right, by how much went on at once."""

from katydid.model.formatting import fraction, number
from katydid.report.model import Bars, Chart, Material, Scale, Section, Style, Table


def correctness_section(material: Material) -> Section | None:
    """Of workloads whose conversations are checked."""
    rows = material.summary.get("correctness")
    if not rows:
        return None
    table = Table(
        "Right conversations, by those in flight when they began (95 % intervals)",
        ("In flight", "Conversations", "Right", "Share right", "Interval"),
        [
            (
                _range(row["in_flight_low"], row["in_flight_high"]),
                number(row["conversations"]),
                number(row["right"]),
                fraction(row["share"]),
                f"{fraction(row['low'])} to {fraction(row['high'])}",
            )
            for row in rows
        ],
        bad=frozenset((i, 3) for i, row in enumerate(rows) if row["right"] < row["conversations"]),
    )
    return Section("correctness", "Right under load?", [_sentence(rows)], [table], [_chart(rows)])


def _sentence(rows: list[dict[str, float]]) -> str:
    first, last = rows[0], rows[-1]
    if all(row["right"] == row["conversations"] for row in rows):
        return "Every conversation was right."
    if len(rows) == 1:
        return "The load was too even, or the run too short, to say whether it made answers wrong."
    if last["high"] < first["low"]:
        return "The more conversations at once, the fewer are right: the load makes answers wrong."
    return "Wrong conversations are not shown to depend on the load."


def _chart(rows: list[dict[str, float]]) -> Chart:
    edges = [float(row["in_flight_low"]) for row in rows] + [float(rows[-1]["in_flight_high"]) + 1.0]
    return Chart(
        key="correctness",
        title="Right conversations by load",
        note="Percent of the conversations that began with so many in flight, that one included.",
        unit="%",
        scale=Scale.LINEAR,
        x_unit="in flight",
        bars=[Bars("right", Style.MAIN, edges, [row["share"] * 100.0 for row in rows])],
    )


def _range(low: float, high: float) -> str:
    return number(low) if low == high else f"{number(low)} to {number(high)}"
