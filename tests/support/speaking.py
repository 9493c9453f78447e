"""Streams of speech with our own client, and servers that answer as a test says, frame by frame."""

from types import SimpleNamespace

from wsproto.events import BytesMessage, CloseConnection, TextMessage

from katydid.model.sample import Sample
from katydid.transport.exchange import Exchange
from katydid.workloads.speech.user import SpeechOptions, SpeechService, judge_stream, measure_stream
from socketserving import accept, hear_out


def speak(url, *, total=5.0, idle=2.0, **options):
    """One stream: its sample, and what it was made of."""
    service = SpeechService(SpeechOptions(request_timeout=total, idle_timeout=idle, **options), url)
    sample = Sample(request_id="r", user=0, iteration=0, worker="local", name="/", scheduled_ms=0.0)
    exchange, utterance = Exchange(), service.audio_stream(0, 0, "r")
    service.client.converse(service.path, service.headers("r"), utterance, exchange)
    sample.status = exchange.status
    measure_stream(sample, utterance)
    judge_stream(sample, exchange, utterance)
    return SimpleNamespace(sample=sample, exchange=exchange, utterance=utterance, **sample.extra)


def text(message):
    return TextMessage(data=message)


def binary(message):
    return BytesMessage(data=message)


def close(code, reason=None):
    return CloseConnection(code=code, reason=reason)


def answering(*events, after_stop=True, end="close"):
    """A script: accept, hear the stream out (or not), say these events or raw bytes, and end as said."""

    def script(peer):
        socket = accept(peer)
        if after_stop:
            hear_out(peer, socket)
        for event in events:
            peer.send(event if isinstance(event, bytes) else socket.send(event))
        if end == "reset":
            peer.reset()
        elif end == "stay":
            peer.wait_for_close()

    return script
