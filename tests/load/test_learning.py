"""Gateways' logs as they are: the requests of each kind, what is left out, and the trace that comes of them."""

import gzip
import json
from collections import Counter

import pytest

from katydid.load.traces.files import collected, records
from katydid.load.traces.learning import csv_of, learned
from katydid.model.errors import ConfigError

LITELLM = {
    "id": "chatcmpl-1", "trace_id": "t-1", "call_type": "acompletion", "status": "success", "prompt_tokens": 1200,
    "completion_tokens": 80, "total_tokens": 1280, "startTime": 1_700_000_000.5, "endTime": 1_700_000_003.0,
    "model": "gpt-4o", "cache_hit": False, "messages": [{"role": "user", "content": "my secret"}],
    "metadata": {"usage_object": {"prompt_tokens_details": {"cached_tokens": 300}}},
}  # fmt: skip
NGINX = {
    "time_iso8601": "2023-11-14T22:13:23+00:00", "remote_addr": "10.0.0.7", "request_time": "2.500", "status": "200",
    "request": "POST /v1/chat/completions HTTP/1.1", "request_length": "5012", "prompt_tokens": "1200",
    "completion_tokens": "80", "session_id": "alice",
}  # fmt: skip
ATTRIBUTES = {
    "gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 1200, "gen_ai.usage.output_tokens": 80,
    "gen_ai.conversation.id": "conv_7",
}  # fmt: skip
SDK = {
    "name": "chat gpt-4o", "context": {"trace_id": "0x1"}, "start_time": "2023-11-14T22:13:20.500000Z",
    "end_time": "2023-11-14T22:13:23.000000Z", "status": {"status_code": "UNSET"}, "attributes": ATTRIBUTES,
}  # fmt: skip


def typed(value):
    return {"intValue": str(value)} if isinstance(value, int) else {"stringValue": value}


def otlp(*spans):
    made = [
        {
            "name": "chat", "startTimeUnixNano": str(start), "endTimeUnixNano": str(start + 10**9), "status": status,
            "attributes": [{"key": key, "value": typed(value)} for key, value in attributes.items()],
        }
        for start, attributes, status in spans
    ]  # fmt: skip
    return {"resourceSpans": [{"resource": {}, "scopeSpans": [{"scope": {}, "spans": made}]}]}


def learn(*entries, size=13):
    data = "".join(each if isinstance(each, str) else f"{json.dumps(each)}\n" for each in entries).encode()
    return learned([data[begin : begin + size] for begin in range(0, len(data), size)])


def csv(found):
    return list(csv_of(found.trace))[1:]


@pytest.mark.parametrize(
    "entry",
    [
        LITELLM,
        LITELLM | {"startTime": "2023-11-14T22:13:20.500Z"},
        {"message": "logged", "level": "INFO", "standard_logging_object": LITELLM},
        NGINX,
        {key: value for key, value in NGINX.items() if key != "time_iso8601"} | {"msec": "1700000003.000"},
        {key: value for key, value in NGINX.items() if key != "time_iso8601"}
        | {"time_local": "14/Nov/2023:22:13:23 +0000"},
        SDK,
        otlp((1_700_000_000_500_000_000, ATTRIBUTES, {})),
        otlp(
            (
                1_700_000_000_500_000_000,
                {"gen_ai.usage.prompt_tokens": 1200, "gen_ai.usage.completion_tokens": 80},
                {"code": 1},
            )
        ),
    ],
)
def test_each_kind_says_when_a_request_began_and_how_long_it_was(entry):
    found = learn(entry)
    assert found.began == pytest.approx(1_700_000_000.5, abs=1e-3)
    assert csv(found) == ["0,1200,80,,"]
    assert found.left_out == {}


def test_no_text_and_no_name_goes_into_the_trace():
    found = learn(*[LITELLM | {"session_id": "alice", "startTime": 1_700_000_000 + at} for at in range(3)])
    text = "\n".join(csv_of(found.trace))
    assert text == "time,input,output,session,parent\n0,1200,80,1,\n1,1200,80,1,1\n2,1200,80,1,2"


def test_what_was_written_is_a_trace():
    entries = [NGINX | {"time_iso8601": f"2023-11-14T22:13:{at:02}+00:00", "session_id": at % 2} for at in range(9)]
    found = learn(*reversed(entries))
    again = collected(records(["\n".join(csv_of(found.trace)).encode()]))
    assert (again.due, again.inputs, again.outputs, again.parents) == (
        found.trace.due,
        found.trace.inputs,
        found.trace.outputs,
        found.trace.parents,
    )
    assert [again.parent(number) for number in range(9)] == [None, None, 0, 1, 2, 3, 4, 5, 6]


def test_what_was_not_answered_by_the_model_is_left_out_and_counted():
    found = learn(
        "Starting the proxy\n",
        LITELLM,
        LITELLM | {"status": "failure"},
        LITELLM | {"cache_hit": True},
        LITELLM | {"prompt_tokens": None},
        NGINX | {"status": "429"},
        NGINX | {"request": "GET /v1/models HTTP/1.1"},
        SDK | {"attributes": {"http.method": "POST"}},
        SDK | {"attributes": ATTRIBUTES | {"gen_ai.operation.name": "embeddings"}},
        SDK | {"status": {"status_code": "ERROR"}},
        otlp((1, ATTRIBUTES | {"error.type": "timeout"}, {}), (1, ATTRIBUTES, {"code": 2})),
        {"level": "info"},
        SDK | {"start_time": "soon"},
        [1],
    )
    assert csv(found) == ["0,1200,80,,"]
    assert found.left_out == Counter(
        {
            "no JSON": 1, "a failure": 4, "an answer from the gateway's cache": 1, "no count of tokens": 1,
            "status 429": 1, "a method other than POST": 1, "a span of another kind": 1, "another operation": 1,
            "no request of a known format": 1, "no time that can be read": 1, "no object": 1,
        }
    )  # fmt: skip


def test_the_share_that_a_prefix_cache_had():
    assert learn(LITELLM, LITELLM).cached == pytest.approx(0.25)
    assert learn(NGINX).cached is None


def test_a_log_without_tokens_gives_times_alone():
    bare = {"time_iso8601": "2023-11-14T22:13:23+00:00", "request_time": "0.5", "status": 200}
    found = learn(bare, bare | {"time_iso8601": "2023-11-14T22:13:24+00:00"})
    assert csv(found) == ["0,,,,", "1,,,,"]
    assert found.trace.inputs is None


ALONE = {key: value for key, value in LITELLM.items() if key != "trace_id"}


@pytest.mark.parametrize(
    "data",
    [
        json.dumps([ALONE, ALONE]),
        json.dumps([ALONE, ALONE], indent=2),
        json.dumps(ALONE, indent=2) + "\n" + json.dumps(ALONE, indent=2),
        "\n" + json.dumps(ALONE) + "\r\n\r\n" + json.dumps(ALONE),
        gzip.compress((json.dumps(ALONE) + "\n" + json.dumps(ALONE)).encode()),
    ],
)
def test_one_a_line_or_a_document(data):
    found = learned([data if isinstance(data, bytes) else data.encode()])
    assert csv(found) == ["0,1200,80,,"] * 2


@pytest.mark.parametrize("data", ["", "hello\n", "[", '{"a": 1}', json.dumps(LITELLM | {"status": "failure"})])
def test_a_log_without_requests_is_told_in_one_line(data):
    with pytest.raises(ConfigError) as refused:
        learned([data.encode()])
    assert "\n" not in str(refused.value)
