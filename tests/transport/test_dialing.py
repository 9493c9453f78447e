"""Where requests go: addresses, and proxies of the environment."""

import time
from types import SimpleNamespace

import gevent
import pytest

from katydid.engine.options import RunOptions
from katydid.engine.services.chat import ChatService
from katydid.model.errors import ConfigError
from katydid.model.sample import ErrorClass
from katydid.transport import http
from katydid.transport.dialing import destination, dial
from katydid.transport.exchange import Exchange, Request, Timeouts
from katydid.transport.proxies import is_excepted
from katydid.transport.websocket import WebSocketClient
from rawserver import END, SSE_HEAD, chunks, raw_server
from streams import PROPER
from talking import CLIENTS, Silent, ask

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


@pytest.mark.parametrize("client", CLIENTS)
def test_https_asks_the_proxy_for_a_tunnel_and_a_refusal_is_told(client, monkeypatch):
    seen = []

    def proxy(peer):
        seen.append(peer.request())
        peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")

    with raw_server(proxy) as url:
        monkeypatch.setenv("https_proxy", url)
        sample = ask(client, "https://target.invalid").sample
    assert seen[0].startswith(b"CONNECT target.invalid:443 HTTP/1.")
    assert b"\r\nUser-Agent: katydid/" in seen[0]
    assert (sample.error, sample.blame) == ("connect", "config")
    assert "rejected the tunnel: 407 Proxy Authentication Required" in sample.detail


def test_a_websocket_asks_for_a_tunnel_without_tls_too(monkeypatch):
    seen = []

    def proxy(peer):
        seen.append(peer.request())
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        seen.append(peer.request())
        peer.send(b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n")

    with raw_server(proxy) as url:
        monkeypatch.setenv("http_proxy", url.replace("http://", "http://user:p%40ss@"))
        exchange = Exchange()
        WebSocketClient("http://target.invalid:8000", Timeouts(2.0, 2.0)).converse("/asr", {}, Silent(), exchange)
    assert exchange.status == 404, exchange.detail
    tunnel, handshake = (head.decode().lower() for head in seen)
    assert tunnel.startswith("connect target.invalid:8000 http/1.1\r\n")
    assert "proxy-authorization: basic dxnlcjpwqhnz\r\n" in tunnel
    assert handshake.startswith("get /asr http/1.1\r\n")
    assert "proxy-authorization" not in handshake


def test_no_proxy_is_honoured(monkeypatch):
    monkeypatch.setenv("http_proxy", "http://proxy.invalid:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert destination("http://127.0.0.1:8080").proxy is None
    assert destination("http://elsewhere").proxy.host == "proxy.invalid"


@pytest.mark.parametrize(
    ("host", "port", "no_proxy", "excepted"),
    [
        ("h.example", 80, "", False),
        ("h.example", 80, "*", True),
        ("h.example", 80, "other, h.example", True),
        ("h.example", 80, "other h.example", True),
        ("H.Example.", 80, "h.EXAMPLE", True),
        ("h.example", 80, "example", True),
        ("h.example", 80, ".example", True),
        ("h.example", 80, "*.example", True),
        ("example", 80, ".example", True),
        ("notexample", 80, "example", False),
        ("h.example", 80, "h.example.org", False),
        ("h.example", 8080, "h.example:8080", True),
        ("h.example", 80, "h.example:8080", False),
        ("h.example", 80, "10.0.0.0/8", False),
        ("10.1.2.3", 80, "10.0.0.0/8", True),
        ("10.1.2.3", 80, "10.1.2.0/255.255.255.0", True),
        ("11.1.2.3", 80, "10.0.0.0/8", False),
        ("10.1.2.3", 80, "10.1.2.3", True),
        ("10.1.2.3", 80, "10.1.2.3:80", True),
        ("10.1.2.3", 81, "10.1.2.3:80", False),
        ("10.1.2.3", 80, "2.3", False),
        ("10.1.2.3", 80, "10.1.2.3/x", False),
        ("::1", 80, "::1", True),
        ("::1", 80, "[::1]", True),
        ("::1", 80, "[::1]:80", True),
        ("::1", 81, "[::1]:80", False),
        ("fd00::5", 80, "fd00::/8", True),
        ("localhost", 80, "127.0.0.1", False),
    ],
)
def test_no_proxy_names_hosts_addresses_networks_and_ports(host, port, no_proxy, excepted):
    assert is_excepted(host, port, no_proxy) is excepted


@pytest.mark.parametrize(
    ("url", "variables", "proxy"),
    [
        ("http://t", {"ALL_PROXY": "http://all:1"}, ("all", 1, "ALL_PROXY")),
        ("https://t", {"all_proxy": "http://all:1"}, ("all", 1, "ALL_PROXY")),
        ("http://t", {"ALL_PROXY": "http://all:1", "HTTP_PROXY": "http://one:2"}, ("one", 2, "HTTP_PROXY")),
        ("https://t", {"ALL_PROXY": "http://all:1", "HTTP_PROXY": "http://one:2"}, ("all", 1, "ALL_PROXY")),
        ("http://t", {"HTTP_PROXY": "http://big:1", "http_proxy": "http://small:2"}, ("small", 2, "HTTP_PROXY")),
        ("http://t", {"HTTP_PROXY": "plain:3128"}, ("plain", 3128, "HTTP_PROXY")),
        ("http://t", {"HTTPS_PROXY": "http://one:2"}, None),
        ("http://t:8000", {"ALL_PROXY": "http://all:1", "NO_PROXY": "t:8000"}, None),
        ("http://127.0.0.1", {"ALL_PROXY": "socks5://all:1", "NO_PROXY": "127.0.0.0/8"}, None),
    ],
)
def test_a_proxy_is_the_one_that_curl_would_take(monkeypatch, url, variables, proxy):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    found = destination(url).proxy
    assert (found and (found.host, found.port, found.variable)) == proxy


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("variables", [{"ALL_PROXY": "PROXY"}, {"all_proxy": "PROXY", "NO_PROXY": "10.0.0.0/8,t:1"}])
def test_both_clients_go_through_it(client, monkeypatch, variables):
    seen = []

    def proxy(peer):
        seen.append(peer.request().split(b"\r\n")[0])
        peer.send(SSE_HEAD + chunks(PROPER.encode()) + END)

    with raw_server(proxy) as url:
        for name, value in variables.items():
            monkeypatch.setenv(name, value.replace("PROXY", url))
        assert ask(client, "http://target.invalid:8000").sample.error is None
    assert seen == [b"POST http://target.invalid:8000/v1/chat/completions HTTP/1.1"]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("no_proxy", ["127.0.0.0/8", "127.0.0.1:PORT", "*", "x 127.0.0.1"])
def test_both_clients_go_past_it_where_no_proxy_says_so(client, monkeypatch, no_proxy):
    def target(peer):
        peer.request()
        peer.send(SSE_HEAD + chunks(PROPER.encode()) + END)

    with raw_server(target) as url:
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        monkeypatch.setenv("NO_PROXY", no_proxy.replace("PORT", url.rpartition(":")[2]))
        assert ask(client, url).sample.error is None


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_is_down_is_named_and_is_the_configurations_fault(client, monkeypatch, scheme):
    monkeypatch.setenv(f"{scheme}_proxy", "http://user:hunter2@127.0.0.1:1")
    sample = ask(client, f"{scheme}://target.invalid").sample
    assert (sample.error, sample.blame) == ("connect", "config")
    named = f"the proxy 127.0.0.1:1 ({scheme.upper()}_PROXY) cannot be reached: Connection refused"
    assert sample.detail == named


@pytest.mark.parametrize("client", CLIENTS)
def test_a_proxy_whose_name_nobody_knows_is_named(client, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://proxy.invalid:3128")
    sample = ask(client, "http://target.invalid").sample
    assert (sample.error, sample.blame) == ("dns", "config")
    assert "the proxy proxy.invalid:3128 (ALL_PROXY)" in sample.detail


@pytest.mark.parametrize("client", CLIENTS)
def test_the_look_before_the_load_names_a_proxy_that_is_down(client, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    service = ChatService(RunOptions(client=client), "http://target.invalid")
    with pytest.raises(ConfigError, match=r"the proxy 127\.0\.0\.1:1 \(ALL_PROXY\) .*: start that proxy"):
        service.preflight()
    service.close()


def test_a_proxy_that_is_no_http_url_is_refused(monkeypatch):
    monkeypatch.setenv("http_proxy", "socks5://h:1")
    with pytest.raises(ConfigError, match="HTTP_PROXY is not an http:// URL"):
        destination("http://target.invalid")


def test_a_connection_that_takes_its_time_leaves_less_of_the_time_out(monkeypatch):
    def slow(*arguments):
        gevent.sleep(0.3)
        return dial(*arguments)

    monkeypatch.setattr(http, "dial", slow)
    with raw_server(lambda peer: peer.wait_for_close()) as url:
        client, exchange = http.HttpClient(url, Timeouts(total=0.5, idle=5.0)), Exchange()
        began = time.monotonic()
        client.send(Request("GET", "/", ()), SimpleNamespace(), exchange)
        assert time.monotonic() - began == pytest.approx(0.5, abs=0.1)
    assert exchange.error is ErrorClass.TIMEOUT
