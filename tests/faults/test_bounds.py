"""Whatever a target sends, the generator gives it up in time, and its memory stays flat."""

import gzip
import itertools
import subprocess
import sys
import textwrap

import pytest

from katydid.protocol.unpacking import MAX_DECODED
from rawserver import SSE_HEAD, chunks, raw_server
from running import BIN, ROOT
from streams import delta
from talking import CLIENTS

pytestmark = [
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the memory is read from /proc"),
    pytest.mark.slow,
]

MOST_GROWTH = 6 * MAX_DECODED
"""Bytes: what a bomb may unpack to, in the few copies that parsing makes; far from what the target sends."""

EVENT = delta("word").encode()
PACKED = SSE_HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")


TARGETS = {
    "a gzip bomb": lambda: [PACKED, chunks(gzip.compress(b": ping\n\n" * (3 * MAX_DECODED // 8), compresslevel=1))],
    "content without an end": lambda: itertools.chain([SSE_HEAD], itertools.repeat(chunks(EVENT * 500))),
    "an error without an end": lambda: itertools.chain([b"HTTP/1.1 500 No\r\n\r\n"], itertools.repeat(b"x" * 65536)),
}

PROGRAM = """
    import gevent.monkey
    gevent.monkey.patch_all()
    import re, sys
    from pathlib import Path
    from talking import ask

    def most():
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

    client, url = sys.argv[1:]
    ask(client, "http://127.0.0.1:1")  # what is imported late
    before = most()
    print(ask(client, url, total=1.5).sample.error, most() - before)
"""


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("name", TARGETS)
def test_no_target_fills_the_memory(name, client):
    pieces = TARGETS[name]()

    def script(peer):
        peer.request()
        for piece in pieces:
            peer.send(piece)
        peer.wait_for_close()

    with raw_server(script) as url:
        done = subprocess.run(
            [BIN / "python", "-c", textwrap.dedent(PROGRAM), client, url],
            cwd=ROOT / "tests" / "support", capture_output=True, text=True, timeout=60, check=True,
        )  # fmt: skip
    error, growth = done.stdout.split()
    assert error in {"malformed", "timeout"}
    assert int(growth) < MOST_GROWTH
