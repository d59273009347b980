"""Small images for the tests, as files and as bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

Image = pytest.importorskip("PIL.Image")


def colour(seed: int, height: int = 12, width: int = 10) -> NDArray[np.uint8]:
    """``(height, width, 3)`` random pixels."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def gray(seed: int, height: int = 12, width: int = 10) -> NDArray[np.uint8]:
    """``(height, width)`` random pixels."""
    return colour(seed, height, width)[..., 0]


def encoded(pixels: Any, kind: str = "PNG", **options: Any) -> bytes:
    """The bytes of a file with these pixels, or this PIL image."""
    image = pixels if hasattr(pixels, "save") else Image.fromarray(pixels)
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def write(path: Path, content: bytes | NDArray[Any]) -> Path:
    """Write bytes, or pixels as PNG, with the folders above."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else encoded(content))
    return path
