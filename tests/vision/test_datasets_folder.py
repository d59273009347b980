from __future__ import annotations

import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.vision.pictures import colour, encoded, gray, write
from vicreg_core.errors import DataError
from vicreg_vision.augmentations.facts import ImageFacts
from vicreg_vision.augmentations.ingest import read_image
from vicreg_vision.datasets import folder, loading
from vicreg_vision.datasets.adapters import ImageAdapter, LazyImages, MemoryImages
from vicreg_vision.datasets.config import FolderConfig


def build(path: Path, split: str = "train", **keys: object) -> ImageAdapter:
    adapter = folder.build(FolderConfig(path=str(path), **keys), split)  # type: ignore[arg-type]
    assert adapter is not None
    return adapter


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Two classes of two colour images of one size."""
    for seed, name in enumerate(("cat/1.png", "cat/2.png", "dog/1.png", "dog/deep/2.png")):
        write(tmp_path / name, colour(seed))
    return tmp_path


def test_images_of_one_size_are_held_in_memory(pets: Path) -> None:
    data = build(pets)
    assert isinstance(data, MemoryImages)
    assert list(data.ids) == ["cat/1.png", "cat/2.png", "dog/1.png", "dog/deep/2.png"]
    batch = data.__getitems__(np.array([3, 0]))
    assert (batch.shape, batch.dtype) == ((2, 3, 12, 10), torch.uint8)
    assert np.array_equal(batch[1].permute(1, 2, 0).numpy(), colour(0))
    assert np.array_equal(data[3].permute(1, 2, 0).numpy(), colour(3))


def test_labels_come_from_the_first_sub_folder(pets: Path) -> None:
    data = build(pets)
    assert data.labels is not None
    assert data.labels.dtype == np.int64
    assert (data.labels.tolist(), list(data.classes)) == ([0, 0, 1, 1], ["cat", "dog"])
    assert build(pets, class_folders="none").labels is None


@pytest.mark.parametrize("stray", ["stray.png", None])
def test_one_sub_folder_is_no_class(tmp_path: Path, stray: str | None) -> None:
    write(tmp_path / "only/1.png", colour(0))
    if stray:
        write(tmp_path / stray, colour(1))
    data = build(tmp_path)
    assert (data.labels, list(data.classes)) == (None, [])


def test_an_image_beside_the_class_folders_is_not_labelled(pets: Path) -> None:
    write(pets / "a.png", colour(9))
    data = build(pets)
    assert data.labels is not None
    assert dict(zip(data.ids, data.labels.tolist(), strict=True))["a.png"] == -1
    assert sorted(data.labels.tolist()) == [-1, 0, 0, 1, 1]
    assert list(data.classes) == ["cat", "dog"]


def test_facts(pets: Path) -> None:
    facts = build(pets).info.facts
    pixels = np.stack([colour(seed) for seed in range(4)]).reshape(-1, 3) / 255
    assert {k: facts[k] for k in ("kind", "channels", "height", "width", "uniform", "dtype")} == {
        "kind": "image",
        "channels": 3,
        "height": 12,
        "width": 10,
        "uniform": True,
        "dtype": "uint8",
    }
    np.testing.assert_allclose(facts["mean"], pixels.mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(facts["std"], pixels.std(axis=0), atol=1e-6)


def test_images_of_unlike_size_are_decoded_when_asked_for(pets: Path) -> None:
    write(pets / "dog/tall.png", colour(9, height=50))
    data = build(pets)
    assert isinstance(data, LazyImages)
    assert not data.in_memory
    assert (data.info.facts["uniform"], data.info.facts["height"]) == (False, None)
    assert [tuple(data[i].shape) for i in (0, 4)] == [(3, 12, 10), (3, 50, 10)]
    assert len(data.__getitems__([0, 4])) == 2
    again = pickle.loads(pickle.dumps(data))
    assert torch.equal(again[4], data[4])


def test_an_image_of_another_size_beyond_the_sampled_headers_is_found(
    pets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(pets / "cat/1b.png", colour(9, height=50))
    monkeypatch.setattr("vicreg_vision.images.layout.SAMPLE", 2)
    data = build(pets)
    assert isinstance(data, LazyImages)
    assert data.info.facts["uniform"] is False
    assert [data[i].shape[1] for i in range(5)] == [12, 50, 12, 12, 12]


def test_cache_and_budget(pets: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(build(pets, cache="none"), LazyImages)
    monkeypatch.setattr(loading, "MEMORY_BUDGET", 1000)
    assert isinstance(build(pets), LazyImages)
    assert isinstance(build(pets, cache="memory"), MemoryImages)
    write(pets / "dog/tall.png", colour(9, height=50))
    with pytest.raises(DataError, match=r"data\.cache=memory.*one size"):
        build(pets, cache="memory")


def test_memory_and_lazy_agree(pets: Path) -> None:
    held, lazy = build(pets), build(pets, cache="none")
    rows = np.array([2, 0])
    assert torch.equal(held.__getitems__(rows), torch.stack(lazy.__getitems__(rows)))
    assert np.array_equal(held.raw_features(rows), lazy.raw_features(rows))
    assert held.info.facts["mean"] == lazy.info.facts["mean"]


def test_gray_among_colour_becomes_colour_and_gray_alone_stays_gray(tmp_path: Path) -> None:
    write(tmp_path / "a.png", gray(0))
    write(tmp_path / "b.png", gray(1))
    assert build(tmp_path).info.facts["channels"] == 1
    write(tmp_path / "c.png", colour(2))
    data = build(tmp_path)
    assert data.info.facts["channels"] == 3
    assert np.array_equal(data[0].numpy(), np.stack([gray(0)] * 3))
    assert build(tmp_path, channels=1)[2].shape == (1, 12, 10)
    assert build(tmp_path, channels=3)[0].shape == (3, 12, 10)


def test_a_colour_image_beyond_the_sampled_headers_is_not_turned_gray_in_silence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, pixels in (("a", gray(0)), ("b", colour(1)), ("c", gray(2))):
        write(tmp_path / f"{name}.png", pixels)
    monkeypatch.setattr("vicreg_vision.images.layout.SAMPLE", 2)
    with pytest.raises(DataError, match=r"b\.png is in colour.*data\.channels=3"):
        build(tmp_path)


def test_an_unreadable_image_is_named(pets: Path) -> None:
    write(pets / "cat/broken.png", encoded(colour(0))[:80])
    with pytest.raises(DataError, match=r"cat/broken\.png.*on_error=skip"):
        build(pets)


def test_skip_counts_and_names_what_it_leaves_out(pets: Path) -> None:
    write(pets / "cat/broken.jpg", encoded(colour(0, 40, 40), "JPEG")[:400])
    write(pets / "dog/0empty.png", b"")
    (pets / "dog/dangling.png").symlink_to(pets / "nowhere")
    for cache in ("auto", "none"):
        data = build(pets, on_error="skip", cache=cache)
        assert list(data.ids) == ["cat/1.png", "cat/2.png", "dog/1.png", "dog/deep/2.png"]
        assert data.labels is not None
        assert data.labels.tolist() == [0, 0, 1, 1]
        assert [data[i].float().mean() for i in range(4)] == [build_mean(seed) for seed in range(4)]
        names = [line.split(": ")[0] for line in data.skipped]
        assert [Path(name).name for name in names] == ["broken.jpg", "0empty.png", "dangling.png"]
        assert "empty" in data.skipped[1]


def build_mean(seed: int) -> torch.Tensor:
    return torch.from_numpy(colour(seed)).permute(2, 0, 1).float().mean()


def test_skip_with_images_of_unlike_size(pets: Path) -> None:
    write(pets / "cat/0.png", b"no image")
    write(pets / "dog/tall.png", colour(9, height=50))
    data = build(pets, on_error="skip")
    assert [data[i].shape[1] for i in range(5)] == [12, 12, 12, 12, 50]
    assert len(data.skipped) == 1


def test_skip_of_everything_fails(tmp_path: Path) -> None:
    write(tmp_path / "a.png", b"no image")
    write(tmp_path / "b.png", b"")
    with pytest.raises(DataError, match=r"none of the 2 images can be read.*a\.png"):
        build(tmp_path, on_error="skip")


def test_splits_by_sub_folders(tmp_path: Path) -> None:
    for name in ("train/cat/1.png", "train/dog/1.png", "val/cat/1.png", "val/dog/1.png"):
        write(tmp_path / name, colour(0))
    train, test = build(tmp_path), build(tmp_path, "test")
    assert list(train.ids) == ["train/cat/1.png", "train/dog/1.png"]
    assert list(test.ids) == ["val/cat/1.png", "val/dog/1.png"]
    assert test.labels is not None
    assert (test.labels.tolist(), list(test.classes)) == ([0, 1], list(train.classes))


def test_a_class_called_train_is_no_split(pets: Path) -> None:
    write(pets / "train/1.png", colour(0))
    assert folder.build(FolderConfig(path=str(pets)), "test") is None
    assert list(build(pets).classes) == ["cat", "dog", "train"]


def test_a_test_path(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    write(elsewhere / "dog/7.png", colour(7))
    write(elsewhere / "cat/7.png", colour(8))
    test = build(pets, "test", test_path=str(elsewhere))
    assert test.labels is not None
    assert (list(test.ids), test.labels.tolist()) == (["cat/7.png", "dog/7.png"], [0, 1])
    write(elsewhere / "eel/1.png", colour(7))
    with pytest.raises(DataError, match=r"class 'eel'.*2 classes of the training split: cat, dog"):
        build(pets, "test", test_path=str(elsewhere))
    with pytest.raises(DataError, match=r"inside data\.path"):
        build(pets, "test", test_path=str(pets / "dog"))


def test_the_test_split_takes_the_channels_and_raw_size_of_training(tmp_path: Path) -> None:
    write(tmp_path / "train/1.png", colour(0))
    write(tmp_path / "test/1.png", gray(1, 40, 40))
    train, test = build(tmp_path), build(tmp_path, "test")
    assert test[0].shape == (3, 40, 40)
    rows = np.array([0])
    assert train.raw_features(rows).shape == test.raw_features(rows).shape == (1, 3 * 12 * 10)


def test_raw_features_are_reduced_pixels(tmp_path: Path) -> None:
    write(tmp_path / "a.png", np.full((64, 48, 3), 51, dtype=np.uint8))
    features = build(tmp_path).raw_features(np.array([0, 0]))
    assert (features.shape, features.dtype) == ((2, 3 * 32 * 32), np.float32)
    np.testing.assert_allclose(features, 0.2, rtol=1e-5)
    write(tmp_path / "b.png", np.full((20, 90, 3), 255, dtype=np.uint8))
    features = build(tmp_path).raw_features(np.array([1, 0]))
    np.testing.assert_allclose(features, [[1.0] * 3072, [0.2] * 3072], rtol=1e-5)


def test_what_is_passed_over(pets: Path) -> None:
    write(pets / ".hidden/1.png", colour(0))
    write(pets / "cat/.thumb.png", colour(0))
    write(pets / "__MACOSX/1.png", colour(0))
    write(pets / "Thumbs.db", b"clutter")
    assert len(build(pets)) == 4
    write(pets / "cat/notes.txt", b"notes")
    with pytest.warns(UserWarning, match=r"passed over 1 other files in .*: 1 \.txt"):
        assert len(build(pets)) == 4


def test_links_are_followed_and_loops_are_cut(pets: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = tmp_path_factory.mktemp("store")
    write(store / "1.png", colour(5))
    (pets / "fox").symlink_to(store)
    (pets / "dog/again").symlink_to(pets)
    (store / "loop").symlink_to(store)
    assert list(build(pets, links="follow").ids)[-1] == "fox/1.png"
    assert len(build(pets, links="follow")) == 5
    with pytest.warns(UserWarning, match=r"1 link\(s\) lead out of .*data\.links=follow"):
        assert len(build(pets)) == 4


def test_a_folder_of_links_alone_names_the_key(tmp_path: Path, pets: Path) -> None:
    farm = tmp_path / "farm"
    farm.mkdir()
    (farm / "a.png").symlink_to(pets / "cat/1.png")
    with pytest.raises(DataError, match=r"1 link\(s\) that lead out of it.*data\.links=follow"):
        build(farm)
    assert len(build(farm, links="follow")) == 1


def wide(seed: int, largest: int) -> np.ndarray:
    """16-bit pixels up to a value of fewer bits."""
    pixels = np.random.default_rng(seed).integers(0, largest + 1, (12, 10)).astype(np.uint16)
    pixels[0, 0] = largest
    return pixels


@pytest.mark.parametrize(("largest", "bits"), [(255, 8), (1_023, 10), (4_000, 12), (16_383, 14)])
@pytest.mark.parametrize("cache", ["memory", "none"])
def test_sixteen_bit_files_are_stretched_by_the_bits_they_use(
    tmp_path: Path, largest: int, bits: int, cache: str
) -> None:
    for seed in range(3):
        write(tmp_path / f"{seed}.png", wide(seed, largest))
    with pytest.warns(UserWarning, match=rf"reach {largest:,}, so they are taken for {bits} bits"):
        data = build(tmp_path, cache=cache)
    white = 2**bits - 1
    expected = np.rint(wide(1, largest).astype(float) * 255 / white)
    assert np.abs(data[1][0].numpy() - expected).max() <= 1
    assert data.info.facts["white"] == white
    # A new image is decoded as those of the training were, from a file or from an array.
    facts = ImageFacts.of(data.info.facts)
    assert torch.equal(read_image(tmp_path / "1.png", facts), data[1])
    assert torch.equal(read_image(wide(1, largest), facts), data[1])


def test_all_sixteen_bits_stay_as_they_were_and_nothing_is_said(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    write(tmp_path / "1.png", wide(0, 65_535))
    data = build(tmp_path)
    assert len(recwarn) == 0
    assert "white" not in data.info.facts
    assert data[0].max() == 255


def test_the_bits_can_be_given_and_what_is_brighter_is_white(
    tmp_path: Path, recwarn: pytest.WarningsRecorder
) -> None:
    write(tmp_path / "1.png", wide(0, 4_095))
    data = build(tmp_path, bit_depth=10)
    assert len(recwarn) == 0
    assert data.info.facts["white"] == 1_023
    assert (data[0][0].numpy()[wide(0, 4_095) >= 1_023] == 255).all()


def test_a_test_split_is_stretched_as_the_training_split(tmp_path: Path) -> None:
    write(tmp_path / "train" / "1.png", wide(0, 4_095))
    write(tmp_path / "test" / "1.png", wide(1, 900))
    with pytest.warns(UserWarning, match="12 bits"):
        data = build(tmp_path, "test")
    assert data.info.facts["white"] == 4_095
    assert data[0].max() < 60


def test_a_picture_larger_than_is_meant_is_refused_by_its_header(tmp_path: Path) -> None:
    write(tmp_path / "1.png", np.zeros((1_200, 1_100), np.uint8))
    with pytest.raises(
        DataError, match=r"1\.png: its 1,100 x 1,200 pixels take 1 MiB.*data\.max_image_mib=1"
    ):
        build(tmp_path, max_image_mib=1)
    assert build(tmp_path, max_image_mib=2).info.facts["max_image_mib"] == 2


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_pipe_does_not_block(pets: Path) -> None:
    os.mkfifo(pets / "cat/pipe.png")
    with pytest.raises(DataError, match=r"pipe\.png: not a regular file"):
        build(pets)


def test_a_file_name_that_is_no_unicode(pets: Path) -> None:
    try:
        (pets / "cat" / os.fsdecode(b"\xff.png")).write_bytes(encoded(colour(6)))
    except OSError:
        pytest.skip("this file system takes Unicode names only")
    data = build(pets)
    assert data.ids[2] == r"cat/\xff.png"
    assert str(data.ids[2]).encode()
    assert np.array_equal(data[2].permute(1, 2, 0).numpy(), colour(6))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "holds no file"),
        (["a.txt", "b.txt", "c.csv"], r"other files there: 2 \.txt, 1 \.csv"),
    ],
)
def test_a_folder_without_images_says_what_it_holds(tmp_path: Path, files: list[str], message: str) -> None:
    for name in files:
        write(tmp_path / name, b"text")
    with pytest.raises(DataError, match=rf"data\.path: no image below .*{message}"):
        build(tmp_path)


def test_a_missing_folder_lists_its_neighbours(pets: Path) -> None:
    with pytest.raises(DataError, match=r"no folder .*/birds .*holds cat, dog"):
        build(pets / "birds")
    with pytest.raises(DataError, match=r"no folder .*/cats; did you mean .*/cat\?"):
        build(pets / "cats")
    with pytest.raises(DataError, match=r"1\.png is a file"):
        build(pets / "cat/1.png")
