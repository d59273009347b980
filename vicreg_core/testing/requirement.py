"""How a conformance test fails."""

from __future__ import annotations


class NonConforming(AssertionError):
    """A component does not keep its contract; the message says which promise, and what was seen."""


def require(kept: object, otherwise: str) -> None:
    """Fail unless ``kept`` is true; unlike ``assert``, also under ``python -O`` and without pytest.

    Raises:
        NonConforming: with ``otherwise`` as its message.
    """
    if not kept:
        raise NonConforming(otherwise)
