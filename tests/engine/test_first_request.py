"""The one real request before a load: what a service refuses is left out of all of them, or told in one line."""

import json
import urllib.request

import pytest

from katydid.dialects import dialect
from katydid.engine.options import RunOptions
from katydid.engine.services.base import NoAnswerError
from katydid.engine.services.chat import ChatService
from katydid.model.errors import ConfigError
from katydid.transport.exchange import Exchange
from strict import ADAPTED, SERVICES, strict_services


@pytest.fixture(scope="module")
def services():
    with strict_services() as url:
        yield url


def service_at(url, **options):
    return ChatService(RunOptions(**{"model": "m", **options}), url)


def asked(services, name):
    """The requests that one has had: those of the look, and the others."""
    request = urllib.request.Request(f"{services}/seen", data=b"{}")
    with urllib.request.urlopen(request) as answer:
        had = [each for each in json.load(answer) if each["path"].startswith(f"/{name}/")]
    return [each["body"] for each in had if each["look"]], [each["body"] for each in had if not each["look"]]


def send(service):
    exchange, parser = Exchange(), dialect("openai").stream_parser("full")
    service.client.send(service.request(user=0, iteration=0, request_id="r", stream=True), parser, exchange)
    return exchange.status, parser.verdict()


@pytest.mark.parametrize("name", ADAPTED)
@pytest.mark.parametrize("client", ["fast", "requests"])
def test_a_service_that_refuses_fields_of_ours_is_asked_without_them(services, name, client):
    service = service_at(f"{services}/{name}/v1", client=client)
    assert service.preflight() == "m"
    renamed, left_out = ADAPTED[name]
    assert service.adaptation.as_dict() == {"renamed": renamed, "left_out": left_out}
    assert send(service) == (200, None)


def test_another_process_that_is_told_of_it_asks_in_the_same_way(services):
    service = service_at(f"{services}/openai-gpt-5/v1")
    service.preflight()
    other = service_at(f"{services}/openai-gpt-5/v1")
    other.adapt(json.loads(json.dumps(service.adaptation.as_dict())))
    other.begin("m")
    assert send(other) == (200, None)
    assert asked(services, "openai-gpt-5")[1][-1]["max_completion_tokens"] == RunOptions().max_tokens


def test_the_look_is_marked_and_asks_for_a_short_answer_whatever_the_run_asks_for(services):
    service_at(f"{services}/easy/v1", max_tokens=5000, body="max_completion_tokens=900\nmin_tokens=500").preflight()
    (look,), load = asked(services, "easy")
    assert (look["max_tokens"], look["max_completion_tokens"], look["min_tokens"]) == (16, 16, 16)
    assert load == []


@pytest.mark.parametrize("how", ["list", "off"])
def test_it_is_sent_only_where_it_is_asked_for(services, how):
    before = asked(services, "kimi")
    service = service_at(f"{services}/kimi/v1", preflight=how)
    service.preflight()
    assert asked(services, "kimi") == before
    assert not service.adaptation


def test_without_any_look_the_model_must_be_named(services):
    with pytest.raises(ConfigError, match="name one with --model"):
        service_at(services, model=None, preflight="off").preflight()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("no-such-model", "rejects the request (404 The model `m` does not exist): check --model"),
        ("no-key", "rejects the API key (401 Incorrect API key provided): set LOAD_TEST_API_KEY"),
        ("wants-a-field", "rejects the request (422 Field required: user): check --api, --model and the fields"),
    ],
)
def test_what_only_the_person_can_mend_ends_in_one_line(services, name, said):
    with pytest.raises(ConfigError) as refused:
        service_at(f"{services}/{name}/v1").preflight()
    assert said in str(refused.value)


def test_a_field_that_the_person_has_set_is_not_for_us_to_leave_out(services):
    with pytest.raises(ConfigError, match="only 1 is allowed"):
        service_at(f"{services}/kimi/v1", body="temperature=0.5").preflight()


@pytest.mark.parametrize(("name", "said"), [("overloaded", "503"), ("limited", "429")])
def test_any_other_failure_is_told_and_the_load_may_begin(services, name, said):
    service = service_at(f"{services}/{name}/v1")
    assert service.preflight() == "m"
    assert said in service.note


def test_a_model_that_needs_more_room_than_the_look_gives_it_is_no_refusal(services):
    service = service_at(f"{services}/no-room-to-reason/v1")
    assert service.preflight() == "m"
    assert (service.note, bool(service.adaptation)) == ("", False)


def test_fields_of_the_body_reach_every_request(services):
    service = service_at(f"{services}/wants-a-field/v1", body="user=me\nresponse_format.type=text\nseed=")
    service.preflight()
    assert send(service) == (200, None)
    body = asked(services, "wants-a-field")[1][-1]
    assert (body["user"], body["response_format"]) == ("me", {"type": "text"})
    assert "seed" not in body


def test_every_service_has_its_test():
    others = {"no-such-model", "no-key", "wants-a-field", "overloaded", "limited", "no-room-to-reason", "easy"}
    assert set(SERVICES) == set(ADAPTED) | others


def test_nothing_there_is_told_as_ever():
    with pytest.raises(NoAnswerError, match="does not answer"):
        service_at("http://127.0.0.1:9").preflight()
