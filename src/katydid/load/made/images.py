"""`--images N:WxH`: generated PNG images. Pure.

An image consists of coloured tiles. The colours depend on the seed, the user and the iteration, so both versions of a
comparison get the same images, and no two images of a run are alike. PNG: ISO/IEC 15948, 8 bits per channel, not
interlaced.
"""

import re
import struct
import zlib
from base64 import b64encode
from dataclasses import dataclass
from hashlib import shake_128

from katydid.model.options.quantities import QuantityError, quoted

MOST_IMAGES, MOST_PIXELS = 64, 16_000_000
TILE = 16
"""Side of a tile, in pixels."""
_SPEC = re.compile(r"(?:(\d{1,9})\s*:\s*)?(\d{1,9})\s*[xX×]\s*(\d{1,9})")
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_FORM = (8, 2, 0, 0, 0)
"""Bit depth, colour type, compression, filter, interlacing."""
_NO_FILTER = b"\0"
_COLOURS = 3
_QUICK = 1
"""Compression level: tiles compress well at any level."""


@dataclass(frozen=True, slots=True)
class Images:
    """The images of each request.

    Attributes:
        count: images per request.
        width, height: in pixels.
    """

    count: int
    width: int
    height: int

    def __str__(self) -> str:
        """Format the value as `read_images` parses it."""
        return f"{self.count}:{self.width}x{self.height}"

    def made(self, seed: int, user: int, iteration: int) -> list[str]:
        """Return the images of a request, as PNG in base64."""
        return [b64encode(self._png(f"{seed} {user} {iteration} {number}")).decode() for number in range(self.count)]

    def _png(self, name: str) -> bytes:
        across, down = -(-self.width // TILE), -(-self.height // TILE)
        colours = shake_128(name.encode()).digest(max(across * down * _COLOURS, 8))
        rows = []
        for tile in range(down):
            begin = tile * across * _COLOURS
            line = b"".join(
                colours[at : at + _COLOURS] * TILE for at in range(begin, begin + across * _COLOURS, _COLOURS)
            )
            rows.append((_NO_FILTER + line[: self.width * _COLOURS]) * min(TILE, self.height - tile * TILE))
        head = struct.pack(">II5B", self.width, self.height, *_FORM)
        data = zlib.compress(b"".join(rows), _QUICK)
        return (
            _SIGNATURE
            + _chunk(b"IHDR", head)
            + _chunk(b"tEXt", b"Comment\0" + name.encode())
            + _chunk(b"IDAT", data)
            + _chunk(b"IEND", b"")
        )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def read_images(text: str) -> Images:
    """Parse `2:512x512`, or `512x512` for one image.

    Raises:
        QuantityError: the text does not have this form, or exceeds a limit.
    """
    found = _SPEC.fullmatch(text.strip())
    if found is None:
        raise QuantityError(f"{quoted(text)} is not N:WxH, such as 1:512x512")
    images = Images(int(found[1] or 1), int(found[2]), int(found[3]))
    if not 1 <= images.count <= MOST_IMAGES:
        raise QuantityError(f"{quoted(text)}: a request must have from 1 to {MOST_IMAGES} images")
    if not 0 < images.width * images.height <= MOST_PIXELS:
        raise QuantityError(f"{quoted(text)}: an image must have from 1 to {MOST_PIXELS:,} pixels")
    return images


def images(text: str) -> str:
    """Return the canonical spelling, as the `kind` of an option; raises as `read_images` does."""
    return str(read_images(text))
