"""The loader's two roads give the same views, whatever the workers and the world size."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter
from vicreg_core.contracts.keys import hash_ids
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.sampler import Share, StepPlan
from vicreg_core.errors import DataError


class Numbers(DatasetAdapter):
    """Sample ``i`` is the vector ``[i, i]``."""

    info = DataInfo()

    def __init__(self, n: int, in_memory: bool, broken: int | None = None) -> None:
        self.ids, self.in_memory, self.broken = [f"n{i}" for i in range(n)], in_memory, broken

    def __getitem__(self, index):
        if index == self.broken:
            raise DataError(f"n{index}: unreadable")
        return torch.full((2,), float(index))

    def __getitems__(self, indices):
        if self.in_memory:
            return torch.as_tensor(np.asarray(indices), dtype=torch.float32)[:, None].expand(-1, 2)
        return super().__getitems__(indices)


class Jitter(Augmentation):
    """Adds keyed noise: per sample in ``prepare`` and batched in ``forward``."""

    def __init__(self, per_sample: bool) -> None:
        super().__init__()
        self.per_sample = per_sample

    def prepare(self, sample, key):
        return sample + key.uniform("prepare", 2)[0]

    def forward(self, batch, keys=None):
        return batch + keys.uniform("forward", 2)


def views(in_memory, per_sample, workers=0, rank=0, world=1, start=0, stop=4):
    data = Numbers(20, in_memory)
    share = Share(StepPlan(20, 8, seed=1), hash_ids(data.ids), rank, world)
    loader = ViewLoader(data, Jitter(per_sample), share, views=2, device=torch.device("cpu"), workers=workers)
    return [torch.stack(step) for step in loader(start, stop)]


def test_memory_and_file_roads_agree():
    for a, b in zip(views(True, False), views(False, False), strict=True):
        assert a.equal(b)


@pytest.mark.parametrize("per_sample", [False, True])
def test_workers_do_not_matter(per_sample):
    for a, b in zip(views(False, per_sample, 0), views(False, per_sample, 2), strict=True):
        assert a.equal(b)


def test_world_size_does_not_matter():
    alone = views(False, True)
    shared = [views(False, True, rank=r, world=3) for r in range(3)]
    for step, whole in enumerate(alone):
        assert torch.cat([s[step] for s in shared], dim=1).equal(whole)


def test_starting_later_gives_the_same_steps():
    for a, b in zip(views(True, False)[2:], views(True, False, start=2), strict=True):
        assert a.equal(b)


def test_views_differ_from_each_other():
    for step in views(True, False):
        assert not step[0].equal(step[1])


@pytest.mark.parametrize("workers", [0, 1])
def test_a_users_error_comes_through_without_the_workers_traceback(workers):
    data = Numbers(8, in_memory=False, broken=3)
    share = Share(StepPlan(8, 8, seed=0), hash_ids(data.ids))
    loader = ViewLoader(data, Jitter(False), share, views=2, device=torch.device("cpu"), workers=workers)
    with pytest.raises(DataError) as caught:
        list(loader(0, 1))
    assert str(caught.value) == "n3: unreadable"
