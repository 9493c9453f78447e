"""What users say: the built-in prompts, and files of every kind."""

import gzip
import hashlib
import json

import pyarrow as pa
import pytest
from pyarrow import parquet

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.engine.services.prompts import load_prompts
from katydid.model.errors import ConfigError
from katydid.model.sample import Sample

HI = [{"role": "user", "content": "Hi"}]


def write(tmp_path, name, data):
    path = tmp_path / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return str(path)


def table(tmp_path, columns, **more):
    path = tmp_path / "p.parquet"
    parquet.write_table(pa.table(columns), path, **more)
    return str(path)


def asked(path):
    return [prompt.messages[-1]["content"] for prompt in load_prompts(path).entries]


def test_the_built_in_ones_are_many_and_known_by_their_hash():
    prompts = load_prompts(None)
    assert len(prompts.entries) == 24
    assert (prompts.source, prompts.told) == ("built-in", "")
    assert prompts.sha256 == load_prompts(None).sha256


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("p.txt", "Hi\n"),
        ("P.TXT", "Hi\n"),
        ("p.jsonl", '{"prompt": "Hi"}'),
        ("p.json", json.dumps([{"messages": HI}])),
        ("p.csv", "prompt\nHi\n"),
    ],
)
def test_a_file_is_read_by_its_ending_and_known_by_the_hash_of_its_bytes(tmp_path, name, text):
    path = write(tmp_path, name, text)
    prompts = load_prompts(path)
    assert [prompt.messages for prompt in prompts.entries] == [HI]
    assert (prompts.source, prompts.sha256) == (path, hashlib.sha256(text.encode()).hexdigest())
    assert asked(write(tmp_path, f"{name}.gz", gzip.compress(text.encode()))) == ["Hi"]


def test_a_table_has_the_same_forms(tmp_path):
    assert asked(table(tmp_path, {"id": [1, 2], "Prompt": ["a", "b"]})) == ["a", "b"]
    assert asked(table(tmp_path, {"messages": [HI, HI]})) == ["Hi", "Hi"]
    turns = [[{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]]
    assert asked(table(tmp_path, {"conversations": turns})) == ["a"]
    prompts = load_prompts(table(tmp_path, {"prompt": ["a", None], "output_tokens": [64, None]}))
    assert [(prompt.id, prompt.output_tokens) for prompt in prompts.entries] == [("1", 64)]
    assert prompts.skipped == {"no text": 1}
    assert prompts.sha256 == hashlib.sha256((tmp_path / "p.parquet").read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"id": [1]}, "no column of prompts"),
        ({"prompt": ["a", "b"], "output_tokens": [1, -1]}, "row 2 output_tokens"),
        ({"prompt": [1.5]}, "row 1 prompt is a number"),
        ({"prompt": [b"a"]}, "row 1 prompt is of type bytes"),
    ],
)
def test_a_table_that_is_no_good_is_told_with_its_row(tmp_path, columns, told):
    with pytest.raises(ConfigError, match=told):
        load_prompts(table(tmp_path, columns))


def test_a_damaged_table_is_told_in_one_line(tmp_path):
    whole = tmp_path / "p.parquet"
    table(tmp_path, {"prompt": [f"prompt {n}" for n in range(500)]})
    data = whole.read_bytes()
    for broken in (b"", b"PAR1", data[:-5], data[:200] + data[300:], data[:100] + b"\xff" * 50 + data[150:]):
        whole.write_bytes(broken)
        with pytest.raises(ConfigError, match=r"^--prompts [^\n]*$"):
            load_prompts(str(whole))


def test_a_small_table_that_unpacks_to_gigabytes_takes_no_more_memory_than_it_may(tmp_path):
    text = "never the same " * 700
    column = pa.DictionaryArray.from_arrays(pa.array([0] * 300_000, pa.int32()), pa.array([text]))
    path = table(tmp_path, {"prompt": column})
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    before = pa.default_memory_pool()
    pa.set_memory_pool(pool)
    try:
        prompts = load_prompts(path)
    finally:
        pa.set_memory_pool(before)
    assert pool.max_memory() < 64 * 2**20
    assert sum(prompt.size for prompt in prompts.entries) <= 100 * 2**20
    assert "only its first" in prompts.told


@pytest.mark.parametrize(
    ("name", "data", "told"),
    [
        ("p.doc", "Hi", "use one of .txt"),
        ("p.gz", "Hi", "use one of .txt"),
        ("p.jsonl", '"a"\n{"text":1}', "line 2 text is a number"),
        ("p.txt", b"\xff\xfe", "UTF-8"),
    ],
)
def test_what_is_no_prompt_is_told_with_the_name_of_its_file(tmp_path, name, data, told):
    with pytest.raises(ConfigError, match=f"^--prompts .*{name}: .*{told}"):
        load_prompts(write(tmp_path, name, data))


def test_a_file_that_is_not_there_or_a_folder_is_told(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        load_prompts(str(tmp_path / "none.jsonl"))
    (tmp_path / "p.jsonl").mkdir()
    with pytest.raises(ConfigError, match="is a directory"):
        load_prompts(str(tmp_path / "p.jsonl"))


# In the requests of a run


def service_with(tmp_path, text, name="p.jsonl", **more):
    options = RunOptions(prompts=write(tmp_path, name, text), **more)
    service = ChatService(options, "http://127.0.0.1:9")
    service.begin("m")
    return service


def requested(service, user, iteration):
    sample = Sample(request_id="r", user=user, iteration=iteration, worker="local", name="/", scheduled_ms=0.0)
    request = service.request_for(sample, (user, iteration), stream=True)
    return sample.prompt_id, json.loads(request.body)


def test_a_sample_names_its_prompt(tmp_path):
    service = service_with(tmp_path, '"a"\n\n"b"\n')
    sent = dict(requested(service, user, 0) for user in range(2))
    assert {name: body["messages"][0]["content"] for name, body in sent.items()} == {"1": "a", "3": "b"}


def test_a_prompt_limits_its_own_answer(tmp_path):
    service = service_with(tmp_path, '{"prompt": "a", "output_tokens": 7}\n"b"', max_tokens=50)
    assert {requested(service, user, 0)[1]["max_tokens"] for user in range(2)} == {7, 50}


@pytest.mark.parametrize(
    ("text", "more", "fewest"),
    [
        ('"a"', {}, 3),
        ('"a"', {"min_chunks": 1}, 1),
        ('"a"', {"max_tokens": 2}, 2),
        ('{"prompt": "a", "output_tokens": 1}', {}, 1),
        ('{"prompt": "a", "output_tokens": 50}', {"max_tokens": 2}, 3),
        ('"a"', {"output_tokens": "1"}, 1),
    ],
)
def test_an_answer_of_few_tokens_may_have_few_chunks(tmp_path, text, more, fewest):
    service = service_with(tmp_path, text, **more)
    sample = Sample(request_id="r", user=0, iteration=0, worker="local", name="/", scheduled_ms=0.0)
    service.request_for(sample, (0, 0), stream=True)
    parser = service.stream_parser(sample, (0, 0))
    for at in range(fewest - 1):
        parser.note([float(at)], 1, 1)
    parser.done = True
    assert parser.verdict() is not None
    parser.note([9.0], 1, 1)
    assert parser.verdict() is None


def test_what_was_skipped_is_told_and_in_the_manifest(tmp_path):
    service = service_with(tmp_path, '"a"\n""\n', model="m", preflight="off")
    service.preflight()
    assert "1 entry skipped (1 with no text; first line 2)" in service.note
    assert service.facts()["prompts_skipped"] == {"no text": 1}
    assert "prompts_skipped" not in service_with(tmp_path, '"a"').facts()


def test_many_bodies_are_not_all_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("katydid.engine.services.chat.MOST_KEPT", 1000)
    service = service_with(tmp_path, "\n".join(json.dumps("x" * 300) for _ in range(20)))
    for iteration in range(20):
        requested(service, 0, iteration)
    assert sum(map(len, service._bodies.values())) <= 1000
