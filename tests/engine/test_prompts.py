"""What users say."""

import json

import pytest

from katydid.engine.services.prompts import load_prompts
from katydid.model.errors import ConfigError


def write(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_built_in_ones_are_many_and_known_by_their_hash():
    prompts = load_prompts(None)
    assert len(prompts.conversations) == 24
    assert prompts.source == "built-in"
    assert prompts.sha256 == load_prompts(None).sha256


def test_a_text_file_is_a_prompt_a_line(tmp_path):
    prompts = load_prompts(write(tmp_path, "p.txt", "one\n\n two ü\n"))
    assert prompts.conversations == [[{"role": "user", "content": "one"}], [{"role": "user", "content": " two ü"}]]


def test_openai_messages_sharegpt_and_bare_texts(tmp_path):
    messages = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    sharegpt = {"conversations": [{"from": "human", "value": "h"}, {"from": "gpt", "value": "g"}]}
    lines = [json.dumps({"messages": messages}), json.dumps(sharegpt), json.dumps("bare")]
    prompts = load_prompts(write(tmp_path, "p.jsonl", "\n".join(lines)))
    assert prompts.conversations == [
        messages,
        [{"role": "user", "content": "h"}],
        [{"role": "user", "content": "bare"}],
    ]


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("p.txt", "\n \n", "holds no prompt"),
        ("p.csv", "a,b", "give a .txt"),
        ("p.jsonl", '{"messages":[]}', "line 1 is neither"),
        ("p.jsonl", '"a"\n{"text":1}', "line 2 is neither"),
        ("p.jsonl", "{", "line 1 is neither"),
        ("p.jsonl", '{"conversations":[{"from":"gpt","value":"g"}]}', "line 1 is neither"),
        ("p.jsonl", "42", "line 1 is neither"),
    ],
)
def test_what_is_no_prompt_is_named_with_its_line(tmp_path, name, text, message):
    with pytest.raises(ConfigError, match=message):
        load_prompts(write(tmp_path, name, text))


def test_a_file_that_is_no_text_is_refused(tmp_path):
    (tmp_path / "p.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_prompts(str(tmp_path / "p.txt"))


def test_every_version_is_asked_the_same():
    prompts = load_prompts(None)
    chosen = [prompts.index(0, user, iteration) for user in range(50) for iteration in range(5)]
    assert chosen == [prompts.index(0, user, iteration) for user in range(50) for iteration in range(5)]
    assert len(set(chosen)) == 24
