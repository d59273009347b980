"""Links that lead out of a plate's folder are listed or refused; those inside it are followed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.biomedical.fixtures import write_tiff
from tests.biomedical.test_bad_input import crops, zarr_image, zarr_plate
from tests.biomedical.test_plate import opened, write_sites
from vicreg_biomedical.images.omezarr import plate_fields
from vicreg_biomedical.images.readers import read_image
from vicreg_core.errors import DataError

LEFT_OUT = "a link that leads out of the folder"


def elsewhere(folder: Path) -> Path:
    """Another plate, which nobody meant to hand over."""
    return write_sites(folder / "elsewhere", 1)


def test_sites_behind_a_link_are_left_out_and_listed(tmp_path: Path) -> None:
    plate, other = write_sites(tmp_path / "plate", 1), elsewhere(tmp_path)
    (plate / "s9.ome.tif").symlink_to(other / "s0.ome.tif")
    data = opened(plate)
    assert set(data.metadata["image"]) == {"s0.ome.tif"}
    assert data.skipped[0] == f"{plate / 's9.ome.tif'}: {LEFT_OUT}"


def test_folders_behind_a_link_are_left_out_and_listed(tmp_path: Path) -> None:
    plate, other = write_sites(tmp_path / "plate", 1), elsewhere(tmp_path)
    (plate / "more").symlink_to(other)
    data = opened(plate, files="**/*.ome.tif")
    assert set(data.metadata["image"]) == {"s0.ome.tif"}
    assert data.skipped[0] == f"{plate / 'more'}: {LEFT_OUT}"


def test_a_plate_of_links_alone_says_so(tmp_path: Path) -> None:
    plate, other = tmp_path / "plate", elsewhere(tmp_path)
    plate.mkdir()
    (plate / "s0.ome.tif").symlink_to(other / "s0.ome.tif")
    with pytest.raises(DataError, match=r"no file matches .*1 link\(s\) lead out of it"):
        opened(plate)


def test_a_channel_behind_a_link_is_missing_and_told(tmp_path: Path) -> None:
    plate = tmp_path / "plate"
    plate.mkdir()
    plane = np.random.default_rng(0).integers(0, 99, (80, 80)).astype(np.uint16)
    for name in ("P1_A1_w1.tif", "P1_A1_w2.tif", "P1_A2_w1.tif"):
        write_tiff(plate / name, plane, "YX")
    write_tiff(tmp_path / "secret.tif", plane, "YX")
    (plate / "P1_A2_w2.tif").symlink_to(tmp_path / "secret.tif")
    (plate / "cells.csv").write_text("file,y,x\nP1_A1,30,30\nP1_A2,30,30\n")
    given = {"pattern": "{plate}_{well}_w{channel}.tif", "masks": None, "centroids": "cells.csv"}
    with pytest.raises(DataError, match=r"P1_A2: has no file of channel 2.*1 link\(s\) lead out"):
        opened(plate, **given)
    data = opened(plate, on_error="skip", **given)
    assert len(data) == 1
    assert f"{plate / 'P1_A2_w2.tif'}: {LEFT_OUT}" in data.skipped


@pytest.mark.parametrize("kind", ["masks", "boxes"])
def test_a_mask_behind_a_link_is_refused(tmp_path: Path, kind: str) -> None:
    plate = write_sites(tmp_path / "plate", 1)
    secret = tmp_path / "secret"
    secret.write_text("secret")
    name = "{stem}_mask.tif" if kind == "masks" else "{stem}.xml"
    link = plate / name.replace("{stem}", "s0")
    link.unlink(missing_ok=True)
    link.symlink_to(secret)
    given = {"files": "*.ome.tif", "masks": None} | {kind: name}
    with pytest.raises(DataError, match=r"is a link that leads out of .*Copy it there"):
        opened(plate, **given)


def test_masks_in_a_folder_that_the_recipe_names_are_read(tmp_path: Path) -> None:
    plate, masks = write_sites(tmp_path / "plate", 1), tmp_path / "masks"
    masks.mkdir()
    (plate / "s0_mask.tif").rename(masks / "s0.tif")
    assert len(opened(plate, masks="../masks/{stem}.tif")) == 3


def test_links_inside_the_folder_are_followed(tmp_path: Path) -> None:
    plate = write_sites(tmp_path / "plate", 1)
    (plate / "kept").mkdir()
    (plate / "s0.ome.tif").rename(plate / "kept" / "first.ome.tif")
    (plate / "s0.ome.tif").symlink_to(plate / "kept" / "first.ome.tif")
    assert len(opened(plate)) == 3


def test_a_split_of_crops_behind_a_link_is_refused(tmp_path: Path) -> None:
    for split in ("train", "test"):
        (tmp_path / "crops" / split).mkdir(parents=True)
    (tmp_path / "crops" / "train").rmdir()
    (tmp_path / "crops" / "train").symlink_to(elsewhere(tmp_path))
    with pytest.raises(DataError, match=r"'train', which leads out of"):
        crops(tmp_path / "crops")


@pytest.mark.parametrize("name", [".zattrs", "0/.zarray", "0/0.0.0"])
def test_parts_of_a_zarr_behind_a_link_are_refused(tmp_path: Path, name: str) -> None:
    zarr_image(tmp_path / "a.zarr")
    (tmp_path / "a.zarr" / name).rename(tmp_path / "secret")
    (tmp_path / "a.zarr" / name).symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=r"a\.zarr.*(leads|lead) out of"):
        read_image(tmp_path / "a.zarr")


def test_a_well_of_a_zarr_behind_a_link_is_refused(tmp_path: Path) -> None:
    zarr_plate(tmp_path / "plate.zarr", "A/1", "0")
    (tmp_path / "plate.zarr" / "A" / "1").rename(tmp_path / "secret")
    (tmp_path / "plate.zarr" / "A" / "1").symlink_to(tmp_path / "secret")
    with pytest.raises(DataError, match=r"'A/1', which leads out of"):
        plate_fields(tmp_path / "plate.zarr")
