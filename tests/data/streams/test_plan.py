"""The order of a stream: every row once, the same batches for any number of processes, from any step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.streams.toy import Points
from vicreg_core.contracts.stream import StreamHashes
from vicreg_core.data.streams.plan import StreamPlan, share_of
from vicreg_core.errors import DataError

COUNTS = np.array([30, 7, 50, 1, 12, 0, 100])


@settings(deadline=None, max_examples=60)
@given(
    lanes=st.integers(1, 9),
    batch=st.integers(2, 24),
    buffer=st.integers(2, 300),
    epoch=st.integers(0, 2),
    counts=st.lists(st.integers(0, 40), min_size=1, max_size=9),
)
def test_an_epoch_visits_no_row_twice_and_leaves_out_less_than_a_batch_a_lane(
    lanes, batch, buffer, epoch, counts
):
    counts = np.array(counts)
    if counts.sum() < 2 * batch:
        return
    plan = StreamPlan(counts, batch, 3, lanes=lanes, buffer=buffer)
    steps = range(epoch * plan.steps_per_epoch, (epoch + 1) * plan.steps_per_epoch)
    seen = np.concatenate([plan.global_batch(step) for step in steps])
    assert len(set(seen.tolist())) == len(seen)
    assert ((seen >= 0) & (seen < counts.sum())).all()
    assert counts.sum() - len(seen) < batch + 2 * lanes + max(plan.widths) * lanes
    assert all(len(plan.global_batch(step)) == batch for step in steps)


def test_a_step_does_not_depend_on_those_before_it():
    whole = [StreamPlan(COUNTS, 8, 0, lanes=4, buffer=40).global_batch(step) for step in range(60)]
    for step in (59, 3, 30):
        assert np.array_equal(StreamPlan(COUNTS, 8, 0, lanes=4, buffer=40).global_batch(step), whole[step])


def test_epochs_and_seeds_differ_and_rows_are_shuffled_within_the_buffer_alone():
    plan = StreamPlan(np.array([1000]), 10, 0, lanes=1, buffer=100)
    first = np.concatenate([plan.global_batch(step) for step in range(100)])
    second = np.concatenate([plan.global_batch(step) for step in range(100, 200)])
    other = StreamPlan(np.array([1000]), 10, 1, lanes=1, buffer=100)
    assert (first == second).mean() < 0.1
    assert (first == np.concatenate([other.global_batch(step) for step in range(100)])).mean() < 0.1
    assert (first == np.arange(1000)).mean() < 0.1
    assert np.abs(first - np.arange(1000)).max() < 100


def test_ten_billion_rows_take_the_memory_of_their_shards():
    plan = StreamPlan(np.full(100_000, 100_000), 4096, 0, lanes=16, buffer=65_536)
    batch = plan.global_batch(2_000_000)
    assert len(set(batch.tolist())) == 4096
    assert batch.max() < 10**10


@pytest.mark.parametrize("world", [1, 2, 3, 4])
def test_shares_make_up_the_global_batch_in_order(world):
    data = Points()
    shares = [share_of(data, 8, 0, rank, world) for rank in range(world)]
    for step in range(12):
        together = np.concatenate([share.indices(step) for share in shares])
        assert np.array_equal(together, shares[0].plan.global_batch(step))


def test_more_processes_than_lanes_are_refused():
    with pytest.raises(DataError, match=r"5 processes share 4 lanes.*set data\.lanes=5"):
        share_of(Points(), 16, 0, 0, 5)


def test_a_batch_larger_than_the_stream_is_refused():
    with pytest.raises(DataError, match="only 80 training samples"):
        share_of(Points(), 81, 0, 0, 1)


def test_ids_and_hashes_belong_to_shard_and_row():
    ids = Points().ids
    assert (len(ids), ids[0], ids[19], ids[20], ids[27], ids[-1]) == (
        80,
        "s0:0",
        "s0:19",
        "s1:0",
        "s2:0",
        "s4:11",
    )
    assert list(ids[26:29]) == ["s1:6", "s2:0", "s3:0"]
    with pytest.raises(IndexError):
        ids[80]
    hashes = StreamHashes(ids)
    everything = hashes[torch.arange(80)]
    assert len(set(everything.tolist())) == 80
    longer = StreamHashes(Points((20, 7, 1, 40, 12, 5)).ids)
    assert torch.equal(longer[torch.arange(80)], everything)
