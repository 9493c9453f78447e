"""Lengths of requests as asked for and realised, and what the target's prefix cache answered."""

from katydid.analysis.validity.tokens import Own
from katydid.model.documents.summary import CacheFound, LengthsFound, TokenLengths
from katydid.model.formatting import MINUS, fraction, plural
from katydid.model.units import Unit, Written
from katydid.report.model import Cell, Chart, Column, Line, Material, Section, Style, Table

COLUMNS: tuple[Column[TokenLengths], ...] = (
    Column("Requests", lambda found: found.requests, Unit.COUNT),
    Column("Asked, mean", lambda found: found.asked_mean, Unit.COUNT),
    Column("Asked, sd", lambda found: found.asked_sd, Unit.COUNT),
    Column("Realised, mean", lambda found: found.realised_mean, Unit.COUNT),
    Column("Realised, sd", lambda found: found.realised_sd, Unit.COUNT),
    Column("Off", lambda found: Cell(found.off, Written.CHANGE, said=_off(found.off)), Written.CHANGE),
)
FEWEST_POINTS = 3
"""Points that make a course."""


def tokens_section(material: Material) -> Section | None:
    """The section; None for a run that asked for no lengths and whose target tells of no cache."""
    lengths, cache = material.summary.lengths, material.summary.cache
    if lengths is None and cache is None:
        return None
    return Section(
        key="tokens",
        title="Lengths and prefix cache",
        text=[_cache_text(cache, Own.of(material.manifest))] if cache else [],
        tables=[_table(lengths)] if lengths else [],
        charts=[_chart(cache)] if cache and len(cache.over_time) >= FEWEST_POINTS else [],
    )


def _table(found: LengthsFound) -> Table:
    kinds = {"prompts": found.input, "answers": found.output}
    rows = [part for part in kinds.values() if part]
    what: Column[TokenLengths] = Column(
        "Tokens of", lambda row: next(name for name, part in kinds.items() if part is row)
    )
    return Table("Lengths, as the target counts them", (what, *COLUMNS), rows)


def _off(share: float | None) -> str:
    return f"{MINUS if share < 0 else '+'}{fraction(abs(share))}" if share else fraction(0.0)


def _cache_text(found: CacheFound, own: Own) -> str:
    said = (
        f"Prefix cache: {fraction(found.hit_rate)} of the input tokens of {plural(found.requests, 'request')} came "
        "from it, as the target says."
    )
    if not own.template:
        return said
    template = plural(round(own.template), "token")
    return f"{said} Beyond its template of {template} it is {fraction(found.beyond_template)}."


def _chart(found: CacheFound) -> Chart:
    points = [(point.seconds, 100.0 * point.hit_rate) for point in found.over_time]
    return Chart(
        key="cache-course",
        title="Prefix cache over time",
        note="Input tokens that came from the target's prefix cache, in percent, by the start of their requests.",
        unit="%",
        lines=[Line("hit rate", Style.MAIN, points)],
    )
