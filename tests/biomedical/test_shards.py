"""``biomedical/shards``: crops of 16 bits in archives and tables, a sample of them, and what is wrong."""

from __future__ import annotations

import io
import tarfile

import numpy as np
import pytest

from vicreg_core.contracts.stream import Broken
from vicreg_core.data.splits import open_data
from vicreg_core.errors import DataError
from vicreg_core.recipes.load import load_recipe


def crop(i, side=20, channels=2):
    generator = np.random.default_rng(i)
    return generator.integers(0, 4096, size=(channels, side, side), dtype=np.uint16)


def encoded(i, kind, **shape):
    buffer = io.BytesIO()
    if kind == "npy":
        np.save(buffer, crop(i, **shape))
    else:
        import tifffile

        tifffile.imwrite(buffer, crop(i, **shape), metadata={"axes": "CYX"}, ome=True)
    return buffer.getvalue()


def write_tar(path, numbers, kind, other=None):
    with tarfile.open(path, "w") as archive:
        for i in numbers:
            content = (other or {}).get(i, encoded(i, kind))
            for suffix, each in ((kind, content), ("cls", f"c{i % 2}".encode()), ("plate", b"p1")):
                member = tarfile.TarInfo(f"{i:05d}.{suffix}")
                member.size = len(each)
                archive.addfile(member, io.BytesIO(each))


def write_parquet(path, numbers):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {
        "content": [encoded(i, "npy") for i in numbers],
        "cls": [f"c{i % 2}" for i in numbers],
        "plate": ["p1" for _ in numbers],
    }
    pq.write_table(pa.table(columns), path)


@pytest.fixture(params=["npy", "tif", "parquet"])
def folder(request, tmp_path):
    for name, numbers in (("train-0", range(30)), ("train-1", range(30, 60)), ("test", range(900, 920))):
        if request.param == "parquet":
            write_parquet(tmp_path / f"{name}.parquet", numbers)
        else:
            write_tar(tmp_path / f"{name}.tar", numbers, request.param)
    return tmp_path


def opened(folder, *overrides, stream=True):
    keys = [f"data.train={folder}/train-*.*", "data.label=cls", *overrides]
    loaded = load_recipe("biomedical/shards", keys)
    return loaded, open_data(loaded.recipe.data, loaded.configs["dataset"], 0, stream=stream)


def test_crops_of_the_stream_are_those_that_were_written(folder):
    from vicreg_biomedical.augmentations.cells import CellViews

    loaded, (data, _) = opened(folder)
    assert (len(data), data.labels) == (60, None)
    assert (data.info.facts["channels"], data.info.facts["dtype"]) == (2, "uint16")
    views = CellViews(loaded.configs["augmentation"], data.info)
    for row, placed in enumerate(data.read(1, 3, 6), start=33):
        assert np.array_equal(views.ingest(placed.content).numpy(), crop(row))


def test_scores_are_taken_on_a_labelled_sample_or_on_shards_of_their_own(folder):
    with pytest.warns(UserWarning, match="a sample of 20 of the 60"):
        _, (train, test) = opened(folder, "data.sample=20", stream=False)
    assert len(train) + len(test) == 20
    assert train.classes == ("c0", "c1")
    name = next(path.name for path in folder.glob("test.*"))
    with pytest.warns(UserWarning, match="a sample of"):
        _, (train, test) = opened(
            folder, f"data.test={folder}/{name}", "data.group=plate", "data.sample=20", stream=False
        )
    assert (len(train), len(test)) == (20, 20)
    assert test.labels.tolist() == [0, 1] * 10
    assert set(test.groups.tolist()) == {"p1"}
    assert test.info == train.info


def test_what_is_wrong_is_named_or_left_out(tmp_path):
    other = {3: b"no image", 5: encoded(5, "npy", channels=3)}
    write_tar(tmp_path / "train-0.tar", range(20), "npy", other)
    with pytest.raises(
        DataError, match=r"row 3 of .*train-0\.tar: .*Leave such crops out with data\.on_error"
    ):
        opened(tmp_path)[1][0].sample()
    _, (data, _) = opened(tmp_path, "data.on_error=skip")
    assert len(data.sample()) == 18
    assert any("(3, 20, 20) uint16 where the first is (2, 20, 20)" in line for line in data.sample().skipped)
    _, (data, _) = opened(tmp_path, "data.on_error=skip", "data.image=picture")
    assert all(isinstance(each, Broken) for each in data.read(0, 0, 2))


def test_it_trains(tmp_path):
    from tests.broken_plugins.planting import vicreg

    write_tar(tmp_path / "train-0.tar", range(64), "npy")
    done = vicreg(
        tmp_path,
        *("train", "biomedical/shards", "data.train=train-0.tar", "data.label=cls", "train.steps=3"),
        *("train.batch_size=16", "encoder.width=4", "evaluate.protocols=[knn]", "evaluate.baselines=false"),
        *("--out", "run"),
    )
    assert done.returncode == 0, done.stderr
    assert "knn" in done.stdout
