"""Conversations in a report: how many, TTFT and cached share by turn, and TTFT against the length of the history."""

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
    """A mean of tokens, without digits that say nothing."""
    return None if tokens is None else round(tokens)


def chat_section(material: Material) -> Section | None:
    """Of a run that held conversations."""
    found = material.summary.part("chat", ChatFigures)
    if found is None or not found.turns:
        return None
    tables = [Table("Turns; lengths are means, as the target counts.", (Column("Turn", _turn), *OF_TURNS), found.turns)]
    if len(found.history) > 1:
        caption = "Turns by the tokens that were said before them."
        tables.append(Table(caption, (Column("History", _history), *COLUMNS), found.history))
    return Section("chat", "Conversations", [*_text(found)], tables, _charts(found), answer=True)


def chat_answer(summary: Summary) -> str | None:
    """How many conversations were completed, and what their history costs; None of a run without any."""
    found = summary.part("chat", ChatFigures)
    if found is None or not found.turns:
        return None
    grows = f"; TTFT p50 {_by_turn(found)}" if _by_turn(found) else ""
    return f"{number(found.completed)} of {plural(found.conversations, 'conversation')} completed{grows}"


def _by_turn(found: ChatFigures) -> str:
    """TTFT of the first and of the last turn; empty where there is only one, or none was answered."""
    first, last = found.turns[0], found.turns[-1]
    if first.ttft_p50_ms is None or last.ttft_p50_ms is None or first is last:
        return ""
    return (
        f"{milliseconds(first.ttft_p50_ms)} in turn {_turn(first)}, {milliseconds(last.ttft_p50_ms)} in turn "
        f"{_turn(last)}"
    )


def _text(found: ChatFigures) -> Iterator[str]:
    said = [f"{number(found.completed)} of {plural(found.conversations, 'conversation')} were completed"]
    if found.turns_mean is not None:
        said.append(f"with {significant(found.turns_mean)} turns each in the mean")
    ends = [f"{number(found.failed)} ended with a failed turn"] if found.failed else []
    ends += [f"{number(found.abandoned)} ended with a user that left"] if found.abandoned else []
    were = "was" if found.aborted == 1 else "were"
    ends += [f"{number(found.aborted)} {were} cut off by the end of the run"] if found.aborted else []
    yield "; ".join([", ".join(said), *ends]) + "."
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
                note="Time to first token of turns by the tokens that were said before them, each group at its mean.",
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
                note="Tokens of the prompts that came from the target's prefix cache, in percent, by turn.",
                unit="%",
                scale=Scale.LINEAR,
                x_unit="turn",
                lines=[Line("from the cache", Style.MAIN, cached, dots=True)],
            )
        )
    return charts
