"""Files of prompts as people have them: their bytes, and what is told of those that cannot be read."""

import gzip
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from katydid.load.prompts import files, json_values
from katydid.load.prompts.collection import collected
from katydid.load.prompts.files import READERS, unpacked
from katydid.model.errors import ConfigError
from katydid.model.jsontext import json_bytes

PROMPT = '{"prompt": "Hi"}\n'
SHAREGPT = [{"id": str(n), "conversations": [{"from": "human", "value": f"Hi {n}"}]} for n in range(3)]
PACKED = gzip.compress(PROMPT.encode())


def pieces(data, size=7):
    return [data[begin : begin + size] for begin in range(0, len(data), size)]


def entries(kind, data, size=7):
    data = data.encode() if isinstance(data, str) else data
    return list(READERS[kind](unpacked(pieces(data, size))))


def texts(kind, data, size=7):
    data = data.encode() if isinstance(data, str) else data
    return [prompt.messages[-1]["content"] for prompt in collected(READERS[kind](unpacked(pieces(data, size))))[0]]


@pytest.mark.parametrize("size", [1, 5, 100_000])
@pytest.mark.parametrize(
    ("kind", "data", "asked"),
    [
        (".txt", "one\r\n\n two ü", ["one", " two ü"]),
        (".txt", "\ufeffHello there\r\nSecond\r\n", ["Hello there", "Second"]),
        (".txt", "a\u2028b\x0cc\x85d\u2029e\x1cf\nsecond", ["a\u2028b\x0cc\x85d\u2029e\x1cf", "second"]),
        (".txt", b"\xef\xbb\xbf" + b"a\n", ["a"]),
        (".jsonl", "\ufeff" + PROMPT, ["Hi"]),
        (".jsonl", '"a"\r\n\r\n{"prompt": "b\u2028c"}\r\n', ["a", "b\u2028c"]),
        (".jsonl", '{"conversations": [{"from": "human", "value": "a\\u001cb"}]}', ["a\x1cb"]),
        (".jsonl", '{"prompt": "Broken \\ud83d here"}\n"fine"', ["Broken \ufffd here", "fine"]),
        (".jsonl", '"\\ud83d\\ude00"', ["\U0001f600"]),
        (".jsonl", PACKED, ["Hi"]),
        (".jsonl", PACKED + gzip.compress(b'"more"'), ["Hi", "more"]),
        (".jsonl", PACKED + b"\0" * 9, ["Hi"]),
        (".jsonl", gzip.compress(b"\xef\xbb\xbf" + PROMPT.encode()), ["Hi"]),
        (".txt", gzip.compress(b"x" * 200_000), ["x" * 200_000]),
        (".json", json.dumps(SHAREGPT), ["Hi 0", "Hi 1", "Hi 2"]),
        (".json", json.dumps(SHAREGPT, indent=2), ["Hi 0", "Hi 1", "Hi 2"]),
        (".json", json.dumps({"version": 1, "data": SHAREGPT}), ["Hi 0", "Hi 1", "Hi 2"]),
        (".json", PROMPT, ["Hi"]),
        (".json", PROMPT * 3, ["Hi"] * 3),
        (".json", '["a", "b"]', ["a", "b"]),
        (".json", '{"messages": [{"role": "user", "content": "a"}]}', ["a"]),
        (".json", '[{"role": "system", "content": "s"}, {"role": "user", "content": "a"}]', ["a"]),
        (".json", '[{"role": "user", "content": "a"}]', ["a"]),
        (".csv", "id,Prompt\n1,a\n2,b\n", ["a", "b"]),
        (".csv", 'prompt\n"a, ""b"""\n"two\nlines"\n', ['a, "b"', "two\nlines"]),
        (".csv", "prompt;answer\na, b;c\n", ["a, b"]),
        (".csv", "\ufeffprompt,answer\r\na,b\r\n\r\n", ["a"]),
        (".csv", 'messages\n"[{""role"": ""user"", ""content"": ""a""}]"\n', ["a"]),
        (".tsv", "prompt\tanswer\na\tb\n", ["a"]),
    ],
)  # fmt: skip
def test_prompts_are_read_whatever_pieces_they_come_in(kind, data, asked, size):
    assert texts(kind, data, size) == asked


def test_a_column_says_how_long_answers_are():
    prompts, _, _ = collected(READERS[".csv"]([b"prompt,output_tokens\na,64\nb,\n"]))
    assert [prompt.output_tokens for prompt in prompts] == [64, None]


def test_a_quoted_text_of_many_lines_does_not_shift_the_numbers_of_rows():
    assert [number for _, number, _ in entries(".csv", 'prompt\n"a\nb\nc"\nd\n')] == [2, 5]


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize(
    ("kind", "data", "told"),
    [
        (".txt", "\n \n", "contains no prompt"),
        (".txt", b"", "contains no prompt"),
        (".txt", b"good\nbad \xff\n", "line 2 is not UTF-8"),
        (".jsonl", b'"a"\n"\xc3"', "line 2 is not UTF-8"),
        (".jsonl", '"a"\n{', "line 2 is not JSON"),
        (".jsonl", '"a"\n{"prompt": NaN}', "line 2 is not JSON"),
        (".jsonl", '"a"\n' + "[" * 200_000, "line 2 is not JSON"),
        (".jsonl", PROMPT.encode("utf-16"), "UTF-8"),
        (".jsonl", PROMPT.encode("utf-16-le"), "UTF-8"),
        (".jsonl", PROMPT.encode("utf-16-be"), "UTF-8"),
        (".jsonl", PROMPT.encode("utf-32"), "UTF-8"),
        (".jsonl", PACKED[:-4], "cut off"),
        (".jsonl", PACKED[:12], "cut off"),
        (".jsonl", gzip.compress(b""), "contains no prompt"),
        (".jsonl", PACKED + b"rubbish", "damaged"),
        (".jsonl", PACKED[:-9] + b"\xff" + PACKED[-8:], "damaged"),
        (".jsonl", b"\x28\xb5\x2f\xfd and so on", "zstd"),
        (".jsonl", b"PAR1 and so on", "Parquet"),
        (".json", "[", "line 1, entry 1 is not JSON"),
        (".json", '["a"', "cut off"),
        (".json", '["a",\n"b"', "line 2"),
        (".json", '["a" "b"]', "a comma"),
        (".json", '["a"] "b"', "text after its end"),
        (".json", '["a",\n{"prompt": "b}]', "line 2, entry 2"),
        (".json", "[\n\n{'prompt': 1}]", "line 3, entry 1"),
        (".json", '[{"prompt": NaN}]', "NaN"),
        (".json", "[" * 200_000, "deep"),
        (".json", "", "contains no prompt"),
        (".json", "[]", "contains no prompt"),
        (".json", b'["\xff"]', "UTF-8"),
        (".json", "[1]", "entry 1 is a number"),
        (".csv", "", "contains no prompt"),
        (".csv", "a,b\n1,2\n", "line 1 has no column"),
        (".csv", "prompt\r,b\na,b\n", "line 1 is not valid CSV"),
        (".csv", "prompt,answer\na\n", "line 2 has 1 field"),
        (".csv", "prompt,answer\na,b,c\n", "line 2 has 3 fields"),
        (".csv", 'prompt\nb\n"a', "line 3"),
        (".csv", "prompt,output_tokens\na,many\n", "line 2 output_tokens"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_place(kind, data, told, size):
    with pytest.raises(ConfigError, match=told) as complaint:
        texts(kind, data, size)
    assert "\n" not in str(complaint.value)


@pytest.mark.parametrize(
    ("kind", "data"),
    [(".txt", "x"), (".jsonl", '"' + "x" * 9), (".json", '["' + "x" * 9), (".json", "[" + '{"a":1' + ',"b":[1]' * 9)],
)
def test_an_entry_without_end_is_given_up_early(kind, data):
    given_out = 0

    def endless():
        nonlocal given_out
        yield data.encode()
        while True:
            given_out += 2**20
            yield b',"b":[1]' * 2**17 if "b" in data else b"x" * 2**20

    with pytest.raises(ConfigError, match="longer than"):
        collected(READERS[kind](endless()))
    assert given_out < 4 * json_values.MOST_ENTRY


def test_gzip_that_unpacks_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr(files, "MOST_UNPACKED", 2**20)
    with pytest.raises(ConfigError, match="unpacks to more"):
        texts(".jsonl", gzip.compress(b" " * 2**22), 2**16)


@given(st.sampled_from(sorted(READERS)), st.binary(max_size=400), st.integers(1, 50))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_prompts_or_one_line(kind, data, size):
    read_or_told(kind, data, size)


NAMES = ("messages", "conversations", "prompt", "role", "from", "content", "value", "output_tokens", "body")
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(NAMES),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@given(st.lists(VALUES, max_size=4), st.integers(1, 50))
@settings(max_examples=60, deadline=None)
def test_any_json_is_prompts_or_one_line(values, size):
    read_or_told(".jsonl", "\n".join(map(json.dumps, values)).encode(), size)
    read_or_told(".json", json.dumps(values).encode(), size)


def read_or_told(kind, data, size):
    told, prompts = "one line", []
    try:
        prompts, _, _ = collected(READERS[kind](unpacked(pieces(data, size))))
    except ConfigError as error:
        told = str(error)
    assert len(told.splitlines()) == 1
    assert all(json_bytes(prompt.messages) for prompt in prompts)
