"""Limits of the machine are named with their remedy, whatever a library raised for them."""

from __future__ import annotations

import errno
import os

import pytest

from vicreg_core.cli.frame import _block
from vicreg_core.cli.limits import limit_met


class SafetensorError(Exception):
    """As safetensors names its own."""


def system(number: int) -> OSError:
    return OSError(number, os.strerror(number), "/somewhere/x")


def caused(outer: Exception, inner: Exception) -> Exception:
    outer.__cause__ = inner
    return outer


CASES = [
    (system(errno.ENOSPC), "No space left on device (/somewhere/x): make room"),
    (system(errno.EMFILE), "data.workers"),
    (system(errno.EROFS), "read-only"),
    (system(errno.EACCES), "permissions"),
    (caused(ValueError("while writing"), system(errno.ENOSPC)), "No space left on device"),
    (MemoryError(), "train.batch_size"),
    (
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:121] data. DefaultCPUAllocator: can't allocate memory: x"
        ),
        "memory",
    ),
    (RuntimeError("CUDA out of memory. Tried to allocate 20.00 GiB"), "evaluate.max_train"),
    (RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"), "No space left"),
    (Exception("No space left on device (os error 28)"), "No space left"),
    (RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"), "No space left"),
    (
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        "make room",
    ),
]


@pytest.mark.parametrize(("error", "words"), CASES, ids=lambda value: str(value)[:40])
def test_a_limit_is_one_message_and_no_bug(error: Exception, words: str):
    title, text = _block(error)
    assert title == "Error:"
    assert words in text
    assert "bug" not in text


@pytest.mark.parametrize("error", [RuntimeError("shapes differ"), ValueError("out of memory"), KeyError("x")])
def test_what_is_no_limit_stays_a_bug(error: Exception):
    assert limit_met(error) is None
    assert "This is a bug" in _block(error)[1]
