"""A server that sends its role at once has not begun to answer: the first token is the first content."""

import pytest

from katydid.target.process import start_target
from talking import CLIENTS, Talker

TTFT_MS = 150.0
BODY = b'{"model": "katydid-small", "stream": true, "messages": [{"role": "user", "content": "hello"}]}'


@pytest.fixture(scope="module")
def hasty(tmp_path_factory):
    log = tmp_path_factory.mktemp("early") / "truth.jsonl"
    with start_target(ttft=TTFT_MS / 1000, chunk_interval=0.005, chunks=5, early_role=True, log=str(log)) as target:
        yield target


@pytest.mark.parametrize("check", ["count", "full"])
@pytest.mark.parametrize("client", CLIENTS)
def test_the_role_that_comes_early_is_no_first_token(hasty, client, check):
    talker = Talker(client, hasty.url)
    sample = talker.ask(check, body=BODY).sample
    talker.close()
    line = hasty.log()[-1]
    truth = (line["first_chunk_mono_ns"] - line["received_mono_ns"]) / 1e6
    assert truth > TTFT_MS - 2
    assert sample.ttft_ms > truth - 1, "the role came about 150 ms before"
    assert sample.chunks == 5
    assert sample.error is None
