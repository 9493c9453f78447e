"""One stream, worked out by hand by the rules of each tool."""

import pandas as pd
import pytest

from documents import manifest_with
from katydid.analysis.definitions import DEFINITIONS, by_definitions
from katydid.analysis.derived import with_derived
from katydid.model.errors import ConfigError, NoDataError
from rows import FAILED, MANIFEST, OK, samples

START = 1000.0
STREAM = (  # milliseconds from the start, what came, tokens that it told
    (100.0, "empty", None),  # a role
    (300.0, "text", None),
    (350.0, "reasoning", None),
    (400.0, "tool", None),
    (500.0, "finish", None),
    (550.0, "usage", 5),
    (560.0, "done", None),
)
SAMPLE = OK | {"request_id": "a", "start_ms": START, "duration_ms": 562.0, "completion_tokens": 5}


def events(stream=STREAM, request_id="a"):
    rows = [
        {"request_id": request_id, "at_ms": START + at, "kind": kind, "bytes": 10, "tokens": tokens}
        for at, kind, tokens in stream
    ]
    return pd.DataFrame(rows, columns=["request_id", "at_ms", "kind", "bytes", "tokens"])


def metrics(tool, stream=STREAM, **change):
    frame = with_derived(samples(SAMPLE | change), manifest_with(MANIFEST))
    found = by_definitions(frame, events(stream), [tool])
    return {finding.rule.name: (finding.count, finding.statistics["mean"]) for finding in found}


@pytest.mark.parametrize(
    ("tool", "expected"),
    [
        ("katydid", {"TTFT": (1, 300.0), "ITL": (2, 50.0), "TPOT": (1, (562 - 300) / 4)}),
        ("vllm", {"TTFT": (1, 100.0), "ITL": (4, (200 + 50 + 50 + 100) / 4), "TPOT": (1, (500 - 100) / 4)}),
        ("aiperf", {"TTFT": (1, 300.0), "ITL": (1, (400 - 300) / 4), "ICL": (2, 50.0)}),
        ("guidellm", {"TTFT": (1, 300.0), "ITL": (1, (400 - 300) / 4), "TPOT": (1, 400 / 5)}),
        ("genai-bench", {"TTFT": (1, 300.0), "TPOT": (1, (550 - 300) / 4)}),
    ],
)
def test_a_stream_by_each_tools_rules(tool, expected):
    assert metrics(tool) == expected


TOOL_ONLY = ((100.0, "empty", None), (300.0, "tool", None), (400.0, "finish", None), (550.0, "usage", 5))


@pytest.mark.parametrize(
    ("tool", "ttft"), [("katydid", 300.0), ("vllm", 100.0), ("guidellm", 300.0), ("genai-bench", 550.0)]
)
def test_of_an_answer_of_tool_calls_genai_bench_stamps_the_usage(tool, ttft):
    assert metrics(tool, TOOL_ONLY)["TTFT"] == (1, ttft)


def test_genai_bench_ends_at_a_finishing_chunk_with_usage_or_at_the_end_mark_or_at_the_last_byte():
    in_finish = ((300.0, "text", None), (500.0, "finish", 5), (560.0, "done", None))
    assert metrics("genai-bench", in_finish)["TPOT"] == (1, (500 - 300) / 4)
    no_usage = ((300.0, "text", None), (500.0, "finish", None), (560.0, "done", None))
    assert metrics("genai-bench", no_usage)["TPOT"] == (1, (560 - 300) / 4)
    assert metrics("genai-bench", no_usage[:2])["TPOT"] == (1, (562 - 300) / 4)


def test_usage_with_every_chunk_does_not_end_an_answer():
    continuous = ((300.0, "text", 1), (400.0, "text", 5), (500.0, "finish", None), (560.0, "done", None))
    assert metrics("genai-bench", continuous)["TPOT"] == (1, (560 - 300) / 4)


@pytest.mark.parametrize("tool", DEFINITIONS)
@pytest.mark.parametrize("tokens", [None, 1, 0])
def test_without_two_tokens_there_is_no_time_between_them(tool, tokens):
    found = metrics(tool, completion_tokens=tokens)
    for name in set(found) & ({"TPOT"} if tool != "aiperf" else {"ITL"}):
        if tool == "guidellm" and tokens == 1:
            assert found[name] == (1, 400.0)  # it divides by the tokens, not by those after the first
        else:
            assert found[name] == (0, None)


def test_only_successful_requests_that_count_go_in():
    rows = [SAMPLE, FAILED | {"request_id": "b"}, SAMPLE | {"request_id": "c", "warm_up": True}]
    recorded = pd.concat([events(request_id=name) for name in "abcd"])
    frame = with_derived(samples(*rows), manifest_with(MANIFEST))
    assert by_definitions(frame, recorded, ["vllm"])[0].count == 1


def test_percentiles_lie_between_two_observations():
    rows = [SAMPLE, SAMPLE | {"request_id": "b", "start_ms": START - 100.0}]
    recorded = pd.concat([events(), events(request_id="b")])
    ttft = by_definitions(with_derived(samples(*rows), manifest_with(MANIFEST)), recorded, ["aiperf"])[0]
    assert ttft.statistics["p50"] == 350.0


def test_a_run_without_events_says_how_to_record_them():
    with pytest.raises(NoDataError, match="--record-events"):
        by_definitions(with_derived(samples(SAMPLE), manifest_with(MANIFEST)), events(()), ["vllm"])


def test_an_unknown_tool_is_refused():
    with pytest.raises(ConfigError, match="is not one of katydid, vllm"):
        by_definitions(with_derived(samples(SAMPLE), manifest_with(MANIFEST)), events(), ["wrk"])
