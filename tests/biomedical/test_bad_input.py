"""What cannot be used is named in one message, or left out and listed; nothing else is lost."""

from __future__ import annotations

import io
import json
import os
import zipfile
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
from vicreg_biomedical.datasets.table import encode_labels
from vicreg_biomedical.images.omezarr import plate_fields
from vicreg_biomedical.images.readers import read_image
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


def zarr_image(path: Path) -> np.ndarray:
    import zarr

    pixels = RNG.integers(0, 9, (1, 8, 8)).astype(np.uint16)
    group = zarr.open_group(str(path), mode="w", zarr_format=2)
    group.create_array("0", data=pixels)
    group.attrs.update({"multiscales": [{"axes": ["c", "y", "x"], "datasets": [{"path": "0"}]}]})
    return pixels


def zarr_plate(path: Path, well: str, image: str) -> None:
    import zarr

    plate = zarr.open_group(str(path), mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": [{"path": well}]}
    if ".." not in well:
        plate.create_group(well).attrs["well"] = {"images": [{"path": image}]}


@pytest.mark.parametrize(("well", "image"), [("A/1", "../../../secret.zarr"), ("../secret.zarr", "0")])
def test_a_plate_is_read_from_itself_alone(tmp_path: Path, well: str, image: str) -> None:
    zarr_image(tmp_path / "secret.zarr")
    zarr_plate(tmp_path / "plate.zarr", well, image)
    with pytest.raises(DataError, match="leads out of"):
        plate_fields(tmp_path / "plate.zarr")


def test_an_image_of_a_zarr_is_read_from_itself_alone(tmp_path: Path) -> None:
    import zarr

    zarr_image(tmp_path / "secret.zarr")
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2)
    group.attrs.update({"multiscales": [{"axes": ["y", "x"], "datasets": [{"path": "../secret.zarr/0"}]}]})
    with pytest.raises(DataError, match="leads out of"):
        read_image(tmp_path / "a.zarr")


def test_an_unknown_codec_is_one_message(tmp_path: Path) -> None:
    zarr_image(tmp_path / "a.zarr")
    header = tmp_path / "a.zarr" / "0" / ".zarray"
    values = json.loads(header.read_text())
    header.write_text(json.dumps(values | {"compressor": {"id": "lizard", "level": 3}}))
    with pytest.raises(DataError, match=r"a\.zarr.*lizard.*numcodecs"):
        read_image(tmp_path / "a.zarr")


@pytest.mark.parametrize("metadata", [{"wells": 3}, {"wells": [{}]}, {"wells": None}, {}])
def test_a_malformed_plate_is_named(tmp_path: Path, metadata: dict[str, Any]) -> None:
    import zarr

    zarr.open_group(str(tmp_path / "x.zarr"), mode="w", zarr_format=2).attrs["plate"] = metadata
    with pytest.raises(DataError, match=r"x\.zarr: its OME metadata is not of the form"):
        plate_fields(tmp_path / "x.zarr")


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.parquet", "a.tif", "a.png"])
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="is a named pipe"):
        crops(tmp_path / name) if name.endswith(("y", "z", "t")) else read_image(tmp_path / name)


def test_an_archive_that_claims_more_than_is_meant_is_refused_by_its_header(tmp_path: Path) -> None:
    """Twelve GiB by its header, 128 bytes by its content."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        header, {"descr": "<u2", "fortran_order": False, "shape": (6 << 30,)}
    )
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("image.npy", header.getvalue())
    with pytest.raises(DataError, match=r"image\.npy takes 12\.0 GiB.*data\.max_image_mib=12288"):
        crops(tmp_path / "x.npz")


def test_a_picture_larger_than_is_meant_is_refused_by_its_header(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (9_000, 9_000)).save(tmp_path / "x.png")
    with pytest.raises(DataError, match=r"x\.png takes .*data\.max_image_mib"):
        read_image(tmp_path / "x.png", 64)


def test_links_out_of_a_folder_are_left_out_and_listed(tmp_path: Path) -> None:
    root = tmp_path / "crops"
    root.mkdir()
    for place in (root / "a.tif", root / "b.tif", tmp_path / "secret.tif"):
        write_tiff(place, RNG.integers(0, 9, (1, 20, 20)).astype(np.uint16), "CYX")
    (root / "c.tif").symlink_to(tmp_path / "secret.tif")
    data = crops(root)
    assert list(data.ids) == ["a.tif", "b.tif"]
    assert len(data.skipped) == 1
    assert "leads out of the folder" in data.skipped[0]


def test_a_label_of_minus_one_is_no_class(tmp_path: Path) -> None:
    images = RNG.integers(0, 99, (6, 20, 20)).astype(np.uint8)
    np.savez(tmp_path / "x.npz", image=images, label=np.array([0, 1, -1, 0, -1, 1]))
    data = crops(tmp_path / "x.npz")
    assert data.labels.tolist() == [0, 1, -1, 0, -1, 1]
    assert list(data.classes) == ["0", "1"]


@pytest.mark.parametrize(
    ("cells", "labels", "classes"),
    [
        (["b", "", "a"], [1, -1, 0], ("a", "b")),
        (["b", None, "a"], [1, -1, 0], ("a", "b")),
        ([2.0, float("nan"), 1.0], [1, -1, 0], ("1", "2")),
        ([None, "", float("nan")], None, ()),
    ],
)
def test_cells_without_a_label(cells: list, labels: list[int] | None, classes: tuple[str, ...]) -> None:
    encoded, names = encode_labels(cells, None, "type")
    assert (None if encoded is None else encoded.tolist(), names) == (labels, classes)
