"""Both versions' answers to the same prompts, prompt by prompt."""

from collections.abc import Hashable, Iterator, Sequence
from operator import itemgetter
from typing import Any

import numpy as np
import pandas as pd

from katydid.model.formatting import number, percent, plural
from katydid.model.units import Unit, Written
from katydid.report.model import Column, Section, Table

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
    caption = "Longest against the base" if len(both) > MOST_PROMPTS else ""
    return [Section("prompts", "Prompt by prompt", (text,), tables=[_table(caption, names, both.head(MOST_PROMPTS))])]


def _table(caption: str, names: tuple[str, str], both: pd.DataFrame) -> Table:
    """A row a prompt, with both sides' figures beside each other."""

    def figures(what: str, of: str, unit: Unit) -> Iterator[Column[dict[Hashable, Any]]]:
        for name, side in zip(names, ("base", "new"), strict=True):
            yield Column(f"{what}, {name}", itemgetter(f"{of}_{side}"), unit)

    columns: tuple[Column[dict[Hashable, Any]], ...] = (
        Column("Prompt", lambda row: str(row["prompt_id"])),
        *figures("Requests", "requests", Unit.COUNT),
        *figures("Tokens", "tokens", Unit.COUNT),
        *figures("Service time", "time", Unit.MS),
        Column("Change", itemgetter("change"), Written.CHANGE),
    )
    return Table(caption, columns, both.rename_axis("prompt_id").reset_index().to_dict("records"))


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
