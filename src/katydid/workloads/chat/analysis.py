"""The results of conversations: their number, figures per turn, and TTFT by length of history.

This module makes the key `chat` of `summary.json`, and defines the validity rule that prompts grow with the turns.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from katydid.analysis.derived import quantile, values_of
from katydid.analysis.validity.rule import Rule, Run
from katydid.analysis.validity.tokens import cached_and_all
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction, plural
from katydid.model.metrics import fewest_for

MOST_TURNS = 20
"""Turns with a row of their own; all later ones share the last row."""
MOST_BINS, FEWEST_IN_BIN = 8, 20
"""Bins of history lengths, and requests that each bin needs."""
_FORGOTTEN = 0.01
"""The run is invalid if the prompt did not grow in more than this share of the later turns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFigures:
    """A group of requests: one turn, or similar lengths of history. Times and tokens are of successful requests.

    Attributes:
        ok, failed: requests that succeeded, and that failed, out of `requests`.
        history_tokens, prompt_tokens: means, as counted by the target; null if it does not count.
        cached_share: share of the prompt tokens that came from the target's prefix cache; null if not reported.
        ttft_p50_ms, ttft_p90_ms: null if there are too few requests.
        think_ms: mean think time before the turn; null for first turns.
    """

    requests: int
    ok: int
    failed: int
    history_tokens: float | None
    prompt_tokens: float | None
    cached_share: float | None
    ttft_p50_ms: float | None
    ttft_p90_ms: float | None
    think_ms: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn(TurnFigures):
    """One turn of all conversations, or several in the last row.

    Attributes:
        turn, last_turn: the first and the last turn of the row, from 1.
    """

    turn: int
    last_turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryBin(TurnFigures):
    """Turns with `low` to `high` tokens of history, inclusive."""

    low: int
    high: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatFigures:
    """The conversations of a run.

    Attributes:
        completed: conversations in which every turn was answered.
        failed: conversations that ended because a turn failed.
        aborted: conversations aborted by the end of the run.
        abandoned: conversations whose user left during a turn.
        turns_mean: mean number of turns of completed conversations; null if none completed.
        turns: figures by turn.
        history: figures by tokens of history; empty if the target counts no tokens.
    """

    conversations: int
    completed: int
    failed: int
    aborted: int
    abandoned: int
    turns_mean: float | None
    turns: tuple[Turn, ...]
    history: tuple[HistoryBin, ...]


def chat_summary(run: Run) -> dict[str, object]:
    """Return the key `chat` of `summary.json`. A conversation counts if its first turn counts."""
    rows, whole = run.counted, run.iterations
    outcome = whole["outcome"] if len(whole) else pd.Series(dtype=object)
    completed = whole[outcome == "ok"]
    figures = ChatFigures(
        conversations=len(whole),
        completed=len(completed),
        failed=int((outcome == "failed").sum()),
        aborted=int((outcome == "aborted").sum()),
        abandoned=int((outcome == "abandoned").sum()),
        turns_mean=float(completed["turn"].astype(np.float64).mean()) if len(completed) else None,
        turns=_by_turn(rows),
        history=_by_history(rows),
    )
    return {"chat": figures}


def _by_turn(rows: pd.DataFrame) -> tuple[Turn, ...]:
    known = rows[rows["turn"].notna()]
    place = known["turn"].astype(np.int64)
    found = []
    for _, group in known.groupby(place.clip(upper=MOST_TURNS)):
        turns = place[group.index]
        found.append(Turn(turn=int(turns.min()), last_turn=int(turns.max()), **_figures(group)))
    return tuple(found)


def _by_history(rows: pd.DataFrame) -> tuple[HistoryBin, ...]:
    """Group turns by history: first turns, which have none, in one bin, the others in bins of about equal size."""
    known = rows[rows["history_tokens"].notna()]
    tokens = known["history_tokens"].astype(np.int64)
    later = tokens[tokens > 0].to_numpy()
    bins = max(1, min(MOST_BINS, len(later) // FEWEST_IN_BIN))
    edges = np.unique(np.quantile(later, np.linspace(0, 1, bins + 1)[1:-1], method="lower")) if len(later) else later
    which = np.where(tokens == 0, -1, np.searchsorted(edges, tokens, "left"))
    found = []
    for _, group in known.groupby(which):
        within = tokens[group.index]
        found.append(HistoryBin(low=int(within.min()), high=int(within.max()), **_figures(group)))
    return tuple(found)


def _figures(rows: pd.DataFrame) -> dict[str, Any]:
    ok = rows[rows["outcome"] == "ok"]
    ttft = values_of(ok, "ttft_ms")
    return {
        "requests": len(rows),
        "ok": len(ok),
        "failed": int((rows["outcome"] == "failed").sum()),
        "history_tokens": _mean(ok, "history_tokens"),
        "prompt_tokens": _mean(ok, "prompt_tokens"),
        "cached_share": _cached_share(ok),
        **{f"ttft_p{100 * q:g}_ms": quantile(ttft, q) if len(ttft) >= fewest_for(q) else None for q in (0.5, 0.9)},
        "think_ms": _mean(rows, "think_ms"),
    }


def _mean(rows: pd.DataFrame, column: str) -> float | None:
    known = values_of(rows, column)
    return float(known.mean()) if len(known) else None


def _cached_share(ok: pd.DataFrame) -> float | None:
    if "cached_tokens" not in ok:
        return None
    _, cached, prompt = cached_and_all(ok)
    return float(cached.sum() / prompt.sum()) if prompt.sum() else None


def _growing(run: Run) -> Finding | None:
    """Find later turns whose prompts had no more tokens than the turn before."""
    rows = run.frame[(run.frame["outcome"] == "ok") & run.frame["prompt_tokens"].notna()]
    rows = rows.sort_values(["session_id", "turn"])
    before = rows.groupby("session_id")[["turn", "prompt_tokens"]].shift()
    follows = (rows["turn"] == before["turn"] + 1) & rows["counted"]
    shrunk = follows & (rows["prompt_tokens"] <= before["prompt_tokens"])
    if shrunk.sum() <= _FORGOTTEN * follows.sum():
        return None
    return Finding(
        "invalid",
        f"the target dropped part of the history: by its own count, {fraction(shrunk.sum() / follows.sum())} of "
        f"{plural(int(follows.sum()), 'later turn')} had prompts no longer than the turn before",
        "raise its context length (num_ctx of Ollama), use fewer or shorter turns, or use --history client",
    )


GROWING = Rule(
    name="conversations_grow",
    limit="≤ 1 % of later turns have a prompt no longer than the turn before",
    why="a target that has lost the beginning of a conversation answers a different, shorter prompt",
    check=_growing,
    possible=lambda run: bool(run.frame["prompt_tokens"].notna().any()),
    column="history_tokens",
)
