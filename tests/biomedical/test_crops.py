from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.biomedical.fixtures import real_data, write_tiff
from vicreg_biomedical.datasets.adapter import CropArray, CropReader
from vicreg_biomedical.datasets.config import CropsConfig
from vicreg_biomedical.datasets.crops import build
from vicreg_core.errors import DataError

RNG = np.random.default_rng(0)


def pixels(*shape: int, dtype: Any = np.uint16) -> np.ndarray:
    return RNG.integers(0, 250, shape).astype(dtype)


def opened(path: Path | str, split: str = "train", **options: Any) -> Any:
    return build(CropsConfig(path=str(path), **options), split)


def png(array: np.ndarray) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG")
    return buffer.getvalue()


def write_parquet(path: Path, images: list[Any], **columns: Any) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"image": images, **columns}), path)
    return path


def test_npz_with_names(tmp_path: Path) -> None:
    crops = pixels(6, 3, 20, 20)
    np.savez(
        tmp_path / "train.npz",
        image=crops,
        label=np.array([0, 1, 2, 0, 1, 2]),
        label_names=np.array(["G1", "S", "G2"]),
        channel_names=np.array(["bf", "dna", "ssc"]),
        patient=np.array(list("aabbcc")),
    )
    data = opened(tmp_path / "{split}.npz", group="patient")
    assert isinstance(data, CropArray)
    assert np.array_equal(data.__getitems__([4, 1]).numpy(), crops[[4, 1]])
    assert data.__getitems__([0]).dtype == torch.uint16
    assert data.classes == ("G1", "S", "G2")
    assert list(data.groups) == list("aabbcc")
    assert data.info.facts["channel_names"] == ["bf", "dna", "ssc"]
    with pytest.raises(DataError, match=r"there is no file .*test\.npz"):
        opened(tmp_path / "{split}.npz", "test")


def test_channels_by_name_and_number_in_the_order_asked(tmp_path: Path) -> None:
    crops = pixels(4, 3, 20, 20)
    np.savez(tmp_path / "a.npz", image=crops, channel_names=np.array(["bf", "dna", "ssc"]))
    data = opened(tmp_path / "a.npz", channels=["ssc", 0])
    assert np.array_equal(data.crops, crops[:, [2, 0]])
    assert data.info.facts["channel_names"] == ["ssc", "bf"]
    with pytest.raises(DataError, match="no channel 'er'; there are bf, dna, ssc"):
        opened(tmp_path / "a.npz", channels=["er"])


@pytest.mark.parametrize("shape", [(5, 28, 28, 3), (5, 28, 28)])
def test_medmnist_archive(tmp_path: Path, shape: tuple[int, ...]) -> None:
    parts = {f"{s}_images": pixels(*shape, dtype=np.uint8) for s in ("train", "val", "test")}
    labels = {f"{s}_labels": np.arange(5)[:, None] % 2 for s in ("train", "val", "test")}
    np.savez(tmp_path / "bloodmnist.npz", **parts, **labels)
    train, test = (opened(tmp_path / "bloodmnist.npz", split) for split in ("train", "test"))
    channels = 3 if len(shape) == 4 else 1
    assert train.crops.shape == test.crops.shape == (5, channels, 28, 28)
    assert np.array_equal(train.crops[2, 0], parts["train_images"].reshape(5, 28, 28, channels)[2, :, :, 0])
    assert list(test.labels) == [0, 1, 0, 1, 0]
    assert not set(train.ids) & set(test.ids)


def test_npy_is_memory_mapped(tmp_path: Path) -> None:
    np.save(tmp_path / "cells.npy", pixels(9, 2, 20, 20))
    data = opened(tmp_path / "cells.npy")
    assert isinstance(data.crops, np.memmap)
    assert opened(tmp_path / "cells.npy", "test") is None
    assert data.__getitems__([8, 0]).shape == (2, 2, 20, 20)


def test_unclear_axes_are_asked_for(tmp_path: Path) -> None:
    np.save(tmp_path / "cells.npy", pixels(9, 12, 12, 12))
    with pytest.raises(DataError, match=r"cannot tell the channels .* set data\.axes"):
        opened(tmp_path / "cells.npy")
    assert opened(tmp_path / "cells.npy", axes="NHWC").info.facts["channels"] == 12


def test_parquet_with_image_bytes(tmp_path: Path) -> None:
    arrays = [pixels(20, 22, 3, dtype=np.uint8) for _ in range(3)]
    images = [{"bytes": png(a), "path": None} for a in arrays]
    data = opened(
        write_parquet(tmp_path / "a.parquet", images, label=["x", "y", "x"], slide=[1, 1, 2]), group="slide"
    )
    assert np.array_equal(data.crops[1], arrays[1].transpose(2, 0, 1))
    assert data.classes == ("x", "y")
    assert data.info.facts["channel_names"] == ["red", "green", "blue"]
    assert list(data.metadata) == ["label", "slide"]


def test_a_damaged_row_is_named_or_skipped_and_listed(tmp_path: Path) -> None:
    images = [png(pixels(20, 20, dtype=np.uint8)) for _ in range(4)]
    images[2] = images[2][:40]
    path = write_parquet(tmp_path / "a.parquet", images, label=[0, 1, 0, 1])
    with pytest.raises(DataError, match=r"a\.parquet row 2"):
        opened(path)
    data = opened(path, on_error="skip")
    assert len(data) == 3
    assert list(data.labels) == [0, 1, 1]
    assert len(data.skipped) == 1
    assert data.skipped[0].startswith("a-000002: ")


def folder_of(tmp_path: Path, crops: dict[str, np.ndarray]) -> Path:
    for name, crop in crops.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        write_tiff(tmp_path / name, crop, "CYX")
    return tmp_path


def test_a_folder_of_classes(tmp_path: Path) -> None:
    crops = {f"{kind}/{i}.tif": pixels(2, 20, 20) for kind in ("normal", "tumour") for i in range(2)}
    data = opened(folder_of(tmp_path, crops))
    assert data.ids == sorted(crops)
    assert data.classes == ("normal", "tumour")
    assert np.array_equal(data.crops[3], crops["tumour/1.tif"])


def test_crops_of_unlike_size_are_read_one_by_one(tmp_path: Path) -> None:
    crops = {f"{i}.tif": pixels(2, 18 + i, 20) for i in range(5)}
    data = opened(folder_of(tmp_path, crops))
    assert isinstance(data, CropReader)
    assert not data.in_memory
    assert data.info.facts["uniform"] is False
    assert data[4].shape == (2, 22, 20)
    assert (data.info.facts["height"], data.info.facts["width"]) == (20, 20)
    assert data.raw_features(np.arange(5)).shape[0] == 5
    assert opened(tmp_path, resize=16).crops.shape == (5, 2, 16, 16)


def test_mixed_channels_and_bit_depths_are_named(tmp_path: Path) -> None:
    folder_of(tmp_path, {"a.tif": pixels(3, 20, 20), "b.tif": pixels(2, 20, 20)})
    with pytest.raises(DataError, match=r"b\.tif: has 2 channels, but a\.tif has 3"):
        opened(tmp_path)
    folder_of(tmp_path, {"b.tif": pixels(3, 20, 20, dtype=np.uint8)})
    with pytest.raises(DataError, match=r"b\.tif: is uint8, but a\.tif is uint16"):
        opened(tmp_path)
    assert opened(tmp_path, as_float=True).crops.dtype == np.float32


def test_nan_pixels_are_named(tmp_path: Path) -> None:
    crops = pixels(4, 1, 20, 20, dtype=np.float32)
    crops[2, 0, 3, 3] = np.nan
    np.save(tmp_path / "cells.npy", crops)
    with pytest.raises(DataError, match="cells-000002"):
        opened(tmp_path / "cells.npy")


def test_metadata_is_joined_and_what_does_not_match_is_named(tmp_path: Path) -> None:
    folder_of(tmp_path / "crops", {f"{i}.tif": pixels(1, 20, 20) for i in range(3)})
    table = tmp_path / "meta.csv"
    table.write_text("file,plate\n2.tif,P2\n0.tif,P1\n1.tif,P1\n")
    data = opened(tmp_path / "crops", metadata=str(table), group="plate")
    assert list(data.groups) == ["P1", "P1", "P2"]
    table.write_text("file,plate\n0.tif,P1\n1.tif,P1\n9.tif,P3\n")
    with pytest.raises(DataError, match=r"1 files have no row \(2\.tif\) and 1 rows have no file \(9\.tif\)"):
        opened(tmp_path / "crops", metadata=str(table))
    data = opened(tmp_path / "crops", metadata=str(table), on_error="skip")
    assert len(data) == 2
    assert len(data.skipped) == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"label": "stage"}, r"data\.label: no column 'stage'; there are label"),
        ({"group": "slide"}, r"data\.group: no column 'slide'"),
        ({"channel_names": ("a",)}, "1 channel names .* for crops of 2 channels"),
        ({"image": "crops"}, "has no array 'crops'; it has image, label"),
    ],
)
def test_wrong_names_say_what_there_is(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    np.savez(tmp_path / "a.npz", image=pixels(4, 2, 20, 20), label=np.arange(4))
    with pytest.raises(DataError, match=said):
        opened(tmp_path / "a.npz", **options)


@pytest.mark.data
def test_the_real_crops_open_as_described() -> None:
    jurkat = opened(real_data("jurkat_cellcycle") / "{split}.npz", "test")
    assert jurkat.crops.shape == (855, 3, 40, 40)
    assert jurkat.crops.dtype == np.uint16
    assert len(jurkat.classes) == 7
    cric = opened(real_data("cric_cervix") / "{split}.parquet", "test", label="abnormal", resize=32)
    assert np.bincount(cric.labels).tolist() == [575, 259]
    assert cric.classes == ("negative", "abnormal")
