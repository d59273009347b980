"""The loader of a stream: the rows of the plan, each read once, in bounded memory, on every road."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.data.streams.toy import Points
from tests.training.toy import Noise
from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.stream import StreamHashes
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.streams.plan import share_of
from vicreg_core.data.streams.windows import WindowReader
from vicreg_core.errors import DataError


class PerSample(Noise):
    """Views that are prepared sample by sample."""

    per_sample = True

    def prepare(self, sample, key):
        return sample if key is None else sample + key.normal("prepare", 8)[0]


def loader(data, augmentation=None, *, batch=8, rank=0, world=1, workers=0):
    share = share_of(data, batch, 0, rank, world)
    return ViewLoader(
        data, augmentation or Noise(), share, views=2, device=torch.device("cpu"), workers=workers
    )


def expected_view(data, indices, epoch, view):
    samples = torch.stack([data[int(i)].content for i in indices])
    keys = Keys.of(0, epoch, StreamHashes(data.ids)[torch.from_numpy(np.asarray(indices))], view)
    return Noise()(samples, keys)


def test_views_are_those_of_the_rows_that_the_plan_names():
    data = Points()
    made = loader(data)
    for step, views in enumerate(made(0, 25)):
        indices = made.share.plan.global_batch(step)
        for view in range(2):
            epoch = made.share.plan.epoch(step)
            torch.testing.assert_close(views[view], expected_view(data, indices, epoch, view), rtol=0, atol=0)


@pytest.mark.parametrize("augmentation", [Noise, PerSample])
def test_workers_and_later_starts_make_the_same_views(augmentation):
    whole = list(loader(Points(), augmentation())(0, 12))
    for found in (
        list(loader(Points(), augmentation(), workers=2)(0, 12)),
        [*loader(Points(), augmentation())(0, 5), *loader(Points(), augmentation(), workers=2)(5, 12)],
    ):
        for one, other in zip(whole, found, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("world", [2, 3])
def test_processes_share_the_batches_and_each_reads_its_own_lanes(world):
    whole = list(loader(Points())(0, 10))
    parts = [(data := Points(), list(loader(data, rank=rank, world=world)(0, 10))) for rank in range(world)]
    for step, views in enumerate(whole):
        for view in range(2):
            assert torch.equal(torch.cat([made[step][view] for _, made in parts]), views[view])
    read = sum(stop - start for data, _ in parts for _, start, stop in data.reads)
    alone = Points()
    list(loader(alone)(0, 10))
    assert read <= 1.6 * sum(stop - start for _, start, stop in alone.reads)


def test_a_row_is_read_once_an_epoch_and_a_later_start_reads_its_windows_alone():
    data = Points((400, 300, 300), lanes=4, buffer=80)
    reader = WindowReader(data, share_of(data, 8, 0, 0, 1))
    steps = reader.plan.steps_per_epoch
    for _ in reader(0, steps):
        pass
    rows = [(shard, row) for shard, start, stop in data.reads for row in range(start, stop)]
    # The windows that are read ahead at the end are of the next epoch, 20 rows a lane.
    assert 1000 <= len(rows) <= 1000 + 4 * 20
    data.reads.clear()
    next(iter(reader(steps // 2, steps)))
    # Two windows a lane, three where the step goes over the end of one.
    assert sum(stop - start for _, start, stop in data.reads) <= 3 * 80


def test_what_cannot_be_read_stops_the_run_or_is_left_out_and_named():
    broken = [(3, row) for row in range(5)]
    with pytest.raises(
        DataError, match=r"of s3: not what it was\. Leave such samples out with data\.on_error"
    ):
        list(loader(Points(broken=broken))(0, 10))
    data = Points(broken=broken, skip=True)
    made, sizes = loader(data), []
    with pytest.warns(UserWarning, match=r"left out row \d of s3: not what it was"):
        steps = list(made(0, 10))
    for step, views in enumerate(steps):
        indices = [i for i in made.share.plan.global_batch(step) if data.ids.place(int(i)) not in broken]
        sizes.append(len(indices))
        epoch = made.share.plan.epoch(step)
        torch.testing.assert_close(views[1], expected_view(data, indices, epoch, 1), rtol=0, atol=0)
    assert sum(sizes) == 75
    assert made.broken == 5


def test_a_step_without_any_sample_says_so():
    data = Points((8,), lanes=1, broken=[(0, row) for row in range(8)], skip=True)
    raised = pytest.raises(DataError, match="no sample of a step could be read, the first being")
    with raised, pytest.warns(UserWarning, match="left out"):
        list(loader(data)(0, 1))
