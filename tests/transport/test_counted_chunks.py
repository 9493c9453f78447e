"""Events that fill a chunk each: counted on the wire or parsed, however they are read, the outcome is the same."""

import random

import pytest

from katydid.dialects import dialect
from katydid.protocol import skim
from katydid.transport.exchange import Exchange
from katydid.transport.receiver import Receiver
from rawserver import END, HEADS
from streams import IDS, STREAMS, facts


def chunked(stream):
    separator = b"\n" if stream.api == "ollama" else b"\n\n"
    events = [event + separator for event in stream.body.split(separator) if event]
    return [b"%x\r\n%s\r\n" % (len(event), event) for event in events]


def read_as(stream, how, *, warm):
    pieces = [HEADS[stream.api], *chunked(stream), END]
    if how == "in blocks":
        pieces = [b"".join(pieces)]
    elif how == "in splits":
        wire, dice = b"".join(pieces), random.Random(len(stream.body))
        cuts = sorted(dice.sample(range(1, len(wire)), 9))
        pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    for _ in range(2 if warm else 1):  # the first answer teaches what the second is counted by
        parser = dialect(stream.api).stream_parser("count")
        receiver = Receiver("POST", parser, exchange := Exchange())
        for number, piece in enumerate(pieces):
            receiver.feed(piece, float(number))
    return facts(parser), exchange.received, exchange.error, exchange.ended, receiver.done, receiver.reusable


@pytest.mark.parametrize("twin", ["python", "c"])
@pytest.mark.parametrize("how", ["an event a read", "in blocks", "in splits"])
@pytest.mark.parametrize("stream", STREAMS, ids=IDS)
def test_a_recorded_answer_in_chunks(monkeypatch, stream, how, twin):
    if twin == "c" and not skim.compiled:
        pytest.skip("no compiler here")
    monkeypatch.setattr(skim, "fastest", skim.compiled if twin == "c" else skim.skim)
    counted = read_as(stream, how, warm=True)
    monkeypatch.setattr(skim, "fastest", lambda _data, position, *_rule: (position, 0, 0))
    monkeypatch.setattr(type(dialect(stream.api).stream_parser("count")), "shape", None)
    monkeypatch.setattr(type(dialect(stream.api).stream_parser("count")), "_learned", None)
    assert counted == read_as(stream, how, warm=False)
