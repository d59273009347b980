from __future__ import annotations

import io
import pickle

import numpy as np
import pytest
import torch

from tests.vision.pictures import Image, colour, encoded, gray
from vicreg_vision.images.decode import UnreadableImageError, decode_image, to_channels


def test_colour_and_gray_pixels_are_kept() -> None:
    pixels = colour(0)
    assert torch.equal(decode_image(encoded(pixels), "x"), torch.from_numpy(pixels).permute(2, 0, 1))
    assert torch.equal(decode_image(encoded(gray(0)), "x"), torch.from_numpy(gray(0))[None])


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP", "PPM"])
def test_formats(kind: str) -> None:
    data = encoded(colour(0), kind)
    expected = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert np.array_equal(decode_image(data, "x").permute(1, 2, 0).numpy(), expected)


def test_sixteen_bits_are_scaled_to_eight() -> None:
    wide = np.array([[0, 257, 128], [65_535, 32_768, 256]], dtype=np.uint16)
    image = decode_image(encoded(wide), "x")
    assert image.dtype == torch.uint8
    assert image.tolist() == [[[0, 1, 0], [255, 128, 1]]]


def test_transparency_is_laid_over_white() -> None:
    pixels = np.zeros((1, 3, 4), dtype=np.uint8)
    pixels[0, :, 3] = (0, 255, 51)
    image = decode_image(encoded(pixels), "x")
    assert image.shape == (3, 1, 3)
    assert image[0].tolist() == [[255, 0, 204]]
    gray_alpha = Image.fromarray(pixels, "RGBA").convert("LA")
    assert decode_image(encoded(gray_alpha), "x").tolist() == [[[255, 0, 204]]]


def test_a_palette_becomes_colour_and_its_transparent_entry_white() -> None:
    palette = Image.fromarray(colour(1)).convert("P", palette=Image.Palette.ADAPTIVE)
    expected = np.asarray(palette.convert("RGB")).transpose(2, 0, 1)
    assert np.array_equal(decode_image(encoded(palette), "x").numpy(), expected)
    hidden = int(np.asarray(palette)[0, 0])
    assert decode_image(encoded(palette, transparency=hidden), "x")[:, 0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF"])
def test_images_are_turned_upright(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # a quarter turn clockwise brings it upright
    pixels = np.zeros((16, 32, 3), dtype=np.uint8)
    pixels[:, :16] = 255
    upright = decode_image(encoded(pixels, kind, exif=exif), "x")
    assert upright.shape == (3, 32, 16)
    assert upright[:, :14].min() > 240
    assert upright[:, 18:].max() < 15


def test_the_first_picture_of_an_animation_is_taken() -> None:
    frames = [Image.fromarray(gray(i)) for i in range(3)]
    data = encoded(frames[0], "GIF", save_all=True, append_images=frames[1:])
    assert np.array_equal(decode_image(data, "x")[0].numpy(), gray(0))


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
@pytest.mark.parametrize("share", [0.05, 0.5, 0.8])
def test_a_truncated_file_is_named(kind: str, share: float) -> None:
    data = encoded(colour(0, 40, 40), kind)
    with pytest.raises(UnreadableImageError, match=r"cat/1\.img.*data\.on_error=skip"):
        decode_image(data[: int(len(data) * share)], "cat/1.img")


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"hello, not an image", "not an image"),
        (encoded(np.zeros((2, 2), np.float32), "TIFF"), "floating"),
        (encoded(np.full((2, 2), 70_000, np.int32), "TIFF"), "beyond 16 bits"),
    ],
)
def test_what_is_no_image_is_refused_with_the_reason(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableImageError, match=reason):
        decode_image(data, "x")


@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "TIFF", "WEBP"])
def test_damaged_bytes_give_an_image_or_the_error_and_nothing_else(kind: str) -> None:
    data = encoded(colour(0, 24, 24), kind)
    generator = np.random.default_rng(0)
    refused = 0
    for _ in range(40):
        damaged = bytearray(data)
        for _ in range(generator.integers(1, 8)):
            damaged[generator.integers(0, len(damaged))] = generator.integers(0, 256)
        try:
            assert decode_image(bytes(damaged), "x").ndim == 3
        except UnreadableImageError:
            refused += 1
    assert refused


def test_the_error_survives_the_way_out_of_a_worker_process() -> None:
    error = pickle.loads(pickle.dumps(UnreadableImageError("a.png", "truncated")))
    assert (error.name, error.reason) == ("a.png", "truncated")
    assert "a.png" in str(error)


def test_channels_are_repeated_or_weighed_as_pillow_does() -> None:
    image = torch.from_numpy(colour(3)).permute(2, 0, 1)
    luma = np.asarray(Image.fromarray(colour(3)).convert("L"))
    assert np.array_equal(to_channels(image, 1)[0].numpy(), luma)
    assert torch.equal(to_channels(image[:1], 3), image[:1].repeat(3, 1, 1))
    assert to_channels(image, 3) is image
