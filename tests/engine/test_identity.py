"""Secrets go to the target that they were meant for; the login of a URL is sent, or it is said that it is not."""

import pytest

from katydid.engine.options import RunOptions
from katydid.engine.sender.api_key import KEY
from katydid.engine.sender.identity import Identity
from katydid.engine.services.chat import ChatService
from katydid.protocol.target_url import read_target_url
from katydid.workloads.burst import BurstOptions
from katydid.workloads.burst.user import BurstService
from katydid.workloads.speech import SpeechOptions
from katydid.workloads.speech.user import SpeechService

HOST = "http://127.0.0.1:8000"
BASIC = "Basic bWU6cDpzcw=="


@pytest.fixture
def secrets(monkeypatch):
    monkeypatch.setenv(KEY, "sk-canary")
    monkeypatch.setenv("GATEWAY", "gw-canary")
    return {"header": "X-Tenant=blue\nX-Gateway=env:GATEWAY\nCookie=a-canary"}


@pytest.mark.parametrize("service", [ChatService, SpeechService])
@pytest.mark.parametrize(
    ("given_to", "host", "sent"),
    [
        (None, HOST, True),
        (HOST, f"{HOST}/v1", True),
        (HOST, "http://127.0.0.1:8001", False),
        (HOST, "http://evil.example", False),
        ("https://127.0.0.1", "http://127.0.0.1:443", False),
        ("none", HOST, False),
    ],
)
def test_only_the_target_of_the_start_is_given_secrets(secrets, service, given_to, host, sent):
    made = service((SpeechOptions if service is SpeechService else RunOptions)(secrets_for=given_to, **secrets), host)
    headers = dict(made.credentials.headers)
    assert ("canary" in str(headers)) == sent
    assert headers["X-Tenant"] == "blue"
    assert ("is not sent to" in made.note) != sent


def test_nor_is_a_stranger_given_secret_fields_of_the_body():
    body = "api_secret=canary\ntop_p=0.5"
    made = ChatService(RunOptions(secrets_for="none", body=body), HOST)
    assert b'"top_p"' in made.changed(b"{}")
    assert b"canary" not in made.changed(b"{}")


@pytest.mark.parametrize("service", [ChatService, SpeechService, BurstService])
def test_the_login_of_a_url_is_sent_as_basic(monkeypatch, service):
    monkeypatch.delenv(KEY, raising=False)
    kinds = {SpeechService: SpeechOptions(), BurstService: BurstOptions(burst_path="/x")}
    made = service(kinds.get(service, RunOptions()), "http://me:p%3Ass@127.0.0.1:8000")
    sent = dict(made._plain_headers if service is BurstService else made.credentials.headers)
    assert sent["Authorization"] == BASIC
    assert {"p:ss", BASIC.removeprefix("Basic ")} <= set(made.secrets())


@pytest.mark.parametrize("more", [{"key": "sk-1"}, {"header": "authorization=Token x"}])
def test_a_key_or_a_header_takes_its_place_and_that_is_said(monkeypatch, more):
    monkeypatch.setenv(KEY, more.get("key", ""))
    url = read_target_url("http://me:p%3Ass@127.0.0.1:8000")
    bearer = lambda key: {"Authorization": f"Bearer {key}"} if key else {}  # noqa: E731 - a dialect's
    made = Identity(RunOptions(header=more.get("header")), url, bearer)
    assert BASIC not in str(made.credentials.headers)
    assert "login in the URL of --host is not sent" in made.note


def test_a_url_without_a_login_has_none(monkeypatch):
    monkeypatch.delenv(KEY, raising=False)
    assert Identity(RunOptions(), read_target_url(HOST), lambda _: {}).credentials.headers == ()
