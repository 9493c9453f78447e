"""Streams of speech with our own client, and servers that answer as a test says, frame by frame."""

import base64
import hashlib
from types import SimpleNamespace

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage

from katydid.core.sample import Sample
from katydid.transport.exchange import Exchange
from katydid.users.speech import SpeechOptions, SpeechService, judge_utterance, measure_utterance

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def speak(url, *, total=5.0, idle=2.0, **options):
    """One stream: its sample, and what it was made of."""
    service = SpeechService(SpeechOptions(request_timeout=total, idle_timeout=idle, **options), url)
    sample = Sample(request_id="r", user=0, iteration=0, worker="local", name="/", scheduled_ms=0.0)
    exchange, utterance = Exchange(), service.utterance(0, 0, "r")
    service.client.converse(service.path, service.headers("r"), utterance, exchange)
    sample.status = exchange.status
    measure_utterance(sample, utterance)
    judge_utterance(sample, exchange, utterance)
    return SimpleNamespace(sample=sample, exchange=exchange, utterance=utterance, **sample.extra)


def accept(peer):
    """Take the handshake; the server's side of the WebSocket."""
    head = peer.request()
    key = next(line.split(b": ")[1] for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key"))
    token = base64.b64encode(hashlib.sha1(key + GUID).digest())
    peer.send(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: " + token + b"\r\n\r\n"
    )
    return Connection(ConnectionType.SERVER)


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


def hear_out(peer, socket):
    """Read until the stop message of any dialect; the audio that came before it."""
    audio = b""
    while data := peer.sock.recv(65536):
        socket.receive_data(data)
        for event in socket.events():
            if isinstance(event, BytesMessage):
                audio += event.data
            elif isinstance(event, TextMessage) and any(mark in event.data for mark in ('"stop"', "eof", "false")):
                return audio
    return audio
