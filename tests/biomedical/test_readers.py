from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.biomedical.fixtures import write_tiff
from vicreg_biomedical.images.image import to_channels_first
from vicreg_biomedical.images.readers import read_channel_files, read_image
from vicreg_core.errors import DataError

RNG = np.random.default_rng(0)


def picture(*shape: int, dtype: type = np.uint16) -> np.ndarray:
    return RNG.integers(0, 4000 if dtype is np.uint16 else 250, shape).astype(dtype)


@pytest.mark.parametrize("channels", [1, 2, 3, 4, 8])
def test_no_channel_is_lost_and_names_come_through(tmp_path: Path, channels: int) -> None:
    pixels, names = picture(channels, 20, 30), [f"dye {c}" for c in range(channels)]
    image = read_image(write_tiff(tmp_path / "a.ome.tif", pixels, "CYX", names))
    assert np.array_equal(image.pixels, pixels)
    assert image.pixels.dtype == np.uint16
    assert image.channel_names == tuple(names)


def test_plain_multi_page_tiff_pages_are_channels(tmp_path: Path) -> None:
    import tifffile

    pixels = picture(5, 20, 30)
    tifffile.imwrite(tmp_path / "a.tif", pixels, photometric="minisblack")
    image = read_image(tmp_path / "a.tif")
    assert np.array_equal(image.pixels, pixels)
    assert image.channel_names is None


@pytest.mark.parametrize("suffix", [".png", ".bmp"])
def test_rgb_and_gray_pictures(tmp_path: Path, suffix: str) -> None:
    from PIL import Image

    rgb, gray = picture(9, 11, 3, dtype=np.uint8), picture(9, 11, dtype=np.uint8)
    for name, array in (("rgb", rgb), ("gray", gray)):
        Image.fromarray(array).save(tmp_path / f"{name}{suffix}")
    assert np.array_equal(read_image(tmp_path / f"rgb{suffix}").pixels, rgb.transpose(2, 0, 1))
    assert np.array_equal(read_image(tmp_path / f"gray{suffix}").pixels, gray[None])


def test_sixteen_bit_png_keeps_its_bits(tmp_path: Path) -> None:
    from PIL import Image

    gray = picture(9, 11)
    Image.fromarray(gray).save(tmp_path / "deep.png")
    assert np.array_equal(read_image(tmp_path / "deep.png").pixels, gray[None])


@pytest.mark.parametrize(
    ("axes", "shape", "expected"),
    [("YX", (4, 5), (1, 4, 5)), ("YXS", (4, 5, 3), (3, 4, 5)), ("TCZYX", (1, 2, 1, 4, 5), (2, 4, 5))],
)
def test_axes_are_brought_to_channel_height_width(
    axes: str, shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    assert to_channels_first(np.zeros(shape), axes, "x").shape == expected


def test_time_is_refused_rather_than_taken_for_channels() -> None:
    with pytest.raises(DataError, match="3 time points"):
        to_channels_first(np.zeros((3, 4, 5)), "TYX", "stack.tif")


def test_a_truncated_tiff_is_named(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "cut.ome.tif", picture(3, 64, 64), "CYX")
    content = path.read_bytes()
    for share in (0.9, 0.5, 0.01):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(DataError, match=r"cut\.ome\.tif"):
            read_image(path)


def test_a_page_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "slide.tif", picture(1, 1024, 1024), "CYX")
    with pytest.raises(DataError, match=r"slide\.tif.*data\.max_image_mib=.*Tile it first"):
        read_image(path, 1)


@pytest.mark.parametrize("name", ["text.png", "text.tif", "text.npy", "notes.docx"])
def test_what_is_no_image_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("no image")
    with pytest.raises(DataError, match=name):
        read_image(tmp_path / name)


def test_transparency_is_not_dropped_in_silence(tmp_path: Path) -> None:
    from PIL import Image

    clear = picture(4, 4, 4, dtype=np.uint8)
    Image.fromarray(clear).save(tmp_path / "clear.png")
    with pytest.raises(DataError, match="RGBA"):
        read_image(tmp_path / "clear.png")
    clear[..., 3] = 255
    Image.fromarray(clear).save(tmp_path / "opaque.png")
    assert read_image(tmp_path / "opaque.png").pixels.shape == (3, 4, 4)


def test_files_of_a_site_must_agree(tmp_path: Path) -> None:
    paths = [write_tiff(tmp_path / f"w{c}.tif", picture(1, 8, 8), "CYX") for c in range(2)]
    image = read_channel_files(paths, ["DNA", "ER"])
    assert image.pixels.shape == (2, 8, 8)
    assert image.channel_names == ("DNA", "ER")
    write_tiff(paths[1], picture(1, 8, 9), "CYX")
    with pytest.raises(DataError, match=r"w1\.tif: is \(8, 9\)"):
        read_channel_files(paths, ["DNA", "ER"])
    write_tiff(paths[1], picture(1, 8, 8, dtype=np.uint8), "CYX")
    with pytest.raises(DataError, match=r"w1\.tif: is .*uint8, but w0\.tif"):
        read_channel_files(paths, ["DNA", "ER"])


@pytest.mark.parametrize("version", ["0.4", "0.5"])
def test_ome_zarr_image(tmp_path: Path, version: str) -> None:
    import zarr

    pixels = picture(3, 16, 20)
    group = zarr.open_group(str(tmp_path / "a.zarr"), mode="w", zarr_format=2 if version == "0.4" else 3)
    group.create_array("0", data=pixels[None, :, None])
    attributes = {
        "multiscales": [{"axes": [{"name": a} for a in "tczyx"], "datasets": [{"path": "0"}]}],
        "omero": {"channels": [{"label": n} for n in ("DNA", "ER", "AGP")]},
    }
    group.attrs.update(attributes if version == "0.4" else {"ome": attributes})
    image = read_image(tmp_path / "a.zarr")
    assert np.array_equal(image.pixels, pixels)
    assert image.channel_names == ("DNA", "ER", "AGP")
