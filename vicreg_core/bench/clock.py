"""Exclusive timing: every moment belongs to the innermost span that is open, so that spans add up."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Clock:
    """Adds up seconds by name; moments outside of any span belong to ``rest``.

    Args:
        rest: name of what no span covers.
        settle: waits for a device at the ends of a span, so that what was started there is counted there.
    """

    def __init__(self, rest: str, settle: Callable[[], None] = lambda: None) -> None:
        self.settle = settle
        self._open = [rest]
        self.restart()

    def restart(self) -> None:
        """Forget what was counted."""
        self.settle()
        self.seconds: dict[str, float] = {}
        self.began = self._last = time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds since the start, up to now."""
        self._charge()
        return self._last - self.began

    @contextmanager
    def span(self, name: str) -> Iterator[None]:
        """What happens within counts for ``name``, save what spans inside it count."""
        self._charge()
        self._open.append(name)
        try:
            yield
        finally:
            self._charge()
            self._open.pop()

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, each call of it a span."""

        @wraps(function)
        def within(*args: Any, **kwargs: Any) -> Any:
            with self.span(name):
                return function(*args, **kwargs)

        return within

    def _charge(self) -> None:
        self.settle()
        now = time.perf_counter()
        name = self._open[-1]
        self.seconds[name] = self.seconds.get(name, 0.0) + now - self._last
        self._last = now
