"""The grades of a corruption, from one that a person hardly minds to one that leaves little."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SEVERITIES = (1, 2, 3, 4, 5)


def strength(strengths: Mapping[str, Sequence[float]], name: str, severity: int) -> float:
    """The strength of a corruption at a severity, out of an augmentation's table.

    Args:
        strengths: five strengths by name of the corruption, mildest first.
        name: of the corruption.
        severity: 1 to 5.

    Raises:
        ValueError: no such corruption or severity.
    """
    if name not in strengths:
        known = ", ".join(strengths) or "none"
        raise ValueError(f"there is no corruption {name!r} (there are: {known})")
    if severity not in SEVERITIES:
        raise ValueError(f"the severity of a corruption is one of 1 to 5, got {severity!r}")
    return strengths[name][severity - 1]
