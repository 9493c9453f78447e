"""What one entry of a file of prompts asks, whichever form its data set has."""

import json

import pytest

from katydid.load.prompts.collection import Draw, collected
from katydid.load.prompts.entry import Skipped, prompt_of
from katydid.model.errors import ConfigError

HI = [{"role": "user", "content": "Hi"}]
CALLS = [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]


def human(text):
    return {"from": "human", "value": text}


def messages(value):
    return prompt_of(value, 1).messages


@pytest.mark.parametrize(
    "entry",
    [
        "Hi",
        {"prompt": "Hi"},
        {"prompt": HI},
        {"text": "Hi"},
        {"text_input": "Hi"},
        {"instruction": "Hi", "input": "", "output": "Hello"},
        {"question": "Hi", "answer": "Hello"},
        {"messages": HI},
        {"messages": json.dumps(HI)},
        {"messages": [{"role": "human", "content": "Hi"}]},
        {"prompt": None, "messages": HI},
        HI,
        {"conversations": [human("Hi")]},
        {"conversations": [human("Hi"), {"from": "gpt", "value": "Hello"}]},
        {"conversations": [{"from": "User", "value": "Hi"}, {"from": "nobody knows", "value": "Hello"}]},
        {"conversations": [*HI, {"role": "assistant", "content": "Hello"}]},
        {"conversation": [human("Hi")]},
        {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": {"model": "m", "messages": HI}},
    ],
)
def test_every_form_of_the_same_question(entry):
    assert messages(entry) == HI


@pytest.mark.parametrize(
    ("entry", "roles"),
    [
        ({"messages": [{"role": "developer", "content": "Be brief."}, *HI]}, ["developer", "user"]),
        ({"system_prompt": "Be brief.", "question": "Hi"}, ["system", "user"]),
        (
            {"conversations": [human("a"), {"from": "bing", "value": "b"}, human("c"), {"from": "gpt", "value": "d"}]},
            ["user", "assistant", "user"],
        ),
        (
            {"messages": [*HI, {"role": "assistant", "content": None, "tool_calls": CALLS}]},
            ["user", "assistant"],
        ),
    ],
)
def test_who_says_what(entry, roles):
    assert [message["role"] for message in messages(entry)] == roles


def test_an_instruction_has_what_it_is_about():
    assert messages({"instruction": "Name it", "input": "a bird"})[0]["content"] == "Name it\n\na bird"


def test_messages_are_sent_as_they_are():
    blocks = [{"type": "text", "text": "Hi", "cache_control": {"type": "ephemeral"}}]
    said = [
        {"role": "user", "content": blocks},
        {"role": "assistant", "content": None, "tool_calls": CALLS},
        {"role": "tool", "tool_call_id": "1", "content": "4", "n": 2**70},
    ]
    assert messages({"messages": said}) == said


@pytest.mark.parametrize(
    ("said", "meant"),
    [(64, 64), (64.0, 64), ("64", 64), (None, None), ("", None), (1, 1)],
)
@pytest.mark.parametrize("name", ["output_tokens", "max_tokens", "max_completion_tokens"])
def test_how_long_the_answer_is_to_be(name, said, meant):
    assert prompt_of({"prompt": "Hi", name: said}, 1).output_tokens == meant


@pytest.mark.parametrize("said", [0, -1, 1.5, True, "many", [64], 2**31, "inf", "nan"])
def test_no_such_length(said):
    with pytest.raises(ConfigError, match="output_tokens"):
        prompt_of({"prompt": "Hi", "output_tokens": said}, 1)


@pytest.mark.parametrize(
    "entry",
    [
        None, "", " \n", [], {"prompt": ""}, {"prompt": None}, {"messages": []}, {"messages": None},
        {"messages": [{"role": "user", "content": ""}]}, {"messages": [{"role": "user", "content": None}]},
        {"conversations": []}, {"conversations": [{"from": "gpt", "value": "g"}]},
        {"conversations": [{"from": "the neighbour", "value": "g"}, human("Hi")]},
        {"conversations": [human(None)]}, {"conversations": [human(" ")]}, {"instruction": "", "input": "x"},
    ],
)  # fmt: skip
def test_what_asks_nothing_is_skipped(entry):
    with pytest.raises(Skipped):
        prompt_of(entry, 1)


@pytest.mark.parametrize(
    "entry",
    [
        42, True, 1.5, [1], [[]], {}, {"texts": "Hi"}, {"text": 1}, {"prompt": {}}, {"prompt": False}, {"messages": {}},
        {"messages": "Hi"}, {"messages": [1]}, {"messages": [None]}, {"messages": [{}]},
        {"messages": [{"role": 1, "content": "a"}]}, {"messages": [{"role": "user", "content": 5}]},
        {"messages": [{"content": "a"}]}, {"conversations": [{"value": "a"}]}, {"conversations": "Hi"},
        {"conversations": [{"from": 3, "value": "a"}]}, {"conversations": [human(7)]},
        {"messages": [{"role": "user", "content": [b"a"]}]},
    ],
)  # fmt: skip
def test_what_is_no_prompt_is_an_error(entry):
    with pytest.raises(ConfigError):
        prompt_of(entry, 1)


def test_half_a_character_is_sent_as_its_replacement():
    assert messages({"messages": [{"role": "user", "content": [{"text": "a\ud83d b"}]}]}) == [
        {"role": "user", "content": [{"text": "a\ufffd b"}]}
    ]


def test_levels_without_end_are_an_error():
    deep = "a"
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ConfigError):
        prompt_of({"messages": [{"role": "user", "content": deep}]}, 1)


# All entries of a file


def lines(*values):
    return [("line", number, value) for number, value in enumerate(values, start=1)]


def test_a_prompt_is_known_by_its_place_in_the_file():
    prompts, _, _ = collected([("line", 3, "a"), ("line", 7, "b")])
    assert [prompt.id for prompt in prompts] == ["3", "7"]


def test_how_many_were_skipped_and_why_is_told():
    prompts, skipped, told = collected(lines("a", "", {"messages": []}, None, ""))
    assert (len(prompts), skipped) == (1, {"no text": 2, "no messages": 1, "null": 1})
    assert told == "4 entries skipped (2 with no text, 1 with no messages, 1 with null; first line 2)"
    assert collected(lines("a"))[1:] == ({}, "")


def test_a_file_without_any_prompt_is_refused():
    with pytest.raises(ConfigError, match="contains no prompt"):
        collected([])
    with pytest.raises(ConfigError, match=r"contains no prompt .*no text.*line 1"):
        collected(lines(""))


def test_the_place_of_an_error_is_told():
    with pytest.raises(ConfigError, match=r"^line 2 "):
        collected(lines("a", 42))


def test_memory_is_bounded():
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield "line", taken, "x" * 1000

    prompts, _, told = collected(endless(), most_bytes=2**20)
    assert 500 < len(prompts) < 1000
    assert taken == len(prompts) + 1
    assert f"only its first {len(prompts)} prompts" in told


# Which prompt a request takes


def taken(draw, users, iterations):
    return [draw.take(user, iteration) for iteration in range(iterations) for user in range(users)]


def test_prompts_are_sampled_without_replacement():
    drawn = taken(Draw(100, seed=0), users=7, iterations=20)
    assert sorted(drawn[:100]) == list(range(100))
    assert drawn[100:] == drawn[:40], "the file begins anew, each prompt as long after its last time as can be"


def test_the_seed_decides_the_order():
    first, again, other = (taken(Draw(50, seed), 5, 10) for seed in (1, 1, 2))
    assert first == again != other
    assert first != sorted(first)


def test_an_iteration_that_is_tried_again_asks_the_same():
    draw = Draw(10, 0)
    assert draw.take(0, 0) == draw.take(0, 0) == draw.first
    assert draw.take(1, 0) != draw.take(0, 0)


def test_of_arrivals_that_any_user_takes_each_keeps_its_prompt_until_it_has_ended():
    draw = Draw(10, 0)
    first, second = draw.take(0, 0), draw.take(0, 1)
    assert (draw.take(0, 0), draw.take(0, 1)) == (first, second)
    draw.ended(0, 0)
    assert draw.take(0, 0) not in {first, second}


def test_several_processes_share_the_file():
    draws = [Draw(100, 0) for _ in range(3)]
    for number, draw in enumerate(draws):
        draw.share(number, 3)
    drawn = [draw.take(0, iteration) for iteration in range(33) for draw in draws]
    assert drawn == taken(Draw(100, 0), 1, 99), "in turn, they send what one process sends"
