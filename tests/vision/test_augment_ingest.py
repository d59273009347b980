"""What a user may hand over, and what it becomes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from vicreg_core.errors import DataError
from vicreg_vision.augmentations.facts import ImageFacts
from vicreg_vision.augmentations.ingest import read_image

Image = pytest.importorskip("PIL.Image")

RGB = ImageFacts(channels=3, size=None, dtype="uint8")
GRAY = ImageFacts(channels=1, size=None, dtype="uint8")
ORIENTATION, TURNED = 0x0112, 6


def pixels(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def encoded(image: Any, kind: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def test_every_way_to_hold_an_image_gives_the_same_sample(tmp_path: Path) -> None:
    array = pixels(5, 7, 3)
    image = Image.fromarray(array)
    path = tmp_path / "image.png"
    path.write_bytes(encoded(image))
    expected = torch.from_numpy(array).permute(2, 0, 1)
    ways = [str(path), path, encoded(image), bytearray(encoded(image)), image, array, expected]
    ways += [array.transpose(2, 0, 1), expected.permute(1, 2, 0), array / 255, expected.float() / 255]
    for way in ways:
        sample = read_image(way, RGB)
        assert sample.dtype == torch.uint8
        assert torch.equal(sample, expected), type(way)


def test_an_array_handed_over_is_neither_kept_nor_changed() -> None:
    array = pixels(4, 4, 3)
    sample = read_image(array, RGB)
    sample.zero_()
    assert array.any()


def test_gray_is_repeated_and_colour_becomes_luma() -> None:
    gray = pixels(6, 5)
    for way in (gray, gray[None], gray[..., None], Image.fromarray(gray), encoded(Image.fromarray(gray))):
        assert torch.equal(read_image(way, RGB), torch.from_numpy(gray).expand(3, -1, -1))
        assert torch.equal(read_image(way, GRAY)[0], torch.from_numpy(gray))
    colour = Image.fromarray(pixels(6, 5, 3))
    luma = torch.from_numpy(np.array(colour.convert("L")))
    for way in (colour, np.array(colour), encoded(colour)):
        assert (read_image(way, GRAY)[0].int() - luma.int()).abs().max() <= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparency_is_laid_over_white(mode: str) -> None:
    rgba = np.zeros((2, 2, 4), np.uint8)
    rgba[0, :, 3] = 255
    image = Image.fromarray(rgba)
    if mode == "P":
        image = image.quantize()
    image = image.convert(mode)
    expected = torch.tensor([[0, 0], [255, 255]], dtype=torch.uint8).expand(3, 2, 2)
    assert torch.equal(read_image(image, RGB), expected)
    if mode != "P":
        assert torch.equal(read_image(np.array(image), RGB), expected)


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr", "HSV", "1", "P"])
def test_other_modes_are_converted_as_pillow_does(mode: str) -> None:
    image = Image.fromarray(pixels(4, 4, 3)).convert(mode)
    expected = torch.from_numpy(np.array(image.convert("RGB"))).permute(2, 0, 1)
    assert torch.equal(read_image(image, RGB), expected)


def test_orientation_is_honoured() -> None:
    image = Image.fromarray(pixels(4, 8, 3))
    exif = image.getexif()
    exif[ORIENTATION] = TURNED
    data = encoded(image, "TIFF", exif=exif)
    upright = torch.from_numpy(np.rot90(np.array(image), -1).copy()).permute(2, 0, 1)
    assert torch.equal(read_image(data, RGB), upright)
    assert torch.equal(read_image(Image.open(io.BytesIO(data)), RGB), upright)


def test_sixteen_bits_are_scaled_to_the_dtype_of_the_data() -> None:
    deep = np.array([[0, 257, 65_535], [128, 32_768, 1]], np.uint16)
    eight = torch.tensor([[0, 1, 255], [0, 128, 0]], dtype=torch.uint8)
    image = Image.fromarray(deep)
    for way in (deep, image, encoded(image), image.convert("I")):
        assert torch.equal(read_image(way, GRAY)[0], eight)
    uint16 = ImageFacts(channels=1, size=None, dtype="uint16")
    float32 = ImageFacts(channels=1, size=None, dtype="float32")
    assert torch.equal(read_image(deep, uint16)[0], torch.from_numpy(deep))
    assert torch.equal(
        read_image(np.array([[1, 255]], np.uint8), uint16)[0, 0],
        torch.tensor([257, 65_535], dtype=torch.uint16),
    )
    torch.testing.assert_close(read_image(deep, float32)[0], torch.from_numpy(deep / 65_535).float())


def test_five_channels_pass_in_either_order() -> None:
    facts = ImageFacts(channels=5, size=None, dtype="uint8")
    stack = pixels(5, 8, 9)
    for way in (stack, stack.transpose(1, 2, 0), torch.from_numpy(stack)):
        assert torch.equal(read_image(way, facts), torch.from_numpy(stack))


@pytest.mark.parametrize(
    ("item", "facts", "message"),
    [
        (b"", RGB, "cannot read image of 0 bytes"),
        (b"not an image", RGB, "cannot read image of 12 bytes"),
        (encoded(Image.fromarray(pixels(60, 60, 3)), "JPEG")[:200], RGB, "cannot read image of 200 bytes"),
        ("/no/such/file.png", RGB, r"cannot read image /no/such/file\.png: No such file"),
        (3, RGB, "cannot read int 3 as an image: expected a path"),
        (np.zeros(4, np.uint8), RGB, r"array of shape \(4,\)"),
        (np.zeros((0, 4, 3), np.uint8), RGB, r"array of shape \(0, 4, 3\)"),
        (np.full((4, 4), 16.0), GRAY, r"expected in \[0, 1\], got values from 16.0 to 16.0"),
        (np.full((4, 4), np.nan), GRAY, "got values from nan to nan"),
        (np.zeros((4, 4), np.int64), GRAY, "got int64"),
        (Image.new("F", (2, 2), 3.0), GRAY, r"expected in \[0, 1\], got values from 3.0"),
        (Image.new("I", (2, 2), 70_000), GRAY, "beyond 16 bits"),
        (pixels(5, 8, 9), RGB, r"has 9 channel\(s\), the model takes uint8 images of 3"),
        (pixels(4, 4, 3), ImageFacts(5, None, "uint8"), r"has 3 channel\(s\).*of 5"),
        (encoded(Image.fromarray(pixels(4, 4))), ImageFacts(1, None, "uint16"), "give an array of uint16"),
    ],
)
def test_what_cannot_be_read_is_named(item: Any, facts: ImageFacts, message: str) -> None:
    with pytest.raises(DataError, match=message):
        read_image(item, facts)


def test_a_folder_is_not_an_image(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Is a directory"):
        read_image(tmp_path, RGB)


def test_a_lazily_opened_damaged_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "cut.jpg"
    path.write_bytes(encoded(Image.fromarray(pixels(80, 80, 3)), "JPEG")[:3000])
    with Image.open(path) as image, pytest.raises(DataError, match="PIL image of mode RGB and 80 x 80"):
        read_image(image, RGB)
