"""`--before-run`: a request that readies the target, and its key, which no stranger gets."""

from contextlib import contextmanager

import pytest

from katydid.engine.options import RunOptions
from katydid.engine.services.readiness import ready_target
from katydid.model.errors import ConfigError
from katydid.target.process import start_target
from katydid.transport.exchange import TlsSettings
from rawserver import raw_server

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 12\r\n\r\nno: s3cret-1"
KEY = (("Authorization", "Bearer s3cret-1"),)


@contextmanager
def serving(answer):
    """A server that gives one answer to all, its URL and what it was asked."""
    asked = []

    def script(peer):
        asked.append(peer.request())
        peer.send(answer)

    with raw_server(script) as url:
        yield url, asked


def ready(asked, host):
    ready_target(asked, host, TlsSettings(), KEY, ["s3cret-1"])


def test_a_path_is_the_targets_own_and_gets_its_headers():
    with serving(OK) as (url, asked):
        ready("/reset?now=1", f"{url}/v1")
        ready(f"{url}/reset", url)
    first, second = asked
    assert first.startswith(b"POST /reset?now=1 ")
    assert second.startswith(b"POST /reset ")
    assert all(b"Bearer s3cret-1" in each and b"X-Katydid-Preflight: 1" in each for each in (first, second))


def test_another_server_gets_no_key():
    with serving(OK) as (url, asked):
        ready(f"{url}/admin/restart", "http://127.0.0.1:9")
    assert b"s3cret-1" not in asked[0]


@pytest.mark.parametrize("asked", ["reset", "ftp://h/x", ""])
def test_what_is_not_a_url_is_refused(asked):
    with pytest.raises(ConfigError, match="is not a URL"):
        ready(asked, "http://127.0.0.1:9")


def test_a_refusal_is_told_without_the_key_and_so_is_silence():
    with serving(REFUSED) as (url, _), pytest.raises(ConfigError, match=r"/reset answered 403 no: ") as refused:
        ready("/reset", url)
    assert "s3cret-1" not in str(refused.value)
    with pytest.raises(ConfigError, match="does not answer"):
        ready("http://127.0.0.1:9/reset", "http://127.0.0.1:9")


def test_the_embedded_target_empties_its_cache_so():
    with start_target(prefix_cache=100) as target:
        ready("/reset_prefix_cache", target.url)


def test_what_others_read_of_it_has_no_secret():
    shown = RunOptions(before_run="http://me:pass@h/reset?token=abc&all=1").shown()["before_run"]
    assert shown == "http://h/reset"
