"""``vision/shards`` as its user has them: archives and tables, labelled or not, whole or not."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest
from PIL import Image

from vicreg_core.contracts.stream import Broken, Placed
from vicreg_core.data.splits import open_data
from vicreg_core.errors import DataError
from vicreg_core.recipes.load import load_recipe


def encoded(i, side=12):
    generator = np.random.default_rng(i)
    pixels = generator.integers(0, 256, size=(side, side + i % 3, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="PNG")
    return buffer.getvalue()


def write_tar(path, numbers, *, broken=()):
    with tarfile.open(path, "w") as archive:
        for i in numbers:
            content = b"no picture" if i in broken else encoded(i)
            files = {"png": content, "cls": str(i % 3).encode(), "json": b"{}"}
            for suffix, each in files.items():
                member = tarfile.TarInfo(f"{i:05d}.{suffix}")
                member.size = len(each)
                archive.addfile(member, io.BytesIO(each))


def write_parquet(path, numbers, **columns):
    import pyarrow as pa
    import pyarrow.parquet as pq

    images = [encoded(i) for i in numbers]
    paths = [f"{i}.png" for i in numbers]
    made = {"path": paths, "image": images, "label": [f"c{i % 3}" for i in numbers], **columns}
    pq.write_table(pa.table(made), path, row_group_size=8)


@pytest.fixture(params=["tar", "parquet"])
def kind(request):
    return request.param


@pytest.fixture
def folder(tmp_path, kind):
    write = write_tar if kind == "tar" else write_parquet
    for shard in range(3):
        write(tmp_path / f"train-{shard}.{kind}", range(40 * shard, 40 * (shard + 1)))
    write(tmp_path / f"test.{kind}", range(1000, 1030))
    return tmp_path


def opened(*overrides, stream=True):
    loaded = load_recipe("vision/shards", overrides)
    return open_data(loaded.recipe.data, loaded.configs["dataset"], 0, stream=stream)


def test_the_stream_has_every_image_and_no_label(folder, kind):
    data, _ = opened(f"data.train={folder}/train-*.{kind}")
    assert (len(data), data.labels) == (120, None)
    found = data.read(1, 5, 8)
    assert all(isinstance(each, Placed) for each in found)
    assert [each.content for each in found] == [encoded(i) for i in range(45, 48)]
    assert data.ids[45] == f"train-1.{kind}:5"
    assert data.info.facts["channels"] == 3
    assert not data.info.facts["uniform"]


def test_scores_are_taken_on_a_labelled_sample_or_on_shards_of_their_own(folder, kind):
    key = f"data.train={folder}/train-*.{kind}"
    with pytest.warns(UserWarning, match="a sample of 30 of the 120 samples of the stream"):
        train, test = opened(key, "data.sample=30", stream=False)
    assert len(train) + len(test) == 30
    assert len(train.classes) == 3
    assert set(train.ids) | set(test.ids) == {f"train-{s}.{kind}:{i}" for s in range(3) for i in range(10)}
    with pytest.warns(UserWarning, match="a sample of"):
        train, test = opened(key, f"data.test={folder}/test.{kind}", "data.sample=30", stream=False)
    assert (len(train), len(test)) == (30, 30)
    assert test.classes == train.classes
    assert [test.classes[label] for label in test.labels[:3]] == [train.classes[i % 3] for i in (1, 2, 0)]


def test_an_image_that_is_none_is_named_when_it_comes(tmp_path):
    write_tar(tmp_path / "a.tar", range(30), broken=(25,))
    data, _ = opened(f"data.train={tmp_path}/a.tar", "data.sample=10")
    from vicreg_core.data.reading import ingested
    from vicreg_vision.augmentations.build import build_standard

    loaded = load_recipe("vision/shards", [f"data.train={tmp_path}/a.tar"])
    augmentation = build_standard(loaded.configs["augmentation"], data.info)
    with pytest.raises(DataError, match=r"row 25 of .*a\.tar: .*Leave such samples out with data\.on_error"):
        ingested(augmentation, data.read(0, 20, 30), skip=False)
    samples, rows, broken = ingested(augmentation, data.read(0, 20, 30), skip=True)
    assert (len(samples), len(rows), len(broken)) == (9, 9, 1)


def test_a_row_without_an_image_is_broken(tmp_path):
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        for name, content in (("0.png", encoded(0)), ("1.txt", b"no image"), ("2.png", encoded(2))):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    data, _ = opened(f"data.train={tmp_path}/a.tar", "data.sample=2", "data.on_error=skip")
    found = data.read(0, 0, 3)
    assert [isinstance(each, Broken) for each in found] == [False, True, False]
    assert found[1].reason == "no encoded image among txt"
