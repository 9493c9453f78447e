"""What takes a verdict back, and what it would take to get one, in words."""

from collections.abc import Sequence
from dataclasses import replace

from katydid.analysis.bounds import stands
from katydid.analysis.verdicts import CompareSettings, Judged, Sides, Verdict
from katydid.core.metrics import METRICS

SHORTER_ANSWERS = 0.02
"""Change of the tokens an answer has from which on whole answers are not compared."""
WHOLE_ANSWER = ("duration.", "response.")


def with_caveats(metrics: Sequence[Judged], sides: Sides) -> tuple[list[Judged], list[str]]:
    """Verdicts that answers of another length do not allow are taken back."""
    tokens = [_mean([run.tokens for run in side]) for side in (sides.base, sides.new)]
    if None in tokens or not tokens[0] or abs((tokens[1] or 0.0) / tokens[0] - 1.0) <= SHORTER_ANSWERS:
        return list(metrics), []
    note = (
        f"answers have {tokens[1]:.4g} tokens instead of {tokens[0]:.4g}: whole answers are not compared; "
        "look at the time to the first token and the time per token"
    )
    why = "answers of another length"
    longer = (tokens[1] or 0.0) > tokens[0]
    doubtful = [m.name.startswith(WHOLE_ANSWER) and not stands(m.bound, longer=longer) for m in metrics]
    return [_taken_back(m, why) if doubt else m for m, doubt in zip(metrics, doubtful, strict=True)], [note]


def because(verdict: Verdict, metrics: Sequence[Judged], settings: CompareSettings, family: int) -> list[str]:
    """Why it cannot be told, and what it would take."""
    fails_more = any(metric.name == "failure_rate" and metric.verdict is Verdict.SLOWER for metric in metrics)
    texts = ["the new version fails more often: times of its successes are not all there is"] if fails_more else []
    if verdict is not Verdict.CANNOT_TELL:
        return texts
    for metric in metrics:
        if not metric.primary or metric.verdict is not Verdict.CANNOT_TELL:
            continue
        label = METRICS[metric.name].label
        if metric.reason:
            texts.append(f"{label}: {metric.reason}")
        elif metric.noise is None:
            texts.append(
                f"{label}: one run a side and no history tell nothing about the noise from run to run; "
                f"make {_runs(metric, settings, family)}"
            )
        else:
            texts.append(
                f"{label}: the change is not beyond the noise, nor shown to be within "
                f"{settings.same_within:.0%}; make {_runs(metric, settings, family)}"
            )
    return texts


def _taken_back(metric: Judged, why: str) -> Judged:
    return replace(metric, verdict=Verdict.CANNOT_TELL, reason=metric.reason or why)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def _runs(metric: Judged, settings: CompareSettings, family: int) -> str:
    needed = metric.as_dict(settings, family)["runs_needed"]
    if needed is None:
        return "the machines quieter: no reasonable number of runs would show it"
    assumed = " if the noise is the usual 4 %" if metric.noise is None else ""
    return f"about {needed} runs a side, interleaved{assumed}"
