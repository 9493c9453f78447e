"""The look at the target before it is loaded: which model, or in one line why there is none."""

import json

import pytest

from katydid.dialects import dialect
from katydid.engine.services.preflight import choose_model
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass

HOST = "http://127.0.0.1:9"


class Answers:
    """A client whose target answers once, or fails."""

    def __init__(self, status=200, body=b"", error=None, detail=""):
        """`body` is given to the reading of a success, and kept of any other answer, as clients do."""
        self.status, self.body, self.error, self.detail = status, body, error, detail
        self.asked = []

    def send(self, request, parser, exchange):
        self.asked.append((request.method, request.path, dict(request.headers)))
        if self.error:
            exchange.fail(self.error, self.detail)
            return
        exchange.status = self.status
        if not 200 <= self.status < 300:
            exchange.body = self.body
            return
        half = len(self.body) // 2
        parser.feed(self.body[:half], 0.0)
        parser.feed(self.body[half:], 0.1)


def listing(*names):
    return json.dumps({"data": [{"id": name} for name in names]}).encode()


def choose(client, wanted=None):
    return choose_model(client, dialect("openai"), HOST, wanted, (("X-Tenant", "t"),))


def test_the_first_model_is_taken_or_the_one_that_is_wanted():
    client = Answers(body=listing("a", "b"))
    assert (choose(client), choose(client, "b")) == (("a", ""), ("b", ""))
    assert client.asked[0] == ("GET", "/v1/models", {"X-Tenant": "t"})


@pytest.mark.parametrize("answer", [{"status": 404}, {"body": b"<html>"}])
def test_a_target_that_lists_no_models_takes_the_one_that_is_named(answer):
    assert choose(Answers(**answer), "m") == ("m", "")
    with pytest.raises(ConfigError) as refused:
        choose(Answers(**answer))
    assert str(refused.value) == f"{HOST} does not list its models: name one with --model"


@pytest.mark.parametrize(
    ("answer", "wanted", "said"),
    [
        ({"body": listing()}, None, "has no model loaded: load one, or name one with --model"),
        ({"status": 401}, None, "rejects the API key (401): set LOAD_TEST_API_KEY or LOAD_TEST_API_KEY_FILE"),
        ({"status": 403}, None, "rejects the API key (403): set LOAD_TEST_API_KEY or LOAD_TEST_API_KEY_FILE"),
        ({"status": 503}, None, "is not ready yet (503): wait until it has started"),
        (
            {"error": ErrorClass.CONNECT, "detail": "refused"},
            "m",
            "does not answer (refused): start it, or correct --host",
        ),
        ({"error": ErrorClass.DNS, "detail": "no name"}, "m", "does not answer (no name): correct --host"),
        (
            {"error": ErrorClass.TLS, "detail": "unknown issuer"},
            "m",
            "does not answer (unknown issuer): name its authority with --ca-file, or correct --host",
        ),
        (
            {"error": ErrorClass.TIMEOUT, "detail": "timed out"},
            None,
            "does not answer (timed out): check that it is healthy, or correct --host",
        ),
    ],
)
def test_a_target_that_cannot_be_loaded_is_told_in_one_line_with_what_to_do(answer, wanted, said):
    with pytest.raises(ConfigError) as refused:
        choose(Answers(**answer), wanted)
    assert str(refused.value) == f"{HOST} {said}"


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"body": listing()}, "the target does not list the model 'm': it has none"),
        ({"body": listing("a", "b")}, "the target does not list the model 'm': it has a, b"),
        ({"body": listing(*"abcdef")}, "the target does not list the model 'm': it has a, b, c, d, e …"),
        ({"body": listing("m:latest")}, ""),
        ({"status": 403}, ""),
        ({"status": 503}, ""),
        ({"error": ErrorClass.TIMEOUT, "detail": "timed out"}, ""),
    ],
)
def test_a_list_decides_nothing_about_a_model_that_is_named(answer, told):
    assert choose(Answers(**answer), "m") == ("m", told)


FIREWALL = b"""<!DOCTYPE html><html><head><title>Access denied</title><style>p { color: red }</style></head>
<body><script>if (a < b) { track() }</script><p>error&nbsp;code: <b>1010</b></p></body></html>"""


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"status": 403, "body": FIREWALL},
            "rejects the API key (403 Access denied error code: 1010): set LOAD_TEST_API_KEY",
        ),
        (
            {"status": 401, "body": b'{"error": {"message": "no such key"}}'},
            "rejects the API key (401 no such key): ",
        ),
        ({"status": 503, "body": b"loading model"}, "is not ready yet (503 loading model): wait"),
        ({"status": 500, "body": b"boom"}, "does not list its models (500 boom): name one with --model"),
    ],
)
def test_what_the_target_says_itself_is_in_the_complaint(answer, said):
    with pytest.raises(ConfigError) as refused:
        choose(Answers(**answer))
    assert said in str(refused.value)


def test_its_words_are_cut_between_words_since_one_may_be_a_secret():
    with pytest.raises(ConfigError) as refused:
        choose(Answers(status=403, body=b"word " * 31 + b"sk-secret-that-is-long " * 5))
    assert "word …)" in str(refused.value)
