"""Both versions' requests beside each other: pictures in time and by percentile, and a table prompt by prompt."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from katydid.analysis.series import percentile_curve
from katydid.model.formatting import milliseconds, number, or_dash, percent, plural
from katydid.model.metrics import DISTRIBUTIONS
from katydid.report.courses import course_lines, steps_for, steps_text
from katydid.report.model import Chart, Line, Scale, Section, Style, Table

_SHOWN = ("ttft", "duration")
_FEWEST = 5
"""Requests of a side below which it has no curve."""
_COLOURS = (Style.THIRD, Style.MAIN)
"""Of the sides, in every picture."""
FEWEST_PROMPTS = 2
MOST_PROMPTS = 10
"""That are shown: those whose service time grew most."""


def comparison_charts(names: tuple[str, str], base: Sequence[pd.DataFrame], new: Sequence[pd.DataFrame]) -> list[Chart]:
    """Percentile curves and courses of both sides' runs, each side's together.

    Args:
        names: of the sides.
        base: samples with derived columns, a frame a run.
        new: the same of the other side.
    """
    sides = [pd.concat([_successes(frame) for frame in side]) for side in (base, new) if side]
    if len(sides) != len(names) or any(side.empty for side in sides):
        return []
    return [*_tails(names, sides), *_courses(names, sides)]


def _successes(frame: pd.DataFrame) -> pd.DataFrame:
    columns = ["scheduled_ms", *(d.column for d in DISTRIBUTIONS if d.name in _SHOWN)]
    return frame.loc[frame["counted"] & (frame["outcome"] == "ok"), columns]


def _tails(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    for d in DISTRIBUTIONS:
        if d.name not in _SHOWN or any(side[d.column].notna().sum() < _FEWEST for side in sides):
            continue
        lines = [
            Line(name, style, percentile_curve(side[d.column].dropna().to_numpy(dtype=np.float64)))
            for name, style, side in zip(names, _COLOURS, sides, strict=True)
        ]
        counted = " and ".join(plural(int(side[d.column].notna().sum()), "request") for side in sides)
        yield Chart(
            key=f"{d.name}-tails",
            title=f"{d.label}: percentiles",
            note=f"{counted}, all runs of a side together.",
            unit="ms",
            scale=Scale.TAIL,
            lines=lines,
        )


def _courses(names: tuple[str, str], sides: Sequence[pd.DataFrame]) -> Iterator[Chart]:
    for d in DISTRIBUTIONS:
        if d.name not in _SHOWN:
            continue
        known = [side[side[d.column].notna()] for side in sides]
        moments = [side["scheduled_ms"].to_numpy(dtype=np.float64).clip(min=0.0) / 1000.0 for side in known]
        if steps := steps_for(moments):
            yield Chart(
                key=f"{d.name}-courses",
                title=f"{d.label} over the runs' time",
                note=f"By when requests were due, after the warm-up, all runs of a side together: {steps_text(steps)}.",
                unit="ms",
                lines=[
                    line
                    for name, style, at, side in zip(names, _COLOURS, moments, known, strict=True)
                    for line in course_lines(at, side[d.column].to_numpy(dtype=np.float64), steps, style, name)
                ],
            )


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
