"""``data.cache=FOLDER``: decoded once, whatever stops it; the same images as without, reduced."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from vicreg_core.errors import DataError
from vicreg_core.recipes.load import load_recipe
from vicreg_core.recipes.problems import InvalidRecipeError
from vicreg_vision.datasets import stored
from vicreg_vision.datasets.config import FolderConfig
from vicreg_vision.datasets.folder import build
from vicreg_vision.images.decode import UnreadableImageError, decode_image
from vicreg_vision.images.reduce import decode_reduced

SIZES = [(40, 60), (60, 40), (50, 50), (20, 30), (90, 31), (64, 48), (33, 70), (41, 44), (80, 80), (36, 52)]


def smooth(height: int, width: int, seed: int) -> np.ndarray:
    """A picture whose detail survives JPEG."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [
        np.sin(generator.uniform(2, 8) * x / width + generator.uniform(2, 8) * y / height) for _ in range(3)
    ]
    return np.uint8(127 + 120 * np.stack(waves, axis=2))


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number, (height, width) in enumerate(SIZES):
        suffix = "jpg" if number % 2 else "png"
        Image.fromarray(smooth(height, width, number)).save(folder / f"{number}.{suffix}", quality=95)
    return folder


@pytest.fixture(autouse=True)
def small_shards(monkeypatch):
    monkeypatch.setattr(stored, "SHARD", 4)


def opened(photos: Path, cache: Path, **keys):
    data = build(FolderConfig(path=str(photos), cache=str(cache), **{"cache_side": 32, **keys}), "train")
    assert data is not None
    return data


def never(*_):
    raise AssertionError("an image was decoded again")


def test_images_are_those_of_the_files_reduced(photos, tmp_path):
    plain, kept = opened(photos, Path("none")), opened(photos, tmp_path / "cache")
    assert list(kept.ids) == list(plain.ids)
    assert not kept.in_memory
    for index in range(len(SIZES)):
        whole, small = plain[index], kept[index]
        assert min(small.shape[1:]) == min(32, min(whole.shape[1:]))
        assert abs(small.shape[1] / small.shape[2] - whole.shape[1] / whole.shape[2]) < 0.06
        expected = torch.nn.functional.interpolate(
            whole[None].float(), small.shape[1:], mode="bicubic", antialias=True
        )[0]
        assert float((small.float() - expected).abs().mean()) < 2.0
    assert kept.raw_features(np.arange(3)).shape == (3, 3 * 32 * 32)


def test_a_second_opening_decodes_nothing(photos, tmp_path, monkeypatch):
    first = opened(photos, tmp_path / "cache")
    monkeypatch.setattr(stored, "decode_at", never)
    second = opened(photos, tmp_path / "cache")
    assert all(torch.equal(first[i], second[i]) for i in range(len(first)))
    copied = pickle.loads(pickle.dumps(second))
    assert torch.equal(copied[3], first[3])


def test_a_build_that_was_stopped_goes_on_where_it_was(photos, tmp_path, monkeypatch):
    decode, seen = stored.decode_at, []

    def counted(source, index, *rest):
        seen.append(index)
        if len(seen) == 7:
            raise KeyboardInterrupt
        return decode(source, index, *rest)

    monkeypatch.setattr(stored, "decode_at", counted)
    monkeypatch.setattr(stored, "each", lambda work, rows: (work(int(row)) for row in rows))
    with pytest.raises(KeyboardInterrupt):
        opened(photos, tmp_path / "cache")
    seen.clear()
    monkeypatch.setattr(stored, "decode_at", lambda *given: (seen.append(given[1]), decode(*given))[1])
    assert len(opened(photos, tmp_path / "cache")) == len(SIZES)
    assert seen == [4, 5, 6, 7, 8, 9]


def test_only_the_shard_of_a_changed_image_is_made_anew(photos, tmp_path, monkeypatch):
    before = opened(photos, tmp_path / "cache")[5].clone()
    Image.fromarray(smooth(50, 40, 99)).save(photos / "5.jpg")
    decode, seen = stored.decode_at, []
    monkeypatch.setattr(stored, "decode_at", lambda *given: (seen.append(given[1]), decode(*given))[1])
    after = opened(photos, tmp_path / "cache")
    assert sorted(seen) == [4, 5, 6, 7]
    assert before.shape != after[5].shape


@pytest.mark.parametrize("spoil", ["truncated", "index", "gone"])
def test_a_damaged_shard_is_made_anew(photos, tmp_path, spoil):
    cache = tmp_path / "cache"
    first = [image.clone() for image in map(opened(photos, cache).__getitem__, range(len(SIZES)))]
    shard = sorted(cache.rglob("*.bin"))[0]
    if spoil == "truncated":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif spoil == "index":
        shard.with_suffix(".json").write_text('{"shapes": []}', encoding="utf-8")
    else:
        shard.unlink()
    again = opened(photos, cache)
    assert all(torch.equal(again[i], image) for i, image in enumerate(first))


def test_an_unreadable_image_is_named_or_left_out(photos, tmp_path):
    (photos / "3.jpg").write_bytes(b"no image")
    with pytest.raises(UnreadableImageError, match=r"3\.jpg: not an image"):
        opened(photos, tmp_path / "cache")
    kept = opened(photos, tmp_path / "cache", on_error="skip")
    assert len(kept) == len(SIZES) - 1
    assert "3.jpg" in kept.skipped[0]
    assert "3.jpg" not in list(kept.ids)
    assert torch.equal(kept[3], opened(photos, tmp_path / "cache", on_error="skip")[3])
    with pytest.raises(UnreadableImageError):
        opened(photos, tmp_path / "cache")


def test_images_of_one_size_are_read_as_a_batch(tmp_path):
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(6):
        Image.fromarray(smooth(64, 96, number)).save(folder / f"{number}.png")
    data = opened(folder, tmp_path / "cache")
    assert data.in_memory
    assert data.__getitems__([5, 0, 3]).shape == (3, 3, 32, 48)
    assert data.info.facts["height"] == 32


def test_a_jpeg_is_decoded_at_a_lower_scale(tmp_path, monkeypatch):
    path = tmp_path / "large.jpg"
    Image.fromarray(smooth(800, 1200, 1)).save(path, quality=95)
    small = decode_reduced(path.read_bytes(), "large", 64)
    assert small.shape == (3, 64, 96)
    whole = decode_image(path.read_bytes(), "large")
    expected = torch.nn.functional.interpolate(whole[None].float(), (64, 96), mode="bicubic", antialias=True)[
        0
    ]
    assert float((small.float() - expected).abs().mean()) < 1.0
    sizes = []
    draft = Image.Image.draft
    jpeg = type(Image.open(path))
    monkeypatch.setattr(
        jpeg, "draft", lambda self, *given: (draft(self, *given), sizes.append(given[1]))[0], raising=False
    )
    decode_reduced(path.read_bytes(), "large", 64)
    assert sizes == [(192, 128)]


def test_what_is_no_folder_is_refused(photos, tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(DataError, match="is a file, expected a folder to keep decoded images in"):
        opened(photos, tmp_path / "file")
    with pytest.raises(InvalidRecipeError, match=r"got 'non'; did you mean 'none'\? A folder of that name"):
        load_recipe("vision/folder", [f"data.path={photos}", "data.cache=non"])
    assert load_recipe("vision/folder", [f"data.path={photos}", "data.cache=./none"])
