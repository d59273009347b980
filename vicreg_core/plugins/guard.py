"""Imports of other people's code must not be felt by the rest of the process."""

from __future__ import annotations

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout


@contextmanager
def undisturbed() -> Iterator[list[str]]:
    """Put back what the block changes of the root logger and of ``warnings.showwarning``.

    Standard output goes to standard error meanwhile, so that a plugin that prints cannot spoil ``--json``.

    Yields:
        A list that holds, after the block, one line for each thing that was put back.
    """
    notes: list[str] = []
    root, show_warning = logging.getLogger(), warnings.showwarning
    handlers, level = list(root.handlers), root.level
    try:
        with redirect_stdout(sys.stderr):
            yield notes
    finally:
        if root.handlers != handlers or root.level != level:
            root.handlers[:] = handlers
            root.setLevel(level)
            notes.append("its import changes the root logger; undone")
        if warnings.showwarning is not show_warning:
            warnings.showwarning = show_warning
            notes.append("its import replaces warnings.showwarning; undone")
