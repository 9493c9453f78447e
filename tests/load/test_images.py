"""Made images: PNG of the size that was asked for, the same for both versions, and no two alike."""

import struct
import zlib
from base64 import b64decode

import pytest

from katydid.load.made.images import Images, images, read_images
from katydid.model.options.quantities import QuantityError


def chunks(data):
    """The chunks of a PNG, each checked by its own sum."""
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    at, found = 8, {}
    while at < len(data):
        (length,) = struct.unpack(">I", data[at : at + 4])
        kind, content = data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        assert struct.unpack(">I", data[at + 8 + length : at + 12 + length]) == (zlib.crc32(kind + content),)
        found[kind] = content
        at += 12 + length
    return found


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 16), (33, 17), (640, 480)])
def test_an_image_is_a_png_of_its_size(width, height):
    (image,) = Images(1, width, height).made(0, 0, 0)
    found = chunks(b64decode(image))
    assert next(iter(found)) == b"IHDR"
    assert list(found)[-1] == b"IEND"
    assert struct.unpack(">II5B", found[b"IHDR"]) == (width, height, 8, 2, 0, 0, 0)
    pixels = zlib.decompress(found[b"IDAT"])
    assert len(pixels) == height * (1 + 3 * width)
    assert {pixels[row * (1 + 3 * width)] for row in range(height)} == {0}  # no filter


def test_images_follow_from_the_seed_and_no_two_are_alike():
    pictures = Images(2, 32, 32)
    found = [each for user in range(10) for turn in range(10) for each in pictures.made(1, user, turn)]
    assert len(set(found)) == 200
    assert pictures.made(1, 3, 4) == Images(2, 32, 32).made(1, 3, 4) != pictures.made(2, 3, 4)
    seen = {zlib.decompress(chunks(b64decode(each))[b"IDAT"]) for each in found}
    assert len(seen) == 200


@pytest.mark.parametrize(("text", "said"), [("2:512x384", "2:512x384"), (" 1 : 8X8 ", "1:8x8"), ("64×32", "1:64x32")])
def test_a_size_is_spelled_in_one_way(text, said):
    assert images(text) == said


@pytest.mark.parametrize("text", ["", "512", "0:8x8", "65:8x8", "1:0x8", "1:99999x99999", "1:8x8x8", "-1:8x8", "a:8x8"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(QuantityError):
        read_images(text)
