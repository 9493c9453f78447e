"""Conversations in a report: their number, TTFT and cached share by turn, and TTFT by length of the history."""

from collections.abc import Iterator, Sequence

from katydid.model.documents.summary import Summary
from katydid.model.formatting import fraction, milliseconds, number, plural, significant, span
from katydid.model.units import Unit
from katydid.report.model import Chart, Column, Line, Material, Scale, Section, Style, Table
from katydid.workloads.chat.analysis import ChatFigures, HistoryBin, Turn, TurnFigures

COLUMNS: tuple[Column[TurnFigures], ...] = (
    Column("Requests", lambda row: row.requests, Unit.COUNT),
    Column("Failed", lambda row: row.failed, Unit.COUNT, bad=lambda row: row.failed > 0),
    Column("Prompt (tokens)", lambda row: _whole(row.prompt_tokens), Unit.COUNT),
    Column("From the cache", lambda row: row.cached_share, Unit.FRACTION),
    Column("TTFT, p50", lambda row: row.ttft_p50_ms, Unit.MS),
    Column("TTFT, p90", lambda row: row.ttft_p90_ms, Unit.MS),
)
OF_TURNS: tuple[Column[TurnFigures], ...] = (
    *COLUMNS,
    Column("History (tokens)", lambda row: _whole(row.history_tokens), Unit.COUNT),
    Column("Think time", lambda row: row.think_ms, Unit.MS),
)


def _whole(tokens: float | None) -> int | None:
    """Round a mean number of tokens; its decimals mean nothing."""
    return None if tokens is None else round(tokens)


def chat_section(material: Material) -> Section | None:
    """Return the section, or None for a run without conversations."""
    found = material.summary.part("chat", ChatFigures)
    if found is None or not found.turns:
        return None
    caption = "Turns. Lengths are means, as counted by the target."
    tables = [Table(caption, (Column("Turn", _turn), *OF_TURNS), found.turns)]
    if len(found.history) > 1:
        caption = "Turns by length of history in tokens."
        tables.append(Table(caption, (Column("History", _history), *COLUMNS), found.history))
    return Section("chat", "Conversations", [*_text(found)], tables, _charts(found), answer=True)


def chat_answer(summary: Summary) -> str | None:
    """Return how many conversations completed, and TTFT of the first and last turn; None without conversations."""
    found = summary.part("chat", ChatFigures)
    if found is None or not found.turns:
        return None
    times = _by_turn(found)
    return _completed(found) + (f"; TTFT p50 {times}" if times else "")


def _completed(found: ChatFigures) -> str:
    return f"{number(found.completed)} of {plural(found.conversations, 'conversation')} completed"


def _by_turn(found: ChatFigures) -> str:
    """TTFT of the first and the last turn; empty if there is only one turn, or one of them has no TTFT."""
    first, last = found.turns[0], found.turns[-1]
    if first.ttft_p50_ms is None or last.ttft_p50_ms is None or first is last:
        return ""
    times = {_turn(row): milliseconds(row.ttft_p50_ms or 0.0) for row in (first, last)}
    return ", ".join(f"{time} in turn {turn}" for turn, time in times.items())


def _text(found: ChatFigures) -> Iterator[str]:
    completed = _completed(found)
    if found.turns_mean is not None:
        completed += f", with {significant(found.turns_mean)} turns on average"
    ends = [f"{number(found.failed)} ended because a turn failed"] if found.failed else []
    ends += [f"{number(found.abandoned)} ended because the user left"] if found.abandoned else []
    were = "was" if found.aborted == 1 else "were"
    ends += [f"{number(found.aborted)} {were} aborted by the end of the run"] if found.aborted else []
    yield "; ".join([completed, *ends]) + "."
    if times := _by_turn(found):
        share = found.turns[-1].cached_share
        cached = f", {fraction(share)} of its prompt from the cache" if share is not None else ""
        yield f"TTFT (p50): {times}{cached}."


def _turn(row: Turn) -> str:
    return span(row.turn, row.last_turn)


def _history(row: HistoryBin) -> str:
    return span(row.low, row.high)


def _charts(found: ChatFigures) -> Sequence[Chart]:
    charts = []
    times = [row for row in found.history if row.ttft_p50_ms is not None]
    if len(times) > 1:
        lines = [
            Line("p50", Style.MAIN, [(row.history_tokens or 0.0, row.ttft_p50_ms or 0.0) for row in times], dots=True),
        ]
        if any(row.ttft_p90_ms for row in times):
            p90 = [(row.history_tokens or 0.0, row.ttft_p90_ms or float("nan")) for row in times]
            lines.append(Line("p90", Style.MAIN, p90, dashed=True, dots=True))
        charts.append(
            Chart(
                key="ttft-by-history",
                title="TTFT by length of the history",
                note="Time to first token by tokens of history; each group of turns is drawn at its mean length.",
                unit="ms",
                scale=Scale.LINEAR,
                x_unit="tokens of history",
                lines=lines,
            )
        )
    cached = [(float(row.turn), 100.0 * row.cached_share) for row in found.turns if row.cached_share is not None]
    if len(cached) > 1:
        charts.append(
            Chart(
                key="cache-by-turn",
                title="Prefix cache by turn",
                note="Percentage of prompt tokens that came from the target's prefix cache, by turn.",
                unit="%",
                scale=Scale.LINEAR,
                x_unit="turn",
                lines=[Line("from the cache", Style.MAIN, cached, dots=True)],
            )
        )
    return charts
