"""Both clients give the same outcome on the same bytes, over a real socket, however they are split."""

import random

import pytest

from rawserver import END, HEADS, chunks, raw_server
from streams import IDS, STREAMS
from talking import CLIENTS, ask


def pieces_of(message: bytes, how: str) -> list[bytes]:
    if how == "whole":
        return [message]
    if how == "byte by byte":
        return [message[i : i + 1] for i in range(len(message))]
    dice = random.Random(len(message))
    cuts = sorted(dice.sample(range(1, len(message)), 12))
    return [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("how", ["whole", "byte by byte", "random"])
@pytest.mark.parametrize("stream", STREAMS, ids=IDS)
def test_a_recorded_answer(client, how, stream):
    half = len(stream.body) // 2
    message = HEADS[stream.api] + chunks(stream.body[:half], stream.body[half:]) + END

    def script(peer):
        peer.request()
        peer.send(*pieces_of(message, how))

    with raw_server(script) as url:
        told = ask(client, url, api=stream.api)
    found = (told.sample.error, told.sample.chunks, told.sample.completion_tokens)
    assert found == (stream.error, stream.chunks, stream.tokens), told.sample.detail
    assert told.sample.bytes is not None
    assert (told.sample.ttft_ms is None) == (stream.chunks == 0)
    assert told.sample.duration_ms is not None
