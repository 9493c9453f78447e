"""Traces as people have them: the requests of each form, what is told of a bad one, and the part that is replayed."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.load.traces import files
from katydid.load.traces.files import collected, records
from katydid.load.traces.trace import read_window, window
from katydid.model.errors import ConfigError
from katydid.model.options.quantities import QuantityError

MOONCAKE = """\
{"timestamp": 27482, "input_length": 600, "output_length": 52, "hash_ids": [46, 47]}
{"timestamp": 30535, "input_length": 1472, "output_length": 26, "hash_ids": [46, 47, 48]}
"""
BURSTGPT = """\
Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type
5,ChatGPT,472,18,490,Conversation log
45.5,GPT-4,1087,230,1317,API log
"""
AZURE = """\
TIMESTAMP,ContextTokens,GeneratedTokens
2023-11-16 18:17:03.9799600,4808,10
2023-11-16 18:17:05.2299600,3180,8
"""
OURS = """\
time,input,output,session,parent
0,100,20,a,
1.5,160,20,a,1
2,90,10,,
"""


def trace(data, size=7, **more):
    data = data.encode() if isinstance(data, str) else data
    return collected(records([data[begin : begin + size] for begin in range(0, len(data), size)]), **more)


def lines(*requests):
    return "".join(f"{json.dumps(each)}\n" for each in requests)


@pytest.mark.parametrize("size", [1, 11, 100_000])
@pytest.mark.parametrize(
    ("data", "due", "inputs", "outputs"),
    [
        (MOONCAKE, [0.0, 3.053], [600, 1472], [52, 26]),
        (BURSTGPT, [0.0, 40.5], [472, 1087], [18, 230]),
        (AZURE, [0.0, 1.25], [4808, 3180], [10, 8]),
        (AZURE.replace("99600", "99600+00:00"), [0.0, 1.25], [4808, 3180], [10, 8]),
        (OURS, [0.0, 1.5, 2.0], [100, 160, 90], [20, 20, 10]),
        ("time;input;output\n10;1;2\n", [0.0], [1], [2]),
        ("\ufefftime,output,input\r\n10,1,2\r\n\r\n12,3,4", [0.0, 2.0], [2, 4], [1, 3]),
        (gzip.compress(AZURE.encode()), [0.0, 1.25], [4808, 3180], [10, 8]),
        (json.dumps([json.loads(line) for line in MOONCAKE.splitlines()]), [0.0, 3.053], [600, 1472], [52, 26]),
        ('{"timestamp": 1, "input_tokens": 5, "output_tokens": 6}', [0.0], [5], [6]),
        ("time\n1\n3\n", [0.0, 2.0], None, None),
    ],
)
def test_every_form_says_when_and_how_long(data, size, due, inputs, outputs):
    found = trace(data, size)
    assert list(found.due) == pytest.approx(due, abs=1e-6)
    assert (found.inputs and list(found.inputs), found.outputs and list(found.outputs)) == (inputs, outputs)


@pytest.mark.parametrize(
    ("first", "second", "apart"),
    [
        ({"timestamp": 0}, {"timestamp": 1500}, 1.5),
        ({"time": 0}, {"time": 1.5}, 1.5),
        ({"timestamp": 1_700_000_000}, {"timestamp": 1_700_000_001.5}, 1.5),
        ({"timestamp": 1_700_000_000_000}, {"timestamp": 1_700_000_001_500}, 1.5),
        ({"created_at": "2024-05-10T00:00:00Z"}, {"created_at": "2024-05-10T02:00:01.5+02:00"}, 1.5),
        ({"created": 1_700_000_000}, {"created": 1_700_000_060}, 60.0),
    ],
)
def test_times_are_numbers_or_dates_in_the_unit_of_their_form(first, second, apart):
    assert list(trace(lines(first, second)).due) == pytest.approx([0.0, apart], abs=1e-6)


def test_requests_come_in_the_order_of_their_times_from_the_first_on():
    found = trace("time,input,output\n30,3,3\n10,1,1\n20,2,2\n10,4,4\n")
    assert list(found.due) == [0.0, 0.0, 10.0, 20.0]
    assert list(found.inputs) == [1, 4, 2, 3]


def test_messages_with_times_are_sent_as_they_are():
    said = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "Hi"}]
    found = trace(lines({"timestamp": 500, "messages": said, "max_tokens": 9}, {"timestamp": 0, "messages": said[1:]}))
    assert [prompt.messages for prompt in found.prompts] == [said[1:], said]
    assert [prompt.output_tokens for prompt in found.prompts] == [None, 9]
    assert (found.inputs, found.outputs) == (None, None)
    assert not found.makes_prompts


def test_requests_without_an_answer_are_left_out_and_counted():
    found = trace(BURSTGPT + "50,ChatGPT,300,0,300,API log\n")
    assert (len(found), found.skipped) == (2, 1)


# Prefixes


def test_hash_ids_are_blocks_of_the_size_that_fits_all_requests():
    assert trace(MOONCAKE).blocks.size == 512
    assert list(trace(MOONCAKE).blocks.of(1)) == [46, 47, 48]
    small = lines(
        {"timestamp": 0, "input_length": 100, "hash_ids": list(range(7))},
        {"timestamp": 1, "input_length": 20, "hash_ids": [0, 9]},
    )
    assert trace(small).blocks.size == 16


def test_the_share_of_tokens_in_blocks_that_came_before():
    assert trace(MOONCAKE).shared() == pytest.approx(1024 / 2072)
    assert trace(MOONCAKE).shared(begin=1.0) == pytest.approx(1024 / 1472)
    assert trace(AZURE).shared() == 0.0


# Conversations


def parents(data):
    found = trace(data)
    return [found.parent(number) for number in range(len(found))]


def test_a_request_follows_its_parent_or_the_one_before_it_in_its_session():
    assert parents(OURS) == [None, 0, None]
    assert parents("time,input,output,session\n0,1,1,a\n1,1,1,b\n2,1,1,a\n3,1,1,a\n") == [None, None, 0, 2]
    assert parents("time,input,output,session\n3,1,1,a\n1,1,1,a\n2,1,1,a\n") == [None, 0, 1]
    tree = "time,input,output,session,parent\n0,1,1,a,\n1,1,1,a,1\n1,1,1,a,1\n2,1,1,a,3\n"
    assert parents(tree) == [None, 0, 0, 2]
    assert parents(AZURE) == [None, None]


def test_burstgpts_sessions_are_conversations():
    data = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
    assert parents(data + "1,7,2,m,5,5,10,Conversation log\n4,7,2,m,12,5,17,Conversation log\n") == [None, 0]


# What is replayed


def test_a_window_at_a_speed_begins_with_the_run():
    found = trace("time,input,output,session\n100,1,1,a\n110,2,2,a\n120,3,3,a\n130,4,4,a\n")
    part = found.replayed(10.0, 30.0, speed=10.0)
    assert list(part.due) == [0.0, 1.0]
    assert list(part.inputs) == [2, 3]
    assert [part.parent(number) for number in range(2)] == [None, 0]
    with pytest.raises(ConfigError, match="no request is in that window: the trace lasts 30 s"):
        found.replayed(31.0)


def test_blocks_and_prompts_go_with_their_requests():
    part = trace(MOONCAKE).replayed(1.0)
    assert list(part.blocks.of(0)) == [46, 47, 48]
    said = trace(lines({"timestamp": 0, "prompt": "a"}, {"timestamp": 2000, "prompt": "b"}))
    assert [prompt.messages[0]["content"] for prompt in said.replayed(1.0).prompts] == ["b"]


def test_the_most_requests_that_come_together():
    found = trace("time,input,output\n" + "".join(f"{at},1,1\n" for at in (0, 50, 51, 52, 100)))
    assert (found.most_within(2.0), found.most_within(20.0), found.most_within(1000.0)) == (3, 3, 5)


@pytest.mark.parametrize(
    ("text", "seconds"), [("10m", (0.0, 600.0)), ("1h-1h30m", (3600.0, 5400.0)), (" 5 - 10 ", (5.0, 10.0))]
)
def test_windows(text, seconds):
    assert read_window(text) == seconds
    assert read_window(window(text)) == seconds


@pytest.mark.parametrize("text", ["", "-", "10m-", "2h-1h", "5-5", "a-b", "inf", "nan", "-5", "0-inf"])
def test_what_is_no_window(text):
    with pytest.raises(QuantityError):
        read_window(text)


# Bad traces

PARENTED = "time,input,output,session,parent\n"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "contains no request"),
        ("time,input,output\n", "contains no request"),
        ("a,b\n1,2\n", "line 1 has no column of times: it needs one of timestamp, time"),
        ("time,input,output\n0,1,2\nsoon,1,2\n", "line 3 time is 'soon': give a number or a date like"),
        ("time,input,output\n0,1\n", "line 2 has 2 fields, but line 1 has 3"),
        ("time,input,output\nnan,1,2\n", "line 2 time is 'nan'"),
        ("time,input,output\n,1,2\n", "line 2 has no time: add timestamp or time"),
        ("time,input,output\n0,1.5,2\n", "line 2 input is '1.5': give a whole number from 0 to 1,000,000"),
        ("time,input,output\n0,-1,2\n", "line 2 input is '-1'"),
        ("time,input,output\n0,1e9,2\n", "line 2 input is '1e9'"),
        ("time,input,output\n0,1,2\n1,,2\n", "line 3 has no input length, unlike those before it"),
        ("time,input,output\n0,1,0\n", "contains no request (1 entry without an answer)"),
        (PARENTED + "0,1,1,a,1\n", "line 2 parent is '1': no request comes before the first"),
        (PARENTED + "0,1,1,a,\n1,1,1,a,2\n", "line 3 parent is '2': give a whole number from 1"),
        (
            "time,input,output,session,parent\n0,1,1,a,\n1,1,1,b,1\n",
            "line 3 has parent 1, which is in another session",
        ),
        (
            "time,input,output,session,parent\n5,1,1,a,\n1,1,1,a,1\n",
            "line 3 has parent 1, which starts later",
        ),
        ("time,input,output,parent\n0,1,0,\n1,1,1,1\n", "line 3 has parent 1, which is left out"),
        (f"time,session\n0,{'a' * 257}\n", "line 2 has a session name of 257 characters"),
        (MOONCAKE + "{\n", "line 3 is not JSON"),
        (MOONCAKE + "[1]\n", "line 3 is not a request: give an object with a timestamp"),
        (MOONCAKE + '{"timestamp": 1}\n', "line 3 has no input length"),
        (MOONCAKE + '{"timestamp": true, "input_length": 1, "output_length": 1}\n', "line 3 timestamp is 'True'"),
        (
            MOONCAKE + '{"timestamp": 1, "input_length": 600, "output_length": 1, "hash_ids": [1]}\n',
            "line 3 has 1 hash id for 600 input tokens, but needs 2: earlier requests have 512 tokens per block",
        ),
        ('{"timestamp": 1, "hash_ids": ["a"]}', "line 1 hash_ids is not a list of whole numbers"),
        ('{"timestamp": 1, "hash_ids": [1]}', "line 1 has hash_ids but no input length"),
        ('{"timestamp": 1, "messages": 5}', "line 1 messages is a number"),
        ('{"timestamp": 1, "prompt": "a"}\n{"timestamp": 1}\n', "line 2 has no messages, unlike those before it"),
        (b"time,input\n\xff,1\n", "line 2 is not UTF-8 text"),
        (gzip.compress(AZURE.encode())[:-9], "its gzip data is cut off"),
    ],
)
def test_a_bad_one_is_told_in_a_line_that_says_where(data, message):
    with pytest.raises(ConfigError) as refused:
        trace(data)
    assert str(refused.value).startswith(message)
    assert "\n" not in str(refused.value)


def test_memory_is_bounded(monkeypatch):
    with pytest.raises(ConfigError, match="line 2 exceeds the limit of 0 MiB of messages: use a part of the trace"):
        trace(lines(*[{"timestamp": 0, "prompt": "a" * 1000}] * 2), most_bytes=2000)
    monkeypatch.setattr(files, "MOST_REQUESTS", 2)
    with pytest.raises(ConfigError, match="line 4 exceeds the limit of 2 requests"):
        trace("time\n1\n2\n3\n")
    monkeypatch.setattr(files, "MOST_IDS", 4)
    with pytest.raises(ConfigError, match="line 2 exceeds the limit of 4 hash ids"):
        trace(MOONCAKE)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-1e6, 1e8), st.integers(1, 10**6), st.integers(1, 10**6)), min_size=1, max_size=20))
def test_what_was_written_is_read(requests):
    found = trace("time,input,output\n" + "".join(f"{at!r},{of},{to}\n" for at, of, to in requests), 4096)
    ordered = sorted(requests, key=lambda request: request[0])
    assert list(found.due) == pytest.approx([at - ordered[0][0] for at, _, _ in ordered])
    assert list(found.inputs) == [of for _, of, _ in ordered]
    assert list(found.outputs) == [to for _, _, to in ordered]
