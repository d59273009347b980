"""The checksum in the first line of a recipe that a run keeps: it is read by what it was made by."""

from __future__ import annotations

import hashlib
import re

_SEAL = re.compile(r"# sha256 ([0-9a-f]{64})[^\n]*\n")


def seal(text: str) -> str:
    """A recipe's text below a line that holds its checksum.

    >>> print(seal("seed: 1\\n"), end="")  # doctest: +ELLIPSIS
    # sha256 ...; delete this line to edit the file
    seed: 1
    """
    return f"# sha256 {_digest(text)}; delete this line to edit the file\n{text}"


def unsealed(text: str) -> str:
    """A recipe's text without that line, where it has one.

    >>> unsealed(seal("seed: 1\\n")), unsealed("seed: 1\\n")
    ('seed: 1\\n', 'seed: 1\\n')
    """
    match = _SEAL.match(text)
    return text[match.end() :] if match else text


def is_sealed_whole(text: str) -> bool:
    """Whether a recipe is as it was sealed; one without a checksum is."""
    match = _SEAL.match(text)
    return match is None or match[1] == _digest(text[match.end() :])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
