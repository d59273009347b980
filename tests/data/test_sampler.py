"""The step plan: every sample once an epoch, the same global batch for every world size."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.data import sampler
from vicreg_core.data.sampler import Share, StepPlan
from vicreg_core.errors import DataError


@given(n=st.integers(2, 60), batch=st.integers(2, 20), seed=st.integers(0, 99), epoch=st.integers(0, 3))
def test_an_epoch_visits_no_sample_twice_and_drops_less_than_a_batch(n, batch, seed, epoch):
    if batch > n:
        return
    plan = StepPlan(n, batch, seed)
    steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
    seen = np.concatenate([plan.global_batch(s) for s in steps])
    assert len(set(seen.tolist())) == len(seen) > n - batch


@given(world=st.integers(1, 7), step=st.integers(0, 20))
def test_shares_make_up_the_global_batch_in_order(world, step):
    plan = StepPlan(50, 16, seed=3)
    ids = hash_ids(list(range(50)))
    shares = [Share(plan, ids, rank, world).indices(step) for rank in range(world)]
    assert np.array_equal(np.concatenate(shares), plan.global_batch(step))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_the_order_is_the_same_from_whatever_step_it_is_looked_at(monkeypatch):
    whole = [StepPlan(1000, 16, seed=5).global_batch(step).tolist() for step in range(150)]
    monkeypatch.setattr(sampler, "_BLOCK", 64)
    plan = StepPlan(1000, 16, seed=5)
    for step in (149, 0, 61, 62, 3, 100):
        assert plan.global_batch(step).tolist() == whole[step]


def test_a_plan_of_a_billion_samples_begins_anywhere():
    plan = StepPlan(10**9, 4096, seed=0)
    batch = plan.global_batch(10**9)
    assert len(set(batch.tolist())) == 4096
    assert plan.epoch(10**9) == 4096


def test_epochs_differ_and_seeds_differ():
    orders = [StepPlan(40, 40, seed).global_batch(step).tolist() for seed in (0, 1) for step in (0, 1)]
    assert len({tuple(o) for o in orders}) == 4


def test_keys_of_a_share_are_those_of_its_samples():
    plan, names = StepPlan(10, 4, seed=0), [f"s{i}" for i in range(10)]
    share = Share(plan, hash_ids(names), rank=1, world_size=2)
    expected = Keys.of(0, 1, hash_ids([names[i] for i in share.indices(3)]), view=1)
    assert share.keys(3, view=1).state.equal(expected.state)


def test_fewer_samples_than_a_batch_says_what_to_set():
    with pytest.raises(DataError, match=r"only 60 training samples; set train\.batch_size=60 or less"):
        StepPlan(60, 256, seed=0)
