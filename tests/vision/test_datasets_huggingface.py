from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.vision.pictures import colour, encoded, write
from vicreg_core.errors import DataError
from vicreg_vision.datasets import huggingface
from vicreg_vision.datasets.adapters import ImageAdapter
from vicreg_vision.datasets.config import HuggingFaceConfig

datasets = pytest.importorskip("datasets")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache of its own, and no network."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


def small(*seeds: int, labels: list[int] | None = None) -> Any:
    features = datasets.Features(
        {"img": datasets.Image(), "label": datasets.ClassLabel(names=["cat", "dog"])}
    )
    rows = {
        "img": [{"bytes": encoded(colour(seed)), "path": None} for seed in seeds],
        "label": labels if labels is not None else [seed % 2 for seed in seeds],
    }
    return datasets.Dataset.from_dict(rows, features=features)


def build(path: Path | str, split: str = "train", **keys: Any) -> ImageAdapter:
    adapter = huggingface.build(HuggingFaceConfig(path=str(path), **keys), split)  # type: ignore[arg-type]
    assert adapter is not None
    return adapter


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    folder = tmp_path / "tables"
    folder.mkdir()
    small(0, 1, 2).to_parquet(folder / "train.parquet")
    small(3, 4).to_parquet(folder / "test.parquet")
    return folder


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    splits = {"train": small(0, 1, 2), "validation": small(3, 4)}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    return tmp_path / "saved"


@pytest.mark.parametrize("kind", ["tables", "saved"])
def test_both_splits_of_a_local_copy(kind: str, request: pytest.FixtureRequest) -> None:
    path = request.getfixturevalue(kind)
    train, test = build(path), build(path, "test")
    assert (len(train), len(test)) == (3, 2)
    assert [np.array_equal(train[i].permute(1, 2, 0).numpy(), colour(i)) for i in range(3)] == [True] * 3
    assert train.labels is not None
    assert test.labels is not None
    assert (train.labels.tolist(), test.labels.tolist()) == ([0, 1, 0], [1, 0])
    assert list(train.classes) == list(test.classes) == ["cat", "dog"]


def test_a_selection_keeps_its_rows(tmp_path: Path) -> None:
    small(0, 1, 2, 3).select([3, 1]).save_to_disk(tmp_path / "one")
    data = build(tmp_path / "one")
    assert [np.array_equal(data[i].permute(1, 2, 0).numpy(), colour(s)) for i, s in ((0, 3), (1, 1))] == [
        True
    ] * 2
    assert huggingface.build(HuggingFaceConfig(path=str(tmp_path / "one")), "test") is None


def test_a_folder_of_images(tmp_path: Path) -> None:
    for seed, name in enumerate(("train/cat/0.png", "train/dog/1.png", "test/cat/2.png", "test/dog/3.png")):
        write(tmp_path / "pics" / name, colour(seed))
    data = build(tmp_path / "pics", "test", cache="none")
    assert np.array_equal(data[1].permute(1, 2, 0).numpy(), colour(3))
    assert list(data.classes) == ["cat", "dog"]


def test_splits(saved: Path) -> None:
    assert huggingface.build(HuggingFaceConfig(path=str(saved), test_split="none"), "test") is None
    assert len(build(saved, train_split="validation")) == 2
    with pytest.raises(DataError, match=r"data\.test_split: .*no split 'tset'; it has train, validation"):
        build(saved, "test", test_split="tset")


def test_an_unlabelled_test_split(tmp_path: Path) -> None:
    splits = {"train": small(0, 1), "test": small(2, 3, labels=[-1, -1])}
    datasets.DatasetDict(splits).save_to_disk(tmp_path / "saved")
    assert build(tmp_path / "saved", "test").labels is None


def test_a_broken_row_is_named(tmp_path: Path) -> None:
    features = datasets.Features({"image": datasets.Image()})
    rows = {"image": [{"bytes": encoded(colour(0)), "path": None}, {"bytes": b"broken", "path": None}]}
    datasets.Dataset.from_dict(rows, features=features).save_to_disk(tmp_path / "saved")
    with pytest.raises(DataError, match=r"row 1 \(the first is 0\) of split 'train' of .*saved"):
        build(tmp_path / "saved")
    assert len(build(tmp_path / "saved", on_error="skip")) == 1


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"neither a folder .* nor an id"):
        build(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"data\.path: cannot load"):
        build(tmp_path / "empty")


def test_an_unreachable_hub_points_to_a_local_copy() -> None:
    with pytest.raises(DataError, match=r"cannot load 'uoft-cs/nothing'.*\n.*set data\.path to a local copy"):
        build("uoft-cs/nothing")
