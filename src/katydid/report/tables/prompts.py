"""Both versions' answers to the same prompts, prompt by prompt."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from katydid.model.formatting import milliseconds, number, or_dash, percent, plural
from katydid.report.model import Section, Table

FEWEST_PROMPTS = 2
MOST_PROMPTS = 10
"""That are shown: those whose service time grew most."""


def prompts_section(names: tuple[str, str], base: Sequence[pd.DataFrame], new: Sequence[pd.DataFrame]) -> list[Section]:
    """The prompts that both sides answered, the worst first; none where these are fewer than FEWEST_PROMPTS.

    For exploration: a prompt has few requests, and nothing is judged by it.

    Args:
        names: of the sides.
        base: samples with derived columns, a frame a run.
        new: the same of the other side.
    """
    both = _by_prompt(base).add_suffix("_base").join(_by_prompt(new).add_suffix("_new"), how="inner")
    if len(both) < FEWEST_PROMPTS:
        return []
    both["change"] = both["time_new"] / both["time_base"] - 1.0
    both = both.sort_values(["change", "time_base"], ascending=[False, True])
    longer, middle = int((both["change"] > 0.0).sum()), float(both["change"].median())
    text = (
        f"Both sides answered {plural(len(both), 'prompt')}: {names[1]} took longer with {number(longer)} of them, and "
        f"{percent(middle)} with the middle one. Medians of a prompt's requests: too few for a verdict."
    )
    columns = ("Prompt", *(f"{what}, {name}" for what in ("Requests", "Tokens", "Service time") for name in names))
    rows = [
        (
            str(prompt),
            *(number(row[f"requests_{side}"]) for side in _SIDES),
            *(or_dash(row[f"tokens_{side}"], number) for side in _SIDES),
            *(milliseconds(row[f"time_{side}"]) for side in _SIDES),
            percent(row["change"]),
        )
        for prompt, row in both.head(MOST_PROMPTS).iterrows()
    ]
    caption = "Longest against the base" if len(both) > MOST_PROMPTS else ""
    return [Section("prompts", "Prompt by prompt", (text,), tables=[Table(caption, (*columns, "Change"), rows)])]


_SIDES = ("base", "new")


def _by_prompt(side: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """A row a prompt: its successful requests, and the medians of their tokens and service times."""
    found = [_answered(frame) for frame in side if "prompt_id" in frame]
    rows = pd.concat(found) if found else pd.DataFrame(columns=["prompt_id", "tokens", "time"])
    grouped = rows.groupby("prompt_id")
    return grouped[["tokens", "time"]].median().assign(requests=grouped.size())


def _answered(frame: pd.DataFrame) -> pd.DataFrame:
    kept = frame[frame["counted"] & (frame["outcome"] == "ok") & (frame["duration_ms"] > 0.0)]
    times = {"tokens": kept.get("completion_tokens", np.nan), "time": kept["duration_ms"]}
    return pd.DataFrame({"prompt_id": kept["prompt_id"], **times}).astype({"tokens": "float64", "time": "float64"})
