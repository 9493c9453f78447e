"""Requests with images: where each API has them, that no two are alike, and who refuses them."""

import json
from base64 import b64decode

import pytest

from katydid.dialects import DIALECTS
from katydid.dialects.base import TEXT, answers_of
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.model.errors import ConfigError
from katydid.model.sample import Sample
from katydid.workloads.retrieval import EmbedOptions
from katydid.workloads.retrieval.embed import EmbedService
from katydid.workloads.tools import ToolsOptions
from katydid.workloads.tools.user import ToolsService

TAKERS = {"openai", "anthropic", "ollama"}


def service(api="openai", **options):
    found = ChatService(RunOptions(api=api, images="2:32x32", model="m", preflight="off", **options), "http://h")
    found.preflight()
    return found


def message(found, user=0, iteration=0):
    sample = Sample(request_id="r", user=user, iteration=iteration, worker="w", name="n", scheduled_ms=0.0)
    body = json.loads(found.request_for(sample, (user, iteration), stream=True).body)
    return body, body["messages"][-1]


def is_png(text):
    return b64decode(text).startswith(b"\x89PNG")


@pytest.mark.parametrize("more", [{}, {"input_tokens": "50"}, {"output_tokens": "9"}], ids=["file", "made", "answers"])
def test_openais_are_data_urls_behind_the_text(more):
    _, asked = message(service(**more))
    text, *urls = asked["content"]
    assert text["type"] == "text"
    assert text["text"]
    assert [each["type"] for each in urls] == ["image_url"] * 2
    kinds, data = zip(*(each["image_url"]["url"].split(",") for each in urls), strict=True)
    assert set(kinds) == {"data:image/png;base64"}
    assert all(map(is_png, data))


def test_anthropics_are_blocks_before_the_text():
    _, asked = message(service("anthropic"))
    *images, text = asked["content"]
    assert [(each["type"], each["source"]["type"], each["source"]["media_type"]) for each in images] == [
        ("image", "base64", "image/png")
    ] * 2
    assert all(is_png(each["source"]["data"]) for each in images)
    assert text["type"] == "text"


def test_ollamas_stand_beside_the_content():
    _, asked = message(service("ollama"))
    assert isinstance(asked["content"], str)
    assert len(asked["images"]) == 2
    assert all(map(is_png, asked["images"]))


def test_they_are_in_the_last_message_of_a_user(tmp_path):
    turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"},
             {"role": "assistant", "content": "d"}]  # fmt: skip
    (tmp_path / "p.jsonl").write_text(json.dumps({"messages": turns, "output_tokens": 7}) + "\n")
    body, _ = message(service(prompts=str(tmp_path / "p.jsonl")))
    assert [isinstance(each["content"], list) for each in body["messages"]] == [False, False, True, False]
    assert body["max_tokens"] == 7


def test_no_two_requests_have_the_same_and_both_versions_have():
    turns = [(user, turn) for user in range(4) for turn in range(6)]
    first, second = (
        [json.dumps(message(found, *turn)[1]["content"][1:]) for turn in turns]
        for found in (service(seed=3), service(seed=3))
    )
    assert len(set(first)) == 24
    assert first == second


@pytest.mark.parametrize("api", sorted(name for name, each in DIALECTS.items() if answers_of(each) == TEXT))
def test_an_api_without_a_place_for_them_refuses_them(api):
    if api in TAKERS:
        assert message(service(api))
        return
    with pytest.raises(ConfigError, match=f"--images: this workload sends no images with --api {api}: leave it out"):
        service(api)


def test_workloads_whose_requests_are_their_own_refuse_them():
    with pytest.raises(ConfigError, match="--images: this workload has its own requests"):
        ToolsService(ToolsOptions(images="1:8x8"), "http://h")
    with pytest.raises(ConfigError, match="--images: this workload sends no images with --api embeddings"):
        EmbedService(EmbedOptions(images="1:8x8"), "http://h")
