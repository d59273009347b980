"""The keyed permutation: one for every length and key, computed anywhere, and random enough to train by."""

from __future__ import annotations

import numpy as np
import pytest

from vicreg_core.contracts.keys import mix_int
from vicreg_core.contracts.permutation import permuted


@pytest.mark.parametrize("key", [0, 1, -5, 2**63])
def test_it_is_a_permutation_of_every_small_range(key):
    for n in [*range(1, 140), 1000, 1023, 1024, 1025, 4097]:
        assert np.array_equal(np.sort(permuted(np.arange(n), n, key)), np.arange(n)), n


def test_a_place_does_not_depend_on_what_is_asked_beside_it():
    whole = permuted(np.arange(1000), 1000, 7)
    for places in ([3], [999, 0, 3], list(range(500, 600))):
        assert permuted(np.array(places), 1000, 7).tolist() == whole[places].tolist()


def test_a_billion_samples_and_more_need_no_memory():
    for n in (10**9, 2**62):
        places = np.array([0, 1, n // 3, n - 1])
        found = permuted(places, n, 3)
        assert len(set(found.tolist())) == 4
        assert ((found >= 0) & (found < n)).all()
        assert np.array_equal(found, permuted(places, n, 3))


@pytest.mark.parametrize("n", [2, 3, 5, 12])
def test_every_sample_is_as_likely_at_every_place(n):
    keys = 6000
    orders = np.array([permuted(np.arange(n), n, mix_int(key)) for key in range(keys)])
    for place in range(n):
        counts = np.bincount(orders[:, place], minlength=n)
        chi_squared = ((counts - keys / n) ** 2 / (keys / n)).sum()
        # Far beyond the 0.1 % quantile of chi-squared with up to 11 degrees of freedom (31.3).
        assert chi_squared < 40, (place, counts)


def test_neighbours_and_keys_are_unrelated():
    n = 100_000
    first, second = (permuted(np.arange(n), n, key).astype(float) for key in (0, 1))
    for one, other in ((first[:-1], first[1:]), (first, second), (first, np.arange(n, dtype=float))):
        # The correlation of unrelated orders has a standard deviation of n^-1/2 = 0.0032.
        assert abs(np.corrcoef(one, other)[0, 1]) < 0.015
    assert (first == second).sum() < 20
