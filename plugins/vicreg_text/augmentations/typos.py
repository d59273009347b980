"""Slips of a typist, in all texts of a batch at once."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts.keys import Keys

_NEIGHBOURS = {
    "a": "qwsz", "b": "vghn", "c": "xdfv", "d": "serfcx", "e": "wsdr", "f": "drtgvc", "g": "ftyhbv",
    "h": "gyujnb", "i": "ujko", "j": "huikmn", "k": "jiolm", "l": "kop", "m": "njk", "n": "bhjm",
    "o": "iklp", "p": "ol", "q": "wa", "r": "edft", "s": "awedxz", "t": "rfgy", "u": "yhji", "v": "cfgb",
    "w": "qase", "x": "zsdc", "y": "tghu", "z": "asx",
}  # fmt: skip
"""Keys beside each other on an English keyboard."""

_NEIGHBOUR, _DROPPED, _DOUBLED, _SWAPPED = range(4)


def mistype(texts: Sequence[str], share: float, keys: Keys) -> list[str]:
    """Texts in which a share of the characters, white space aside, was mistyped.

    A slip is, with equal chances, a key beside the right one, a letter left out, a letter struck twice, or a
    letter exchanged with the next. Characters that are no letters of the English keyboard are struck twice
    instead of being replaced. A higher share adds slips to those of a lower one.

    Args:
        texts: any characters.
        share: expected share of the characters at which there is a slip.
        keys: one key a text.
    """
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    codes = np.frombuffer("".join(texts).encode("utf-32-le"), dtype="<u4").copy()
    if not len(codes):
        return list(texts)
    inside = torch.arange(int(lengths.max())) < torch.from_numpy(lengths)[:, None]
    # (texts, longest) draws, of which the places within each text are taken, in the order of the characters.
    width = inside.shape[1]
    slips = (keys.uniform("typo", width)[inside].numpy() < share) & (codes > ord(" "))
    kind = keys.integers("typo-kind", 4, width)[inside].numpy()
    which = keys.uniform("typo-neighbour", width)[inside].numpy()
    last = np.zeros(len(codes), dtype=bool)
    last[np.cumsum(lengths)[lengths > 0] - 1] = True
    neighbour = _neighbour(codes, which)
    kind[(kind == _NEIGHBOUR) & (neighbour == 0)] = _DOUBLED

    times = np.ones(len(codes), dtype=np.int64)
    times[slips & (kind == _DROPPED)] = 0
    times[slips & (kind == _DOUBLED)] = 2
    swapped = np.flatnonzero(slips & (kind == _SWAPPED) & ~last)
    # A character takes part in one slip: it is exchanged only with one that has none.
    swapped = swapped[~slips[swapped + 1]]
    typed = np.where(slips & (kind == _NEIGHBOUR), neighbour, codes)
    typed[swapped], typed[swapped + 1] = codes[swapped + 1], codes[swapped]
    return _split(np.repeat(typed, times), times, lengths)


def _neighbour(codes: NDArray[np.uint32], which: NDArray[np.float32]) -> NDArray[np.uint32]:
    """A key beside each, in its case, chosen by a number in ``[0, 1)``; 0 for what is no English letter."""
    table, counts = _tables()
    lower = codes | np.uint32(0x20)
    letter = (lower >= ord("a")) & (lower <= ord("z")) & (codes < 128)
    row = np.where(letter, lower - ord("a"), 0).astype(np.int64)
    found = table[row, (which * counts[row]).astype(np.int64)]
    cased = found - (np.uint32(0x20) - (codes & np.uint32(0x20)))
    return np.where(letter, cased, 0).astype(np.uint32)


@lru_cache(maxsize=1)
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """Code points ``(26, 6)`` of the keys beside each letter, and how many there are."""
    rows = [_NEIGHBOURS[chr(code)] for code in range(ord("a"), ord("z") + 1)]
    counts = np.array([len(row) for row in rows])
    table = np.array([[ord(key) for key in row.ljust(max(counts))] for row in rows], dtype=np.uint32)
    return table, counts


def _split(typed: NDArray[np.uint32], times: NDArray[np.int64], lengths: NDArray[np.int64]) -> list[str]:
    """One string of each text, out of all characters and how often each of the old ones was typed."""
    joined = typed.astype("<u4").tobytes().decode("utf-32-le")
    old_ends = np.cumsum(lengths)
    ends = np.concatenate([[0], np.cumsum(times)])[old_ends]
    starts = np.concatenate([[0], ends[:-1]])
    return [joined[start:end] for start, end in zip(starts.tolist(), ends.tolist(), strict=True)]
