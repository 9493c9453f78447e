"""What `--host` may look like, and where requests then go."""

import pytest

from katydid.dialects import DIALECTS
from katydid.model.errors import ConfigError
from katydid.protocol.target_url import joined, place, read_target_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://h", "http://h"),
        ("http://h/", "http://h"),
        ("http://h:80", "http://h"),
        ("https://h:443/", "https://h"),
        ("http://h:8000/v1/", "http://h:8000/v1"),
        ("http://h:8000//v1//", "http://h:8000/v1"),
        ("  http://h:8000/v1\r\n", "http://h:8000/v1"),
        ("http://h:8000\r", "http://h:8000"),
        ("\ufeffhttp://h", "http://h"),
        ("HTTP://Host.Example.:8000/Path", "http://host.example:8000/Path"),
        ("http://[::1]:81/x", "http://[::1]:81/x"),
        ("http://user:secret@h:1/x", "http://h:1/x"),
    ],
)
def test_all_spellings_of_a_url_come_to_one_normal_form(text, url):
    assert read_target_url(text).url == url
    assert read_target_url(url).url == url


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is not a URL"),
        ("h:80", "is not a URL"),
        ("ftp://h", "is not a URL"),
        ("http://", "is not a URL"),
        ("http://h:99999", "is not a URL"),
        ("http://h:0", "is not a URL"),
        ("http://[::1", "is not a URL"),
        ("http://h /v1", "blank or control character"),
        ("http://h/a b", "blank or control character"),
        ("http://h/a\r\nX: y", "blank or control character"),
        ("http://h/é", "percent-encoded"),
        ("http://h/v1?api-version=1", "--endpoint"),
        ("http://h?", "--endpoint"),
        ("http://h/#x", "--endpoint"),
    ],
)
def test_what_is_no_url_of_a_target_is_refused_in_one_line(text, said):
    with pytest.raises(ConfigError) as refused:
        read_target_url(text)
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(
    "text", ["http://u:hunter2@h?", "u:hunter2@h", "http://h/?key=hunter2", "h?key=hunter2", "http://u:hunter2@h/a b"]
)
def test_a_refusal_shows_no_secret(text):
    with pytest.raises(ConfigError) as refused:
        read_target_url(text)
    assert "hunter2" not in str(refused.value)


OPENAI = [
    ("", "/v1/chat/completions", "/v1/models"),
    ("/v1", "/v1/chat/completions", "/v1/models"),
    ("/v1/chat/completions", "/v1/chat/completions", "/v1/models"),
    ("/v1/models", "/v1/chat/completions", "/v1/models"),
    ("/openai", "/openai/v1/chat/completions", "/openai/v1/models"),
    ("/openai/v1", "/openai/v1/chat/completions", "/openai/v1/models"),
    ("/openai/v1/chat/completions", "/openai/v1/chat/completions", "/openai/v1/models"),
    ("/api", "/api/v1/chat/completions", "/api/v1/models"),
    ("/api/v1", "/api/v1/chat/completions", "/api/v1/models"),
    ("/api/v3", "/api/v3/chat/completions", "/api/v3/models"),
    ("/api/paas/v4/chat/completions", "/api/paas/v4/chat/completions", "/api/paas/v4/models"),
    ("/v1beta/openai", "/v1beta/openai/chat/completions", "/v1beta/openai/models"),
    ("/v1/account/gateway/openai", "/v1/account/gateway/openai/chat/completions", "/v1/account/gateway/openai/models"),
    ("/chat/completions", "/chat/completions", "/models"),
    ("/deployments/d/chat/completions", "/deployments/d/chat/completions", "/deployments/d/models"),
]
OTHERS = [
    ("openai-responses", "/v1", "/v1/responses", "/v1/models"),
    ("openai-responses", "/x/v1/responses", "/x/v1/responses", "/x/v1/models"),
    ("anthropic", "", "/v1/messages", "/v1/models"),
    ("anthropic", "/v1", "/v1/messages", "/v1/models"),
    ("anthropic", "/v1/messages", "/v1/messages", "/v1/models"),
    ("anthropic", "/api/anthropic", "/api/anthropic/v1/messages", "/api/anthropic/v1/models"),
    ("ollama", "", "/api/chat", "/api/tags"),
    ("ollama", "/api", "/api/chat", "/api/tags"),
    ("ollama", "/api/chat", "/api/chat", "/api/tags"),
    ("ollama", "/api/tags", "/api/chat", "/api/tags"),
    ("ollama", "/ollama/api", "/ollama/api/chat", "/ollama/api/tags"),
    ("ollama", "/v1", "/api/chat", "/api/tags"),
    ("ollama", "/chat", "/chat/api/chat", "/chat/api/tags"),
    ("generic-sse", "", "/", "/v1/models"),
    ("generic-sse", "/v1", "/v1/", "/v1/models"),
]


@pytest.mark.parametrize(("api", "path", "endpoint", "models"), [("openai", *row) for row in OPENAI] + OTHERS)
def test_a_base_url_or_a_whole_endpoint_says_where_an_api_is(api, path, endpoint, models):
    dialect = DIALECTS[api]
    found = place(path, dialect.endpoint, dialect.models_endpoint)
    assert joined(found.base, found.endpoint) == endpoint
    assert joined(found.base, found.models) == models


@pytest.mark.parametrize("spelling", ["/v1", "/v1/chat/completions", "/v1/models"])
def test_spellings_of_one_target_have_one_base(spelling):
    assert place(spelling, "/v1/chat/completions", "/v1/models") == ("", "/v1/chat/completions", "/v1/models")


@pytest.mark.parametrize(
    ("api", "path", "chosen", "endpoint", "models"),
    [
        ("openai", "", "/x", "/x", "/v1/models"),
        ("openai", "/v1", "/chat/completions", "/v1/chat/completions", "/v1/models"),
        ("openai", "/v1", "/v1/chat/completions", "/v1/chat/completions", "/v1/models"),
        ("openai", "/v1", "/x", "/v1/x", "/v1/models"),
        ("openai", "/v1/chat/completions", "/v1/chat/completions", "/v1/chat/completions", "/v1/models"),
        ("openai", "/v1/chat/completions", "/x", "/v1/x", "/v1/models"),
        ("openai", "/g/v1", "/v1/x?a=/v1/b", "/g/v1/x?a=/v1/b", "/g/v1/models"),
        ("openai", "/g", "/x", "/g/x", "/g/v1/models"),
        ("generic-sse", "/v1", "/v1/stream", "/v1/stream", "/v1/models"),
        ("generic-sse", "/v1", "/stream", "/v1/stream", "/v1/models"),
        ("generic-sse", "/g/stream", "/g/stream", "/g/stream", "/v1/models"),
        ("ollama", "/api", "/api/generate", "/api/generate", "/api/tags"),
        ("ollama", "/api/chat", "/api/generate", "/api/generate", "/api/tags"),
    ],
)
def test_an_endpoint_of_ones_own_stands_below_the_base_and_nothing_twice(api, path, chosen, endpoint, models):
    dialect = DIALECTS[api]
    found = place(path, dialect.endpoint, dialect.models_endpoint, chosen)
    assert joined(found.base, found.endpoint) == endpoint
    assert joined(found.base, found.models) == models


@pytest.mark.parametrize(
    ("base", "path", "whole"),
    [
        ("", "/x", "/x"),
        ("/base", "/x", "/base/x"),
        ("/v1", "/v1/x", "/v1/x"),
        ("/a/v1", "/v1/x", "/a/v1/x"),
        ("/v1", "/v1?q=1", "/v1?q=1"),
        ("/v1", "/v2/x", "/v1/v2/x"),
        ("/api", "/api/sessions", "/api/sessions"),
        ("/rooms", "/rooms/1", "/rooms/rooms/1"),
        ("/rooms/1", "/rooms/1", "/rooms/1"),
        ("/base", "/", "/base/"),
    ],
)
def test_a_path_below_a_base_says_nothing_twice(base, path, whole):
    assert joined(base, path) == whole
