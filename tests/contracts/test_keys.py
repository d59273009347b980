"""Keyed randomness: known answers, independence of the batch, and the distributions it claims."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vicreg_core.contracts.keys import Keys, hash_ids, mix, mix_int, stream_id

MANY = 20_000
INT64 = st.integers(-(2**63), 2**63 - 1)
GOLDEN = 0x9E3779B97F4A7C15


few = settings(max_examples=30, deadline=None)


def signed(value: int) -> int:
    value &= 2**64 - 1
    return value - 2**64 if value >= 2**63 else value


def many(seed: int = 0, epoch: int = 0, view: int = 0) -> Keys:
    return Keys.of(seed, epoch, torch.arange(MANY), view)


def test_mix_is_splitmix64() -> None:
    """The first outputs of the reference implementation seeded with 0."""
    reference = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F]
    states = torch.tensor([signed(GOLDEN * step) for step in (1, 2, 3)])
    assert mix(states).tolist() == [signed(value) for value in reference]


@few
@given(st.lists(INT64, min_size=1, max_size=4))
def test_mix_int_is_mix_chained(values: list[int]) -> None:
    state = torch.zeros(1, dtype=torch.int64)
    for value in values:
        state = mix((state ^ value) + signed(GOLDEN))
    assert mix_int(*values) == int(state)


def test_bits_are_pinned() -> None:
    """A change here changes every run that was ever started: resumed runs would not continue their own."""
    keys = Keys.of(7, 3, hash_ids(["a", "b"]), 1)
    assert keys.bits("crop", 2).tolist() == [
        [651051065122992025, 5904277080278453907],
        [-6607795044786298503, -5614145138193686337],
    ]


@few
@given(st.lists(INT64, min_size=2, max_size=20, unique=True), st.integers(0, 2**31), st.integers(0, 999))
def test_a_key_depends_on_its_own_id_only(ids: list[int], seed: int, epoch: int) -> None:
    batch = Keys.of(seed, epoch, torch.tensor(ids), 1)
    for row, own in enumerate(ids):
        alone = Keys.of(seed, epoch, torch.tensor([own]), 1)
        assert torch.equal(batch[row].bits("s", 3), alone.bits("s", 3))
        assert torch.equal(batch[row].normal("s"), alone.normal("s"))


def test_rows_of_keys_are_the_rows_of_their_numbers() -> None:
    keys, rows = many()[:50], torch.tensor([7, 3, 3, 49])
    assert torch.equal(keys[rows].uniform("s", 2), keys.uniform("s", 2)[rows])
    assert torch.equal(keys[5:9].uniform("s"), keys.uniform("s")[5:9])
    assert len(keys[3]) == 1


def test_across_views_agrees_between_views_and_only_there() -> None:
    first, second = many(view=0).across_views(), many(view=1).across_views()
    assert torch.equal(first.bits("s"), second.bits("s"))
    assert not (first.bits("s") == many(view=0).bits("s")).any()
    assert not (first.bits("s") == many(epoch=1).across_views().bits("s")).any()
    with pytest.raises(ValueError, match=r"Keys\.of"):
        Keys(torch.zeros(1, dtype=torch.int64)).across_views()


def test_everything_a_key_is_made_of_changes_the_number() -> None:
    base = many().bits("s")
    others = [
        many(seed=1).bits("s"),
        many(epoch=1).bits("s"),
        many(view=1).bits("s"),
        many().bits("t"),
        many().bits("s", 1)[:, 0],
    ]
    assert all(not (base == other).any() for other in others)
    assert len(torch.unique(torch.cat([base, *others]))) == 6 * MANY


def test_a_position_does_not_depend_on_how_many_are_drawn() -> None:
    keys = many()[:100]
    assert torch.equal(keys.bits("s", 3), keys.bits("s", 8)[:, :3])
    assert torch.equal(keys.bits("s", 2, 4), keys.bits("s", 8).view(-1, 2, 4))


@few
@given(INT64, st.integers(0, 30))
def test_number_is_the_uniform_without_tensors(state: int, position: int) -> None:
    key = Keys(torch.tensor([state]))
    assert key.number("crop", position) == key.uniform("crop", position + 1)[0, position].item()


def test_uniform_fills_its_interval_evenly() -> None:
    values = many().uniform("s", 2, low=-1.0, high=3.0)
    assert values.dtype == torch.float32
    assert values.shape == (MANY, 2)
    assert values.min() >= -1.0
    assert values.max() < 3.0
    observed = torch.histc(values, bins=20, min=-1.0, max=3.0)
    assert chi_square(observed.tolist()) < 50.0


def test_streams_and_positions_do_not_correlate() -> None:
    keys = many()
    columns = torch.cat([keys.uniform("s", 3), keys.uniform("t", 3), many(view=1).uniform("s", 3)], dim=1)
    off_diagonal = torch.corrcoef(columns.T) - torch.eye(9)
    assert off_diagonal.abs().max() < 5.0 / MANY**0.5


def test_normal_has_normal_moments_and_tails() -> None:
    values = many().normal("s", 5).double()
    assert values.isfinite().all()
    assert abs(values.mean()) < 0.02
    assert abs(values.var() - 1.0) < 0.03
    assert abs((values**4).mean() - 3.0) < 0.2
    assert abs((values.abs() > 1.959964).double().mean() - 0.05) < 0.004


def test_bernoulli_fires_at_its_rate() -> None:
    assert abs(many().bernoulli("s", 0.3).float().mean() - 0.3) < 0.02
    assert not many().bernoulli("s", 0.0).any()
    assert many().bernoulli("s", 1.0).all()


def test_integers_are_even_and_in_range() -> None:
    values = many().integers("s", 7)
    assert chi_square(torch.bincount(values, minlength=7).tolist()) < 30.0
    assert many().integers("s", 1).eq(0).all()
    with pytest.raises(ValueError, match="high >= 1, got 0"):
        many().integers("s", 0)


def test_permutation_takes_every_order_equally_often() -> None:
    orders = many().permutation("s", 4)
    assert orders.sort(dim=1).values.eq(torch.arange(4)).all()
    counts = Counter(map(tuple, orders.tolist()))
    assert len(counts) == 24
    assert chi_square(list(counts.values())) < 60.0


def test_hash_ids_takes_integers_as_they_are_and_strings_by_content() -> None:
    assert hash_ids([3, 5]).tolist() == [3, 5]
    assert hash_ids(np.array([3, 5])).tolist() == [3, 5]
    assert hash_ids([np.int64(3), np.int64(5)]).tolist() == [3, 5]
    assert hash_ids(["a", "b"]).tolist() == [stream_id("a"), stream_id("b")]
    assert hash_ids([]).shape == (0,)


def test_hashes_of_names_are_pinned() -> None:
    """Python's own hash of a string changes from process to process."""
    assert stream_id("crop") == -1792330252851675775


def test_keys_follow_their_device() -> None:
    keys = many()[:4]
    moved = keys.to("cpu")
    assert torch.equal(moved.state, keys.state)
    assert moved.view == keys.view


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_numbers_are_the_same_on_a_gpu() -> None:
    keys = many()
    on_gpu = keys.to("cuda")
    assert torch.equal(keys.bits("s", 3), on_gpu.bits("s", 3).cpu())
    assert torch.equal(keys.uniform("s", 3), on_gpu.uniform("s", 3).cpu())
    assert torch.equal(keys.permutation("s", 4), on_gpu.permutation("s", 4).cpu())


def chi_square(observed: list[float]) -> float:
    expected = sum(observed) / len(observed)
    return sum((count - expected) ** 2 / expected for count in observed)
