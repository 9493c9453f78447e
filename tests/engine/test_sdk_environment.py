"""The variables of vendors' SDKs: a target where none is given, and a key that goes to nobody else."""

import pytest

from katydid.engine.options import RunOptions
from katydid.engine.sender.sdk_environment import vendors_host, vendors_key
from katydid.engine.services.chat import ChatService

OURS = ("OPENAI_BASE_URL", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "ANTHROPIC_API_KEY", "OLLAMA_HOST")


@pytest.fixture(autouse=True)
def _clean(monkeypatch):
    for name in (*OURS, "LOAD_TEST_API_KEY", "LOAD_TEST_API_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("api", "variable", "value", "url"),
    [
        ("openai", "OPENAI_BASE_URL", "http://h:8000/v1", "http://h:8000/v1"),
        ("openai-responses", "OPENAI_BASE_URL", " http://h/v1 ", "http://h/v1"),
        ("anthropic", "ANTHROPIC_BASE_URL", "https://h", "https://h"),
        ("ollama", "OLLAMA_HOST", "h", "http://h:11434"),
        ("ollama", "OLLAMA_HOST", "0.0.0.0:8080", "http://127.0.0.1:8080"),
        ("ollama", "OLLAMA_HOST", ":8080", "http://127.0.0.1:8080"),
        ("ollama", "OLLAMA_HOST", "https://h/", "https://h:443"),
    ],
)
def test_a_target_that_an_sdk_would_take(monkeypatch, api, variable, value, url):
    assert vendors_host(api) == ("", "")
    monkeypatch.setenv(variable, value)
    assert vendors_host(api) == (url, variable)


@pytest.mark.parametrize(
    ("base", "host", "sent"),
    [
        ("", "https://api.openai.com/v1", True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8000", True),
        ("http://127.0.0.1:8000/v1", "http://127.0.0.1:8001", False),
        ("", "http://127.0.0.1:8000", False),
        ("", "https://api.openai.com.evil.example", False),
        ("", "no url", False),
        ("no url", "no url", False),
    ],
)
def test_a_key_goes_to_its_vendor_or_to_the_sdks_own_target_only(monkeypatch, base, host, sent):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
    monkeypatch.setenv("OPENAI_BASE_URL", base)
    key, note = vendors_key("openai", host)
    assert (key == "sk-secret") is sent
    assert bool(note) is not sent
    assert "sk-secret" not in note


def test_our_own_variable_wins_and_what_is_sent_is_a_secret(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-theirs")
    service = ChatService(RunOptions(model="m"), "https://api.openai.com/v1")
    assert service.secrets() == ["sk-theirs"]
    monkeypatch.setenv("LOAD_TEST_API_KEY", "sk-ours")
    service = ChatService(RunOptions(model="m"), "https://api.openai.com/v1")
    assert (service.secrets(), service.note) == (["sk-ours"], "")
