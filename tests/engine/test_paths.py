"""Where requests go whose API has the model, or the kind of answer, in its path."""

import pytest

from katydid import OpenAi, dialects, register
from katydid.dialects.event_kinds import EventCutter, EventKind
from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.model.errors import ConfigError
from katydid.workloads.batch.user import WholeAnswers


class Azure(OpenAi):
    name = "azure"
    endpoint = "/openai/deployments/{model}"

    def path(self, generation, *, stream):
        return f"/openai/deployments/{generation.model}/{'stream' if stream else 'whole'}?api-key=k3y"


class Versioned(Azure):
    name = "versioned"
    endpoint = "/v1/models/{model}"

    def path(self, generation, *, stream):
        return f"/v1/models/{generation.model}:ask"


class Raising(Azure):
    name = "raising"

    def path(self, generation, *, stream):
        raise KeyError("region")


class Blank(Azure):
    name = "blank"

    def path(self, generation, *, stream):
        return "models/a b"


class Nothing(Azure):
    name = "nothing"

    def path(self, generation, *, stream):
        return None


class Telling(OpenAi):
    name = "telling"

    def meaning(self, name, data):
        return {b"1": ("text", 4), b"2": ("a word of mine", None), b"3": None}[data]


@pytest.fixture(autouse=True)
def registered():
    before = dict(dialects.DIALECTS)
    for each in (Azure, Versioned, Raising, Blank, Nothing, Telling):
        register(each())
    yield
    dialects.DIALECTS.clear()
    dialects.DIALECTS.update(before)


def service(api, *, base="", kind=ChatService, **options):
    return kind(RunOptions(api=api, **options), f"http://127.0.0.1:9{base}")


def path_of(made, *, stream=True):
    made.begin("big")
    return made.request(user=0, iteration=0, request_id="1", stream=stream).path


@pytest.mark.parametrize("stream", [True, False])
def test_the_path_is_that_of_the_model_and_the_kind_of_answer(stream):
    kind = "stream" if stream else "whole"
    assert path_of(service("azure"), stream=stream) == f"/openai/deployments/big/{kind}?api-key=k3y"


def test_an_api_with_one_path_keeps_it():
    assert path_of(service("openai")) == "/v1/chat/completions"


def test_tables_name_the_path_of_the_workloads_kind_without_its_query():
    for kind, word in ((ChatService, "stream"), (WholeAnswers, "whole")):
        made = service("azure", kind=kind)
        made.begin("big")
        assert made.name == f"/openai/deployments/big/{word}"
        assert "k3y" in made.secrets()


def test_the_endpoint_that_a_person_names_comes_first():
    assert path_of(service("azure", endpoint="/mine")) == "/mine"


@pytest.mark.parametrize("base", ["", "/v1", "/v1/"])
def test_a_version_that_the_base_url_says_too_stands_once(base):
    made = service("versioned", base=base)
    assert made.host + path_of(made) == "http://127.0.0.1:9/v1/models/big:ask"


def test_a_version_of_its_own_in_the_base_url_replaces_the_apis():
    made = service("versioned", base="/api/v3")
    assert made.host + path_of(made) == "http://127.0.0.1:9/api/v3/models/big:ask"


@pytest.mark.parametrize("api", ["raising", "blank", "nothing"])
def test_a_path_that_cannot_be_said_or_sent_is_a_complaint_of_one_line(api):
    with pytest.raises(ConfigError, match=f"--api {api}: its path") as refused:
        service(api).begin("big")
    assert "\n" not in str(refused.value)


def test_a_dialect_says_what_its_events_bring_and_what_it_cannot_say_is_other():
    events = EventCutter("telling").feed(b"data: 1\n\ndata: 2\n\ndata: 3\n\ndata: 4\n\n")
    assert [(kind, tokens) for kind, tokens, _ in events] == [
        (EventKind.TEXT, 4), (EventKind.OTHER, None), (EventKind.OTHER, None), (EventKind.OTHER, None),
    ]  # fmt: skip


def test_without_a_word_of_its_dialect_every_event_is_other():
    assert {kind for kind, *_ in EventCutter("azure").feed(b"data: 1\n\ndata: 2\n\n")} == {EventKind.OTHER}
