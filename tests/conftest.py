"""One thread a process: tests are small, and several run beside each other on shared machines."""

from __future__ import annotations

import os

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(autouse=True)
def _no_terminal_width(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables as wide as in a pipe, also where tests run side by side and are told of 80 columns."""
    monkeypatch.delenv("COLUMNS", raising=False)
