"""Every road from a dataset to vectors gives the same vectors."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

from tests.evaluation.toy import Net, NetConfig, Noise, NoiseConfig, Points, PointsConfig
from vicreg_core.data.subset import Subset
from vicreg_core.errors import DataError
from vicreg_core.inference.cache import FeatureCache, model_digest
from vicreg_core.inference.embedder import Embedder

CPU = torch.device("cpu")


def make(per_sample=False, batch_size=16, workers=0, cache=None, encoder=None, **data):
    points = Points(PointsConfig(**data))
    torch.manual_seed(0)
    encoder = encoder or Net(NetConfig(), points.info)
    augmentation = Noise(NoiseConfig(per_sample=per_sample), points.info)
    embedder = Embedder(
        encoder, augmentation, device=CPU, batch_size=batch_size, workers=workers, cache=cache
    )
    return embedder, points


@pytest.fixture(scope="module")
def expected():
    embedder, points = make()
    return embedder.embed(points)


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("in_memory", [True, False])
@pytest.mark.parametrize("per_sample", [True, False])
def test_roads_agree(expected, workers, in_memory, per_sample):
    embedder, points = make(per_sample, workers=workers, in_memory=in_memory)
    np.testing.assert_array_equal(embedder.embed(points), expected)


@pytest.mark.parametrize("batch_size", [1, 7, 100])
def test_batch_size_does_not_matter(expected, batch_size):
    embedder, points = make(batch_size=batch_size)
    np.testing.assert_allclose(embedder.embed(points), expected, atol=1e-6)


def test_rows_and_subsets(expected):
    embedder, points = make()
    rows = np.array([5, 3, 59])
    np.testing.assert_allclose(embedder.embed(points, rows), expected[rows], atol=1e-6)
    np.testing.assert_allclose(embedder.embed(Subset(points, rows)), expected[rows], atol=1e-6)


def test_items_give_the_vectors_of_their_samples(expected):
    embedder, points = make()
    np.testing.assert_allclose(embedder.encode(points.points.tolist()), expected, atol=1e-6)


def test_the_mode_of_the_encoder_is_left_as_it_was(expected):
    embedder, points = make()
    embedder.encoder.train()
    before = embedder.encoder.norm.running_mean.clone()
    np.testing.assert_array_equal(embedder.embed(points), expected)
    assert embedder.encoder.training
    assert torch.equal(embedder.encoder.norm.running_mean, before)


@pytest.mark.parametrize("workers", [0, 1])
def test_an_unreadable_sample_is_the_users_error(workers):
    embedder, points = make(in_memory=False, bad=40, workers=workers)
    with pytest.raises(DataError, match="sample train-40 cannot be read"):
        embedder.embed(points)


def test_nan_is_told_with_the_sample():
    embedder, points = make()
    points.points[17] = np.nan
    with pytest.raises(DataError, match=r"NaN or infinity .* 'train-17'"):
        embedder.embed(points)


@pytest.mark.parametrize("per_sample", [True, False])
def test_views_are_keyed_by_sample(per_sample):
    rows = np.arange(0, 60, 3)
    embedder, points = make(per_sample, batch_size=8)
    views = embedder.embed_views(points, rows, 5, seed=1)
    assert views.shape == (20, 5, 8)
    other, _ = make(per_sample, batch_size=3)
    np.testing.assert_allclose(
        other.embed_views(points, rows[::-1].copy(), 5, seed=1)[::-1], views, atol=1e-6
    )
    distinct = {view.tobytes() for view in views[0]}
    assert len(distinct) == 5
    assert not np.allclose(embedder.embed_views(points, rows, 2, seed=2), views[:, :2])


class Counting(Net):
    """Counts its forward passes."""

    calls = 0

    def forward(self, batch):
        type(self).calls += 1
        return super().forward(batch)


def counting(tmp_path, data, encoder):
    cache = FeatureCache(tmp_path, model_digest(encoder, {"augmentation": "noise"}))
    embedder, _ = make(cache=cache, encoder=encoder)
    Counting.calls = 0
    return embedder.embed(data), Counting.calls


def test_cache_gives_the_same_vectors_without_the_encoder(tmp_path, expected):
    points = Points(PointsConfig())
    torch.manual_seed(0)
    encoder = Counting(NetConfig(), points.info)
    fresh, calls = counting(tmp_path, points, encoder)
    np.testing.assert_array_equal(fresh, expected)
    assert calls == 4
    kept, calls = counting(tmp_path, points, encoder)
    np.testing.assert_array_equal(kept, expected)
    assert calls == 0


def test_cache_misses_when_weights_or_samples_change(tmp_path):
    points = Points(PointsConfig())
    encoder = Counting(NetConfig(), points.info)
    before, _ = counting(tmp_path, points, encoder)
    points.points[0] += 1
    changed, calls = counting(tmp_path, points, encoder)
    assert calls == 1
    assert not np.allclose(changed[0], before[0])
    encoder.norm.running_mean += 1
    assert counting(tmp_path, points, encoder)[1] == 4


def cut(content):
    return content[:40]


def zeros(content):
    return content[:-200] + bytes(200)


def foreign(content):
    stream = io.BytesIO()
    np.save(stream, np.zeros((3, 3), np.float32))
    return stream.getvalue()


def nothing(content):
    return b""


@pytest.mark.parametrize("damage", [cut, zeros, foreign, nothing])
def test_a_damaged_cache_file_is_made_again(tmp_path, damage):
    points = Points(PointsConfig())
    encoder = Counting(NetConfig(), points.info)
    before, _ = counting(tmp_path, points, encoder)
    file = next(tmp_path.rglob("*.vectors"))
    file.write_bytes(damage(file.read_bytes()))
    after, calls = counting(tmp_path, points, encoder)
    assert calls == 1
    np.testing.assert_array_equal(after, before)


def test_vectors_kept_under_another_key_are_not_believed(tmp_path):
    cache = FeatureCache(tmp_path, "salt")
    one, other = torch.zeros(2, 3), torch.ones(2, 3)
    cache.get_or_make(one, lambda: np.zeros((2, 4), np.float32))
    cache.get_or_make(other, lambda: np.ones((2, 4), np.float32))
    first, second = sorted(tmp_path.rglob("*.vectors"))
    content = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(content)
    assert not cache.get_or_make(one, lambda: np.zeros((2, 4), np.float32)).any()
