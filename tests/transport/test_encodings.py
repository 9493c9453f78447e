"""What Content-Encoding says, and what was really done to a body: both clients read the same out of it."""

import gzip
import zlib

import pytest

from katydid.model.sample import ErrorClass as E
from rawserver import END, SSE_HEAD, chunks, raw_server
from streams import DONE, PROPER, ROLE, STOP, THREE
from talking import CLIENTS, ask

PLAIN = PROPER.encode()
EVENTS = [event.encode() for event in (ROLE, THREE, STOP, DONE)]
MEMBERS = [gzip.compress(event) for event in EVENTS]


def flushed(*, whole=True):
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    pieces = [packer.compress(event) + packer.flush(zlib.Z_SYNC_FLUSH) for event in EVENTS]
    return [*pieces, packer.flush()] if whole else pieces


def raw_deflate(data):
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


CASES = {
    "none": (b"none", [PLAIN], None),
    "a character set": (b"UTF-8", [PLAIN], None),
    "nothing": (b"", [PLAIN], None),
    "identity": (b"Identity", [PLAIN], None),
    "a word of nobody's": (b"no-transform", [PLAIN], None),
    "a list of no codings": (b"identity, none", [PLAIN], None),
    "gzip": (b"gzip", [gzip.compress(PLAIN)], None),
    "gzip by its old name": (b"X-GZIP", [gzip.compress(PLAIN)], None),
    "gzip beside a word": (b"gzip, identity", [gzip.compress(PLAIN)], None),
    "gzip, flushed at every event": (b"gzip", flushed(), None),
    "gzip without its last bytes": (b"gzip", flushed(whole=False), None),
    "gzip, a member an event": (b"gzip", MEMBERS, None),
    "gzip, all members in one chunk": (b"gzip", [b"".join(MEMBERS)], None),
    "gzip members a byte a chunk": (b"gzip", [b"%c" % byte for byte in b"".join(MEMBERS)], None),
    "gzip, an empty member first": (b"gzip", [gzip.compress(b""), *MEMBERS], None),
    "gzip, padded": (b"gzip", [*MEMBERS, bytes(512)], None),
    "deflate": (b"deflate", [zlib.compress(PLAIN)], None),
    "deflate without its wrapper": (b"deflate", [raw_deflate(PLAIN)], None),
    "two codings": (b"deflate, gzip", [gzip.compress(zlib.compress(PLAIN))], None),
    "a coding that nobody asked for": (b"br", [PLAIN], E.MALFORMED),
    "another": (b"zstd", [PLAIN], E.MALFORMED),
    "gzip that is none": (b"gzip", [PLAIN], E.MALFORMED),
    "gzip, damaged": (b"gzip", [gzip.compress(PLAIN)[:-8] + bytes(8)], E.MALFORMED),
}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", CASES)
def test_a_body_is_what_it_was_before_it_was_encoded(client, name):
    said, pieces, error = CASES[name]
    head = SSE_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: %b\r\n\r\n" % said)

    def script(peer):
        peer.request()
        peer.send(head, *map(chunks, pieces), END)

    with raw_server(script) as url:
        told = ask(client, url)
    assert told.sample.error == error, told.sample.detail
    if error is None:
        assert told.sample.chunks == 3
        assert told.exchange.received == sum(map(len, pieces)), "bytes are counted as they came"


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_is_whole_where_only_the_last_line_of_its_chunks_is_missing(client):
    def script(peer):
        peer.request()
        peer.send(SSE_HEAD + chunks(PLAIN) + b"0\r\n")

    with raw_server(script) as url:
        assert ask(client, url).sample.error is None


@pytest.mark.parametrize("client", CLIENTS)
def test_a_head_that_was_cut_off_is_none(client):
    def script(peer):
        peer.request()
        peer.send(SSE_HEAD[:-2])

    with raw_server(script) as url:
        assert ask(client, url).sample.error == E.TRUNCATED
