from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.biomedical.fixtures import real_data, write_tiff
from vicreg_biomedical.datasets.config import PlateConfig
from vicreg_biomedical.datasets.plate import build
from vicreg_core.errors import DataError

RNG = np.random.default_rng(0)
CENTRES = ((20, 20), (20, 60), (50, 40), (3, 76))
"""The last cell is too near the border for a crop of 16."""


def image_of(channels: int, dtype: type) -> Any:
    return RNG.integers(0, 100, (channels, 80, 80)).astype(dtype)


def write_sites(folder: Path, count: int = 2, *, binary: bool = False) -> Path:
    folder.mkdir(exist_ok=True)
    for site in range(count):
        mask = np.zeros((80, 80), np.uint16)
        for i, (y, x) in enumerate(CENTRES):
            mask[max(0, y - 2) : y + 3, x - 2 : x + 3] = 255 if binary else i + 1
        image = RNG.integers(0, 100, (3, 80, 80)).astype(np.uint16)
        image[0][mask > 0] += 1000
        write_tiff(folder / f"s{site}.ome.tif", image, "CYX", ["DNA", "ER", "AGP"])
        write_tiff(folder / f"s{site}_mask.tif", mask, "YX")
    rows = "".join(f"s{site}.ome.tif,P{site + 1},{'drug' if site else 'DMSO'}\n" for site in range(count))
    (folder / "metadata.csv").write_text("file,plate,treatment\n" + rows)
    return folder


def opened(folder: Path, split: str = "train", **options: Any) -> Any:
    return build(PlateConfig(path=str(folder), crop=16, **{"masks": "{stem}_mask.tif", **options}), split)


@pytest.mark.parametrize("binary", [False, True])
def test_cells_are_cut_at_their_masks(tmp_path: Path, binary: bool) -> None:
    data = opened(
        write_sites(tmp_path, binary=binary), metadata="metadata.csv", label="treatment", group="plate"
    )
    assert len(data) == 6
    assert all((crop[0, 6:11, 6:11] > 900).all() for crop in data.crops)
    assert data.crops.shape[1:] == (3, 16, 16)
    assert data.classes == ("DMSO", "drug")
    assert list(data.groups) == ["P1"] * 3 + ["P2"] * 3
    assert data.metadata["area"] == [25] * 6
    assert len(data.skipped) == 2
    assert all("crop leaves the image" in reason for reason in data.skipped)


def test_border_pad_keeps_every_cell(tmp_path: Path) -> None:
    data = opened(write_sites(tmp_path), border="pad")
    assert len(data) == 8
    assert not data.skipped
    assert data.metadata["y"][:3] == [20.0, 20.0, 50.0]


@pytest.mark.parametrize("form", ["csv", "coco", "voc", "centroids"])
def test_boxes_and_centroids_cut_the_same_cells(tmp_path: Path, form: str) -> None:
    by_mask = opened(write_sites(tmp_path, 1))
    images = {"files": "*.ome.tif", "masks": None}
    boxes = [(x - 2, y - 2, x + 3, y + 3) for y, x in CENTRES[:3]]
    if form == "csv":
        rows = "".join(f"s0.ome.tif,{a},{b},{c - 1},{d - 1}\n" for a, b, c, d in boxes)
        (tmp_path / "boxes.csv").write_text("file,x_min,y_min,x_max,y_max\n" + rows)
        data = opened(tmp_path, boxes="boxes.csv", **images)
    elif form == "coco":
        notes = [{"id": i, "image_id": 7, "bbox": [a, b, 4, 4]} for i, (a, b, _, _) in enumerate(boxes)]
        content = {"images": [{"id": 7, "file_name": "s0.ome.tif"}], "annotations": notes}
        (tmp_path / "boxes.json").write_text(json.dumps(content))
        data = opened(tmp_path, boxes="boxes.json", **images)
    elif form == "voc":
        corners = "".join(
            f"<object><bndbox><xmin>{a}</xmin><ymin>{b}</ymin>"
            f"<xmax>{c - 1}</xmax><ymax>{d - 1}</ymax></bndbox></object>"
            for a, b, c, d in boxes
        )
        (tmp_path / "s0.xml").write_text(f"<annotation>{corners}</annotation>")
        data = opened(tmp_path, boxes="{stem}.xml", **images)
    else:
        rows = "".join(f"s0.ome.tif,{y},{x}\n" for y, x in CENTRES[:3])
        (tmp_path / "cells.csv").write_text("file,y,x\n" + rows)
        data = opened(tmp_path, centroids="cells.csv", **images)
    assert np.array_equal(data.crops, by_mask.crops)


def test_one_file_a_channel_by_pattern(tmp_path: Path) -> None:
    source, folder = write_sites(tmp_path / "whole"), tmp_path / "split"
    folder.mkdir()
    whole = opened(source)
    for site in range(2):
        import tifffile

        image = tifffile.imread(source / f"s{site}.ome.tif")
        for c, name in enumerate(("1-DNA", "2-ER", "3-AGP")):
            write_tiff(folder / f"P{site}_A01_s1_w{name}.tif", image[c], "YX")
    rows = "".join(f"P{s}_A01_1,{y},{x}\n" for s in range(2) for y, x in CENTRES[:3])
    (tmp_path / "cells.csv").write_text("file,y,x\n" + rows)
    options = {"masks": None, "pattern": "{plate}_{well}_s{site}_w{channel}.tif"}
    data = opened(folder, centroids=str(tmp_path / "cells.csv"), group="plate", **options)
    assert np.array_equal(data.crops, whole.crops)
    assert data.info.facts["channel_names"] == ["1-DNA", "2-ER", "3-AGP"]
    assert set(data.groups) == {"P0", "P1"}
    (folder / "P1_A01_s1_w2-ER.tif").unlink()
    with pytest.raises(DataError, match="site P1_A01_1: has no file of channel 2-ER"):
        opened(folder, centroids=str(tmp_path / "cells.csv"), **options)


def test_ome_zarr_plate(tmp_path: Path) -> None:
    import zarr

    plate = zarr.open_group(str(tmp_path / "P1.zarr"), mode="w", zarr_format=2)
    plate.attrs["plate"] = {"wells": [{"path": "A/1"}, {"path": "B/2"}]}
    for well in ("A/1", "B/2"):
        group = plate.create_group(well)
        group.attrs["well"] = {"images": [{"path": "0"}]}
        field = group.create_group("0")
        field.create_array("0", data=RNG.integers(0, 9, (2, 40, 40)).astype(np.uint16))
        axes = [{"name": a} for a in "cyx"]
        field.attrs["multiscales"] = [{"axes": axes, "datasets": [{"path": "0"}]}]
    (tmp_path / "cells.csv").write_text("file,y,x\nA1_0,20,20\nB2_0,15,25\n")
    data = opened(tmp_path / "P1.zarr", masks=None, centroids=str(tmp_path / "cells.csv"), group="well")
    assert list(data.groups) == ["A1", "B2"]
    assert set(data.metadata["plate"]) == {"P1"}


def test_held_out_plates_and_centring_on_controls(tmp_path: Path) -> None:
    folder = write_sites(tmp_path)
    options = {"metadata": "metadata.csv", "group": "plate", "test_groups": ("P2",)}
    train, test = (opened(folder, split, centre_by="plate", **options) for split in ("train", "test"))
    assert set(train.groups) == {"P1"}
    assert set(test.groups) == {"P2"}
    assert train.crops.dtype == np.float32
    for data in (train, test):
        assert np.allclose(data.crops.mean(axis=(0, 2, 3)), 0, atol=1e-4)
        assert np.allclose(data.crops.std(axis=(0, 2, 3)), 1, atol=1e-4)
    assert set(train.info.facts["centred"]) == {"P1", "P2"}
    with pytest.raises(DataError, match="no cell of plate P2 is a control"):
        opened(folder, centre_by="plate", controls={"treatment": "DMSO"}, **options)
    with pytest.raises(DataError, match=r"data\.test_groups: no plate P9; there are"):
        opened(folder, **{**options, "test_groups": ("P9",)})


def test_the_cache_is_memory_mapped_and_never_stale(tmp_path: Path) -> None:
    folder, cache = write_sites(tmp_path / "plate"), tmp_path / "cache"
    first = opened(folder, cache=str(cache))
    assert isinstance(first.crops, np.memmap)
    again = opened(folder, cache=str(cache))
    assert again.crops.filename == first.crops.filename
    assert list(again.ids) == list(first.ids)
    assert again.skipped == first.skipped
    mask = folder / "s0_mask.tif"
    write_tiff(mask, np.pad(np.ones((10, 10), np.uint8), 35), "YX")
    assert len(opened(folder, cache=str(cache))) == 4
    write_sites(folder)
    changed = opened(folder, cache=str(cache))
    assert changed.crops.filename != first.crops.filename
    assert np.array_equal(changed.crops, opened(folder).crops)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        ("mask size", r"s1_mask\.tif: the mask is 80 x 79, but its image is 80 x 80"),
        ("empty mask", r"s1_mask\.tif: the mask holds no object"),
        ("no mask", r"there is no file .*s1_mask\.tif"),
        ("truncated", r"s1\.ome\.tif: is truncated"),
        ("channels", r"s1\.ome\.tif: has channels .*, but earlier sites have DNA, ER, AGP"),
        ("dtype", r"s1\.ome\.tif: is uint8, but earlier sites are uint16"),
    ],
)
def test_a_bad_site_is_named_or_skipped(tmp_path: Path, spoil: str, said: str) -> None:
    folder = write_sites(tmp_path)
    image, mask = folder / "s1.ome.tif", folder / "s1_mask.tif"
    if spoil == "mask size":
        write_tiff(mask, np.ones((80, 79), np.uint8), "YX")
    elif spoil == "empty mask":
        write_tiff(mask, np.zeros((80, 80), np.uint8), "YX")
    elif spoil == "no mask":
        mask.unlink()
    elif spoil == "truncated":
        image.write_bytes(image.read_bytes()[:5000])
    elif spoil == "channels":
        write_tiff(image, image_of(2, np.uint16), "CYX")
    else:
        write_tiff(image, image_of(3, np.uint8), "CYX", ["DNA", "ER", "AGP"])
    with pytest.raises(DataError, match=said):
        opened(folder)
    data = opened(folder, on_error="skip")
    assert len(data) == 3
    assert sum(reason.startswith("s1.ome.tif: ") for reason in data.skipped) == 1


def test_metadata_that_does_not_match_is_named(tmp_path: Path) -> None:
    folder = write_sites(tmp_path)
    (folder / "metadata.csv").write_text("file,plate\ns0.ome.tif,P1\ngone.ome.tif,P1\n")
    with pytest.raises(
        DataError, match=r"1 sites have no row \(s1\.ome\.tif\) and 1 rows .* \(gone\.ome\.tif\)"
    ):
        opened(folder, metadata="metadata.csv")
    data = opened(folder, metadata="metadata.csv", on_error="skip")
    assert len(data) == 3
    assert len(data.skipped) == 3


def test_exactly_one_way_to_find_cells(tmp_path: Path) -> None:
    folder = write_sites(tmp_path)
    with pytest.raises(DataError, match=r"exactly one of masks, boxes and centroids.*got none"):
        opened(folder, masks=None, files="*.ome.tif")
    with pytest.raises(DataError, match="got masks and centroids"):
        opened(folder, centroids="x.csv")


@pytest.mark.data
def test_the_real_fields_yield_every_nucleus() -> None:
    folder = real_data("nf1_cellpainting_fields")
    options = {"metadata": "metadata.csv", "label": "genotype", "group": "well", "border": "pad"}
    data = opened(folder, masks="{stem}_nuclei_mask.tif", **options)
    counts = dict(zip(data.metadata["file"], data.metadata["n_nuclei"], strict=True))
    assert len(data) == sum(map(int, counts.values())) == 132
    assert data.info.facts["channel_names"] == ["DAPI", "GFP_ER", "RFP_actin"]
    assert data.classes == ("Null", "WT")
