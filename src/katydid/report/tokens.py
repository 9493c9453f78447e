"""Lengths of requests as asked for and realised, and what the target's prefix cache answered."""

from katydid.analysis.validity.tokens import Own
from katydid.model.documents.summary import CacheFound, LengthsFound, TokenLengths
from katydid.model.formatting import MINUS, fraction, number, plural, significant
from katydid.report.model import Chart, Line, Material, Section, Style, Table

COLUMNS = ("Tokens of", "Requests", "Asked, mean", "Asked, sd", "Realised, mean", "Realised, sd", "Off")
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
    rows = [_row(name, part) for name, part in (("prompts", found.input), ("answers", found.output)) if part]
    return Table("Lengths, as the target counts them", COLUMNS, rows)


def _row(name: str, found: TokenLengths) -> tuple[str, ...]:
    off = f"{MINUS if found.off < 0 else '+'}{fraction(abs(found.off))}" if found.off else fraction(0.0)
    figures = (found.asked_mean, found.asked_sd, found.realised_mean, found.realised_sd)
    return (
        name,
        number(found.requests),
        *(significant(each, 1) for each in figures),
        off,
    )


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
