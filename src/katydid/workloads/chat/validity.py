"""Whether conversations grew: a target that forgets their beginning does less work than it was asked for."""

from katydid.analysis.validity.rule import Rule, Run
from katydid.model.documents.summary import Finding
from katydid.model.formatting import fraction, plural

_FORGOTTEN = 0.01
"""Of the later turns."""


def _growing(run: Run) -> Finding | None:
    """Later turns whose prompts had no more tokens than those of the turn before."""
    rows = run.frame[(run.frame["outcome"] == "ok") & run.frame["prompt_tokens"].notna()]
    rows = rows.sort_values(["session_id", "turn"])
    before = rows.groupby("session_id")[["turn", "prompt_tokens"]].shift()
    follows = (rows["turn"] == before["turn"] + 1) & rows["counted"]
    shrunk = follows & (rows["prompt_tokens"] <= before["prompt_tokens"])
    if shrunk.sum() <= _FORGOTTEN * follows.sum():
        return None
    return Finding(
        "invalid",
        f"the target forgot what was said: {fraction(shrunk.sum() / follows.sum())} of "
        f"{plural(int(follows.sum()), 'later turn')} had prompts no longer than the turns before, by its own count",
        "raise its context length (num_ctx of Ollama), ask for fewer or shorter turns, or take --history client",
    )


GROWING = Rule(
    name="conversations_grow",
    limit="≤ 1 % of later turns with a prompt no longer than the turn's before",
    why="a target that drops the beginning of a conversation, or never had it, answers another question",
    check=_growing,
    possible=lambda run: bool(run.frame["prompt_tokens"].notna().any()),
    column="history_tokens",
)
