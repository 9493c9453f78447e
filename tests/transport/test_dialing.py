"""Where requests go: addresses, and proxies of the environment."""

import pytest

from katydid.core.errors import ConfigError
from katydid.transport.dialing import destination
from rawserver import END, SSE_HEAD, chunks, raw_server
from streams import PROPER
from talking import CLIENTS, ask

PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")


@pytest.fixture(autouse=True)
def no_proxies(monkeypatch):
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.parametrize(
    ("url", "authority", "target"),
    [
        ("http://h", "h", "/x"),
        ("http://h:80/", "h", "/x"),
        ("https://h:443", "h", "/x"),
        ("http://h:8080", "h:8080", "/x"),
        ("http://h/base/", "h", "/base/x"),
        ("http://[::1]:81", "[::1]:81", "/x"),
    ],
)
def test_a_url_says_where_requests_go(url, authority, target):
    to = destination(url)
    assert (to.authority, to.request_target("/x")) == (authority, target)


@pytest.mark.parametrize("url", ["", "h:80", "ftp://h", "http://", "http://h:99999", "http://h:0", "http://[::1"])
def test_what_is_no_url_is_refused(url):
    with pytest.raises(ConfigError, match="is not a URL"):
        destination(url)


@pytest.mark.parametrize("client", CLIENTS)
def test_http_goes_through_the_proxy_of_the_environment(client, monkeypatch):
    seen = []

    def proxy(peer):
        seen.append(peer.request())
        peer.send(SSE_HEAD + chunks(PROPER.encode()) + END)

    with raw_server(proxy) as url:
        monkeypatch.setenv("http_proxy", url.replace("http://", "http://user:p%40ss@"))
        sample = ask(client, "http://target.invalid:8000").sample
    assert sample.error is None, sample.detail
    head = seen[0].decode().lower()
    assert head.startswith("post http://target.invalid:8000/v1/chat/completions http/1.1\r\n")
    assert "host: target.invalid:8000\r\n" in head
    assert "proxy-authorization: basic dxnlcjpwqhnz\r\n" in head


def test_https_asks_the_proxy_for_a_tunnel_and_a_refusal_is_told(monkeypatch):
    seen = []

    def proxy(peer):
        seen.append(peer.request())
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with raw_server(proxy) as url:
        monkeypatch.setenv("https_proxy", url)
        sample = ask("fast", "https://target.invalid").sample
    assert seen[0].startswith(b"CONNECT target.invalid:443 HTTP/1.1\r\n")
    assert (sample.error, "407" in sample.detail) == ("connect", True)


def test_no_proxy_is_honoured(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert destination("http://127.0.0.1:8080").proxy is None
    assert destination("http://elsewhere").proxy.host == "proxy.invalid"


def test_a_proxy_that_is_no_http_url_is_refused(monkeypatch):
    monkeypatch.setenv("http_proxy", "socks5://h:1")
    with pytest.raises(ConfigError, match="HTTP_PROXY is not an http:// URL"):
        destination("http://target.invalid")
