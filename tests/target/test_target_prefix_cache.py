"""The embedded target's prefix cache: its rule, what its answers say of it, and how it makes them faster."""

import pytest
from wire import CHAT, ask, post, request

from katydid.target.prefix_cache import BLOCK, PrefixCache


def words(count, first="w"):
    return [f"{first}{number}" for number in range(count)]


def test_known_blocks_at_the_beginning_are_cached():
    cache = PrefixCache(10_000)
    assert cache.use("m", words(100)) == 0
    assert cache.use("m", words(100)) == 96
    assert cache.use("m", words(40)) == 32
    assert cache.use("m", [*words(40), *words(60, "x")]) == 32
    assert cache.use("m", words(100, "y")) == 0


def test_a_block_is_known_only_behind_the_same_blocks_and_of_the_same_model():
    cache = PrefixCache(10_000)
    cache.use("m", words(64))
    assert cache.use("m", ["other", *words(64)[1:]]) == 0
    assert cache.use("n", words(64)) == 0


@pytest.mark.parametrize(("length", "cached"), [(0, 0), (1, 0), (15, 0), (16, 0), (17, 16), (32, 16), (33, 32)])
def test_a_prompts_last_token_is_always_computed(length, cached):
    cache = PrefixCache(10_000)
    cache.use("m", words(100))
    assert cache.use("m", words(length)) == cached


def test_the_blocks_used_last_are_kept_and_of_a_prompt_its_beginning():
    cache = PrefixCache(4 * BLOCK)
    cache.use("m", words(3 * BLOCK))
    cache.use("m", words(2 * BLOCK, "x"))
    assert cache.use("m", words(3 * BLOCK)) == 2 * BLOCK


def test_a_capacity_below_a_block_holds_nothing_and_clearing_forgets_all():
    small, cache = PrefixCache(BLOCK - 1), PrefixCache(10_000)
    for each in (small, cache):
        each.use("m", words(64))
    cache.clear()
    assert (small.use("m", words(64)), cache.use("m", words(64))) == (0, 0)


ANTHROPIC = "/v1/messages"
PROMPT = " ".join(words(40))


@pytest.mark.parametrize(
    ("path", "place"),
    [
        (CHAT, lambda usage: usage["prompt_tokens_details"]["cached_tokens"]),
        ("/v1/responses", lambda usage: usage["input_tokens_details"]["cached_tokens"]),
        (ANTHROPIC, lambda usage: usage["cache_read_input_tokens"]),
    ],
)
def test_the_usage_has_the_cached_tokens_in_the_apis_own_place(start, path, place):
    target = start(prefix_cache=1000)
    body = {"messages": [{"role": "user", "content": PROMPT}], "input": PROMPT, "max_tokens": 2}
    first, second = (ask(target, post(path, **body)).json["usage"] for _ in range(2))
    assert (place(first), place(second)) == (0, 32)
    total = second.get("prompt_tokens") or second["input_tokens"]
    assert total == (8 if path == ANTHROPIC else 40)


def test_the_log_has_the_prompts_tokens_and_the_bodys_hash(start):
    target = start(prefix_cache=1000)
    for _ in range(2):
        ask(target, post(messages=[{"role": "user", "content": PROMPT}]))
    one, other = target.log()
    assert (one["prompt_tokens"], one["cached_tokens"], other["cached_tokens"]) == (40, 0, 32)
    assert one["body_sha256"] == other["body_sha256"]
    assert len(one["body_sha256"]) == 64


def test_it_is_emptied_by_a_request(start):
    target = start(prefix_cache=1000)
    chat = post(messages=[{"role": "user", "content": PROMPT}])
    ask(target, chat)
    assert ask(target, request("POST", "/reset_prefix_cache")).status == 200
    assert ask(target, chat).json["usage"]["prompt_tokens_details"]["cached_tokens"] == 0


def test_without_one_nothing_is_said_of_a_cache(quick):
    ask(quick, post())
    assert "prompt_tokens_details" not in ask(quick, post()).json["usage"]


def test_the_first_chunk_comes_sooner_by_the_cached_share(start):
    target = start(prefix_cache=1000, ttft=0.4)
    chat = post(messages=[{"role": "user", "content": " ".join(words(33))}], stream=True)
    for _ in range(2):
        ask(target, chat)
    first, second = (row["first_chunk_mono_ns"] - row["received_mono_ns"] for row in target.log())
    assert first > 0.39e9
    assert second < 0.2e9


@pytest.mark.parametrize(
    ("fields", "chunks"),
    [
        ({"min_tokens": 9}, 9),
        ({"min_tokens": 2}, 4),
        ({"min_tokens": 9, "max_tokens": 6}, 6),
        ({"ignore_eos": True, "max_tokens": 7}, 7),
        ({"ignore_eos": True}, 4),
    ],
)
def test_answers_are_as_long_as_they_are_forced_to_be(quick, fields, chunks):
    assert ask(quick, post(**fields)).json["usage"]["completion_tokens"] == chunks
