"""A WebSocket's server, as far as tests need one: it takes the handshake, and hears what is said. Knows no Locust."""

import base64
import hashlib

from wsproto.connection import Connection, ConnectionType
from wsproto.events import BytesMessage, TextMessage

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: "


def token_for(key):
    """What answers a client's key."""
    return base64.b64encode(hashlib.sha1(key + GUID).digest())


def token_of(request):
    """The same for the key in a request."""
    lines = request.split(b"\r\n")
    return token_for(next(line.split(b": ")[1] for line in lines if line.lower().startswith(b"sec-websocket-key")))


def accept(peer):
    """Take the handshake; the server's side of the WebSocket."""
    peer.send(SWITCH + token_of(peer.request()) + b"\r\n\r\n")
    return server_side()


def server_side():
    """A server's side of a WebSocket that is open."""
    return Connection(ConnectionType.SERVER)


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
