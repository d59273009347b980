"""A keyed permutation of ``range(n)`` that is computed, not held: any place of it in O(1) memory.

A Feistel network (Luby and Rackoff, "How to construct pseudorandom permutations from pseudorandom functions",
SIAM J. Comput. 17(2), 1988) permutes the numbers of as many bits as ``n - 1`` has; what falls outside
``range(n)`` is sent through it again until it falls inside (cycle walking, Black and Rogaway, "Ciphers with
arbitrary finite domains", CT-RSA 2002), fewer than twice on average. Its rounds are SplitMix64's finaliser.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts.keys import mix_int

_ROUNDS = 8
_MIX_1, _MIX_2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)


def permuted(places: NDArray[np.int64], n: int, key: int) -> NDArray[np.int64]:
    """What stands at some places of the permutation of ``range(n)`` that ``key`` names.

    Args:
        places: ``(m,) int64`` in ``range(n)``.
        n: at most 2^62.
        key: any integer; another key is another permutation.

    Returns:
        ``(m,) int64``; all of ``range(n)`` where ``places`` is.
    """
    values = places.astype(np.uint64)
    bits = max(1, (n - 1).bit_length())
    keys = [np.uint64(mix_int(key, turn) % (1 << 64)) for turn in range(_ROUNDS)]
    outside = np.arange(len(values))
    while len(outside):
        values[outside] = _network(values[outside], bits, keys)
        outside = outside[values[outside] >= n]
    return values.astype(np.int64)


def _network(values: NDArray[np.uint64], bits: int, keys: list[np.uint64]) -> NDArray[np.uint64]:
    """A permutation of the numbers of ``bits`` bits: each half is masked by a hash of the other, in turn."""
    low_bits = np.uint64((bits + 1) // 2)
    low_mask = np.uint64((1 << int(low_bits)) - 1)
    high, low = values >> low_bits, values & low_mask
    high_mask = np.uint64((1 << (bits - int(low_bits))) - 1)
    for turn, key in enumerate(keys):
        if turn % 2:
            low ^= _mix(high ^ key) & low_mask
        else:
            high ^= _mix(low ^ key) & high_mask
    return (high << low_bits) | low


def _mix(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's finaliser, as :func:`vicreg_core.contracts.keys.mix` has it for tensors."""
    values = (values ^ (values >> np.uint64(30))) * _MIX_1
    values = (values ^ (values >> np.uint64(27))) * _MIX_2
    return values ^ (values >> np.uint64(31))
