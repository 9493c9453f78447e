"""TTFT, ITL and TPOT as other tools define them, computed from the events of a run (`--record-events`).

They show a team that switches tools why numbers differ: same answers, same clock, different definitions. The
definitions are from vLLM's `benchmarks/lib/endpoint_request_func.py` (2026-11), AIPerf 0.13.0, GuideLLM 0.8.1 and
genai-bench 0.0.5. Token counts are the server's. A request without them has no TPOT here, even if the tool would count
with a tokenizer. Times are in milliseconds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from katydid.model.errors import ConfigError, NoDataError

CONTENT = frozenset({"text", "reasoning", "tool"})
VISIBLE = frozenset({"text", "reasoning"})
CHUNKS = CONTENT | {"empty", "finish"}
"""Events with a part of the answer, even an empty one."""

STATISTICS: dict[str, Callable[[np.ndarray], float]] = {
    "mean": lambda values: float(np.mean(values)),
    "p50": lambda values: float(np.percentile(values, 50)),
    "p95": lambda values: float(np.percentile(values, 95)),
    "p99": lambda values: float(np.percentile(values, 99)),
}
"""All four tools use NumPy's percentiles, which interpolate between observations."""


@dataclass(frozen=True, eq=False)
class RecordedAnswer:
    """One streamed answer.

    Attributes:
        at: times of its events since the request's start.
        kinds: kind of each event.
        counted: which events report the number of tokens.
        duration: from the request's start to the last byte.
        tokens: completion tokens, as the server reported them; None if it did not.
    """

    at: np.ndarray
    kinds: np.ndarray
    counted: np.ndarray
    duration: float
    tokens: int | None

    def times(self, kinds: frozenset[str]) -> np.ndarray:
        """The times of events of these kinds, since the request's start."""
        return self.at[np.isin(self.kinds, list(kinds))]

    @property
    def usage(self) -> list[float]:
        """When the usage arrived, in a chunk of its own or in the finishing chunk; empty if it did not."""
        found: list[float] = self.at[self.counted & np.isin(self.kinds, ["usage", "finish"])].tolist()
        return found


@dataclass(frozen=True, slots=True)
class MetricRule:
    """The definition of one metric of one tool.

    Attributes:
        name: the tool's name for it.
        text: the definition in words.
        values: the values of one answer: one, one per gap, or none.
    """

    name: str
    text: str
    values: Callable[[RecordedAnswer], Sequence[float]]


def _first(kinds: frozenset[str]) -> Callable[[RecordedAnswer], Sequence[float]]:
    return lambda answer: answer.times(kinds)[:1].tolist()


def _gaps(kinds: frozenset[str]) -> Callable[[RecordedAnswer], Sequence[float]]:
    return lambda answer: np.diff(answer.times(kinds)).tolist()


def _spread(kinds: frozenset[str]) -> Callable[[RecordedAnswer], Sequence[float]]:
    """(last − first) / (tokens − 1)."""

    def values(answer: RecordedAnswer) -> Sequence[float]:
        times = answer.times(kinds).tolist()
        return _per_token(answer, times, times[-1:])

    return values


def _per_token(answer: RecordedAnswer, first: Sequence[float], end: Sequence[float]) -> Sequence[float]:
    """(end − first) / (tokens − 1), from the first of these times; nothing without a first time or a second token."""
    if not first or answer.tokens is None or answer.tokens < 2:
        return []
    return [(end[0] - first[0]) / (answer.tokens - 1)]


def _katydid_tpot(answer: RecordedAnswer) -> Sequence[float]:
    return _per_token(answer, answer.times(CONTENT).tolist(), [answer.duration])


def _guidellm_tpot(answer: RecordedAnswer) -> Sequence[float]:
    times = answer.times(CONTENT)
    return [float(times[-1]) / answer.tokens] if len(times) and answer.tokens else []


def _genai_first(answer: RecordedAnswer) -> Sequence[float]:
    """The first visible chunk; for answers of tool calls alone the usage, if it reports more than one token."""
    visible = answer.times(VISIBLE)
    if len(visible):
        return [float(visible[0])]
    return answer.usage[:1] if (answer.tokens or 0) > 1 else []


def _genai_tpot(answer: RecordedAnswer) -> Sequence[float]:
    """The tool stops reading at the usage, else at the end mark, else at the last byte."""
    ends = [*answer.usage, *answer.times(frozenset({"done"})).tolist(), answer.duration]
    return _per_token(answer, _genai_first(answer), ends)


_CONTENT_TTFT = "start to the first chunk with visible, reasoning or tool content"

DEFINITIONS: dict[str, tuple[MetricRule, ...]] = {
    "katydid": (
        MetricRule("TTFT", _CONTENT_TTFT, _first(CONTENT)),
        MetricRule("ITL", "gaps between chunks with content", _gaps(CONTENT)),
        MetricRule("TPOT", "(last byte − first content) / (tokens − 1)", _katydid_tpot),
    ),
    "vllm": (
        MetricRule("TTFT", "start to the first chunk with a choice, even an empty or role-only one", _first(CHUNKS)),
        MetricRule("ITL", "gaps between all chunks with a choice, empty and finishing ones included", _gaps(CHUNKS)),
        MetricRule("TPOT", "(last chunk with a choice − first) / (tokens − 1)", _spread(CHUNKS)),
    ),
    "aiperf": (
        MetricRule("TTFT", _CONTENT_TTFT, _first(CONTENT)),
        MetricRule("ITL", "(last content − first content) / (tokens − 1), one value per request", _spread(CONTENT)),
        MetricRule("ICL", "gaps between chunks with content; the tool has no TPOT", _gaps(CONTENT)),
    ),
    "guidellm": (
        MetricRule("TTFT", _CONTENT_TTFT, _first(CONTENT)),
        MetricRule("ITL", "(last content − first content) / (tokens − 1), one value per request", _spread(CONTENT)),
        MetricRule("TPOT", "(last content − start) / tokens, so it includes the first token's wait", _guidellm_tpot),
    ),
    "genai-bench": (
        MetricRule(
            "TTFT", "start to the first visible or reasoning content; for tool calls alone, to the usage", _genai_first
        ),
        MetricRule("TPOT", "(usage or end mark − first content) / (tokens − 1); the tool has no ITL", _genai_tpot),
    ),
}
"""Definitions by the tool names that `--definitions` accepts, with each tool's own metric names."""


@dataclass(frozen=True, slots=True)
class DefinitionFinding:
    """A tool's metric over all answers, from `count` values."""

    tool: str
    rule: MetricRule
    count: int
    statistics: dict[str, float | None]


def by_definitions(frame: pd.DataFrame, events: pd.DataFrame, tools: Sequence[str]) -> list[DefinitionFinding]:
    """Compute the metrics of these tools over the successful answers that count.

    Args:
        frame: samples with derived columns.
        events: the run's events.
        tools: names in DEFINITIONS.

    Raises:
        ConfigError: there is no such tool.
        NoDataError: the run has no events of answers that count.
    """
    for tool in tools:
        if tool not in DEFINITIONS:
            raise ConfigError(f"--definitions {tool!r} is not one of {', '.join(DEFINITIONS)}")
    answers = _answers(frame, events)
    if not answers:
        raise NoDataError("the run has no events of successful answers: record them with --record-events")
    return [_finding(tool, rule, answers) for tool in tools for rule in DEFINITIONS[tool]]


def _finding(tool: str, rule: MetricRule, answers: Sequence[RecordedAnswer]) -> DefinitionFinding:
    values = np.array([value for answer in answers for value in rule.values(answer)])
    shown = {name: find(values) if len(values) else None for name, find in STATISTICS.items()}
    return DefinitionFinding(tool, rule, len(values), shown)


def _answers(frame: pd.DataFrame, events: pd.DataFrame) -> list[RecordedAnswer]:
    counted = frame[frame["counted"] & (frame["outcome"] == "ok")]
    ok = {str(row["request_id"]): row for row in counted.to_dict("records")}
    answers = []
    for request_id, group in events.groupby("request_id", sort=False):
        row = ok.get(str(request_id))
        if row is not None:
            answers.append(
                RecordedAnswer(
                    at=group["at_ms"].to_numpy(dtype=np.float64) - row["start_ms"],
                    kinds=group["kind"].to_numpy(dtype=object),
                    counted=group["tokens"].notna().to_numpy(),
                    duration=row["duration_ms"],
                    tokens=None if pd.isna(row["completion_tokens"]) else int(row["completion_tokens"]),
                )
            )
    return answers
