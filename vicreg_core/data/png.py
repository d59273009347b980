"""Pictures small enough to be written into a page: reduced, and encoded as PNG by the standard library."""

from __future__ import annotations

import base64
import struct
import zlib

import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PAETH = 4


def reduced(picture: NDArray[np.uint8], largest: int) -> NDArray[np.uint8]:
    """The picture ``(H, W)`` or ``(H, W, 3)`` with no side above ``largest``, averaged over whole blocks."""
    block = -(-max(picture.shape[:2]) // largest)
    if block <= 1:
        return picture
    height, width = (max(1, side // block) for side in picture.shape[:2])
    kept = picture[: height * block, : width * block]
    blocks = kept.reshape(height, min(block, kept.shape[0]), width, min(block, kept.shape[1]), -1)
    mean: NDArray[np.uint8] = np.rint(blocks.mean(axis=(1, 3))).astype(np.uint8)
    return mean.reshape(height, width, *picture.shape[2:])


def coarsened(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The picture with 32 levels a channel, which halves its file and shows little at thumbnail size."""
    return (picture >> 3) * np.uint8(8) + (picture >> 5)


def png(picture: NDArray[np.uint8]) -> bytes:
    """A PNG file of a picture ``(H, W)`` or ``(H, W, 3) uint8``.

    Rows are filtered by Paeth's predictor (PNG specification, 9.4), which suits photographs.
    """
    height, width = picture.shape[:2]
    pixels = picture.reshape(height, width, -1).astype(np.int16)
    left, above, corner = np.zeros_like(pixels), np.zeros_like(pixels), np.zeros_like(pixels)
    left[:, 1:], above[1:], corner[1:, 1:] = pixels[:, :-1], pixels[:-1], pixels[:-1, :-1]
    guess = left + above - corner
    by_left, by_above, by_corner = (np.abs(guess - each) for each in (left, above, corner))
    predicted = np.where(
        (by_left <= by_above) & (by_left <= by_corner), left, np.where(by_above <= by_corner, above, corner)
    )
    rows = ((pixels - predicted) & 0xFF).astype(np.uint8).reshape(height, -1)
    filtered = np.concatenate([np.full((height, 1), _PAETH, dtype=np.uint8), rows], axis=1)
    colour = 2 if pixels.shape[2] == 3 else 0
    header = struct.pack(">IIBBBBB", width, height, 8, colour, 0, 0, 0)
    body = zlib.compress(filtered.tobytes(), 9)
    return _SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def png_text(picture: NDArray[np.uint8]) -> str:
    """The PNG file in base64."""
    return base64.b64encode(png(picture)).decode("ascii")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
