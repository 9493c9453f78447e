"""Frames of a WebSocket as a server writes them, right and wrong; made by hand, so that nothing corrects them."""

import struct

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode: int, payload: bytes | str = b"", *, fin: bool = True, rsv: int = 0, mask: bytes = b"") -> bytes:
    """One frame.

    Args:
        rsv: the three reserved bits, as a number.
        mask: four bytes; a server must not mask.
    """
    data = payload.encode() if isinstance(payload, str) else payload
    masked = 0x80 if mask else 0
    first = (0x80 if fin else 0) | rsv << 4 | opcode
    if len(data) <= 125:
        head = struct.pack("!BB", first, masked | len(data))
    elif len(data) <= 0xFFFF:
        head = struct.pack("!BBH", first, masked | 126, len(data))
    else:
        head = struct.pack("!BBQ", first, masked | 127, len(data))
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)) if mask else head + data


def pieces(opcode: int, *parts: bytes | str, between: bytes = b"") -> bytes:
    """A message in several frames, with something between them."""
    last = len(parts) - 1
    frames = (frame(opcode if at == 0 else CONTINUATION, part, fin=at == last) for at, part in enumerate(parts))
    return between.join(frames)


def closing(code: int, reason: bytes | str = b"") -> bytes:
    """A close frame."""
    return frame(CLOSE, struct.pack("!H", code) + (reason.encode() if isinstance(reason, str) else reason))
