"""What cannot be used is named in one message, or left out and listed; nothing else is lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.biomedical.fixtures import write_tiff
from tests.biomedical.test_plate import image_of, opened, write_sites
from vicreg_biomedical.augmentations.cells import build as build_views
from vicreg_biomedical.augmentations.config import CellsConfig
from vicreg_biomedical.datasets.config import CropsConfig
from vicreg_biomedical.datasets.crops import build as build_crops
from vicreg_biomedical.datasets.omezarr import plate_fields
from vicreg_core.contracts import DatasetAdapter
from vicreg_core.errors import DataError

RNG = np.random.default_rng(0)


def crops(path: Path, **options: Any) -> DatasetAdapter:
    data = build_crops(CropsConfig(path=str(path), **options), "train")
    assert data is not None
    return data


@pytest.mark.parametrize("value", [np.nan, 3.0])
def test_a_bad_crop_of_a_stack_is_named_or_left_out(tmp_path: Path, value: float) -> None:
    stack = RNG.random((10, 2, 20, 20)).astype(np.float32)
    stack[3] = value
    np.save(tmp_path / "x.npy", stack)
    with pytest.raises(DataError, match=r"1 of 10 crops cannot be used: x-000003: "):
        crops(tmp_path / "x.npy")
    data = crops(tmp_path / "x.npy", on_error="skip")
    assert len(data) == 9
    assert [line.split(":")[0] for line in data.skipped] == ["x-000003"]


@pytest.mark.parametrize("name", ["x.npz", "x.npy", "x.parquet"])
def test_a_damaged_archive_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"rubbish")
    with pytest.raises(DataError, match=rf"{name}: "):
        crops(tmp_path / name)


def test_an_archive_without_crops(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((0, 2, 20, 20), np.uint16))
    with pytest.raises(DataError, match="holds no crop"):
        crops(tmp_path / "x.npy")


def test_a_tiff_that_lost_its_last_bytes_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        write_tiff(tmp_path / f"{name}.ome.tif", image_of(3, np.uint16), "CYX", ["DNA", "ER", "AGP"])
    whole = (tmp_path / "b.ome.tif").read_bytes()
    (tmp_path / "b.ome.tif").write_bytes(whole[:-100])
    with pytest.raises(DataError, match=r"b\.ome\.tif: is truncated or damaged"):
        crops(tmp_path)
    assert len(crops(tmp_path, on_error="skip")) == 1
    assert not capsys.readouterr().err


def test_channels_in_another_order_are_named(tmp_path: Path) -> None:
    for name, channels in (("a", ["DNA", "ER"]), ("b", ["ER", "DNA"])):
        write_tiff(tmp_path / f"{name}.ome.tif", image_of(2, np.uint16), "CYX", channels)
    with pytest.raises(DataError, match=r"b\.ome\.tif: has channels ER, DNA, but a\.ome\.tif has DNA, ER"):
        crops(tmp_path)
    assert crops(tmp_path, on_error="skip").info.facts["channel_names"] == ["DNA", "ER"]


def test_a_table_that_is_not_utf8(tmp_path: Path) -> None:
    write_tiff(tmp_path / "a.tif", image_of(3, np.uint16), "CYX")
    (tmp_path / "m.csv").write_bytes(b"file,label\n\xe4,x\n")
    with pytest.raises(DataError, match=r"m\.csv: is no CSV in UTF-8"):
        crops(tmp_path, metadata="m.csv")


def test_a_channel_that_was_off_is_named(tmp_path: Path) -> None:
    folder = write_sites(tmp_path)
    dark = image_of(3, np.uint16)
    dark[1] = 7
    write_tiff(folder / "s1.ome.tif", dark, "CYX", ["DNA", "ER", "AGP"])
    with pytest.raises(DataError, match=r"s1\.ome\.tif: channel ER is constant"):
        opened(folder)
    assert len(opened(folder, on_error="skip")) == 3


def test_a_probability_map_is_no_mask(tmp_path: Path) -> None:
    folder = write_sites(tmp_path)
    write_tiff(folder / "s0_mask.tif", RNG.random((80, 80)).astype(np.float32), "YX")
    with pytest.raises(DataError, match=r"s0_mask\.tif: the mask holds fractions"):
        opened(folder)


def test_small_objects_are_listed(tmp_path: Path) -> None:
    folder = write_sites(tmp_path, 1)
    mask = np.zeros((80, 80), np.uint16)
    mask[20:25, 20:25], mask[40:43, 40:43] = 1, 2
    write_tiff(folder / "s0_mask.tif", mask, "YX")
    data = opened(folder, min_area=10)
    assert data.metadata["area"] == [25]
    assert data.skipped == ("s0.ome.tif#2: has 9 pixels (data.min_area is 10)",)


def test_rows_of_cells_without_an_image_are_named(tmp_path: Path) -> None:
    folder = write_sites(tmp_path, 1)
    (folder / "c.csv").write_text("file,y,x\ns0.ome.tif,30,30\ngone.tif,30,30\n")
    where = {"masks": None, "centroids": "c.csv", "files": "*.ome.tif"}
    with pytest.raises(DataError, match=r"c\.csv: 1 images have no site \(gone\.tif\)"):
        opened(folder, **where)
    data = opened(folder, on_error="skip", **where)
    assert len(data) == 1
    assert data.skipped == ("gone.tif: in c.csv, but no site",)


def test_a_folder_that_is_no_zarr(tmp_path: Path) -> None:
    (tmp_path / "x.zarr").mkdir()
    with pytest.raises(DataError, match=r"x\.zarr: is no OME-Zarr"):
        plate_fields(tmp_path / "x.zarr")


def test_raw_crops_are_not_taken_by_a_model_of_centred_plates(tmp_path: Path) -> None:
    data = opened(write_sites(tmp_path), metadata="metadata.csv", centre_by="plate")
    views = build_views(CellsConfig(preset="none"), data.info)
    with pytest.raises(DataError, match=r"trained on crops centred by plate"):
        views.ingest(RNG.integers(0, 99, (3, 16, 16)).astype(np.uint16))
    assert views.ingest(data.crops[0]).shape == (3, 16, 16)
