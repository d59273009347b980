from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
import torch

from tests.training.toy import Mixture, Noise
from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter
from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.contracts.show import show_images
from vicreg_core.data.png import coarsened, png, reduced
from vicreg_core.errors import RunError
from vicreg_core.report.projection import map_of
from vicreg_core.report.snapshot import make_view, take_snapshot
from vicreg_core.report.snapshot_file import GRID, read_snapshot, write_snapshot
from vicreg_core.report.space import neighbours_of, space_of
from vicreg_core.runs.reading import write_sealed
from vicreg_core.vectors.projection import principal, principal_components, projections


@pytest.fixture
def no_umap(monkeypatch):
    monkeypatch.setattr("vicreg_core.vectors.projection.find_spec", lambda name: None)


class Pictures(DatasetAdapter):
    """Forty gray pictures of two classes, bright and dark."""

    in_memory = True
    info = DataInfo()
    classes = ("dark", "bright")

    def __init__(self) -> None:
        self.ids = [f"picture-{i}" for i in range(40)]
        self.labels = np.arange(40) % 2
        level = torch.from_numpy(self.labels * 150)[:, None, None, None]
        self.images = (
            (level + torch.arange(64).view(1, 1, 8, 8)).to(torch.uint8).expand(40, 3, 8, 8).contiguous()
        )

    def __getitems__(self, indices):
        return self.images[torch.as_tensor(indices)]


class Brightness(Augmentation):
    """Adds a keyed constant."""

    def forward(self, batch, keys=None):
        images = batch.float() / 255
        return images if keys is None else images + keys.uniform("add")[:, None, None, None]


def snap(data: DatasetAdapter, augmentation: Augmentation):
    vectors = np.random.default_rng(0).normal(size=(len(data), 6)).astype(np.float32)
    return take_snapshot(vectors, data, data, augmentation, model="m", split="held-out", views=2, seed=3)


def decode(file: bytes) -> np.ndarray:
    """The pixels of a PNG whose rows are all filtered by Paeth's predictor."""
    width, height, depth, colour = struct.unpack(">IIBB", file[16:26])
    assert depth == 8
    channels = {0: 1, 2: 3}[colour]
    at = file.index(b"IDAT")
    size = struct.unpack(">I", file[at - 4 : at])[0]
    rows = np.frombuffer(zlib.decompress(file[at + 4 : at + 4 + size]), np.uint8).reshape(height, -1)
    assert (rows[:, 0] == 4).all()
    pixels = np.zeros((height + 1, width + 1, channels), dtype=int)
    for y in range(height):
        for x in range(width):
            for c in range(channels):
                a, b, corner = pixels[y + 1, x, c], pixels[y, x + 1, c], pixels[y, x, c]
                near = min(
                    (abs(b - corner), 0, a), (abs(a - corner), 1, b), (abs(a + b - 2 * corner), 2, corner)
                )[2]
                pixels[y + 1, x + 1, c] = (rows[y, 1 + x * channels + c] + near) % 256
    return pixels[1:, 1:]


@pytest.mark.parametrize("shape", [(5, 7), (4, 6, 3), (1, 1, 3)])
def test_png_holds_the_pixels(shape):
    picture = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    assert (decode(png(picture)).reshape(shape) == picture).all()


def test_reduced_averages_blocks_and_keeps_small_pictures():
    picture = np.zeros((64, 100, 3), np.uint8)
    picture[:, :50] = 200
    small = reduced(picture, 32)
    assert small.shape == (16, 25, 3)
    assert small[0, 0, 0] == 200
    assert small[0, -1, 0] == 0
    assert small[0, 12, 0] == 100
    assert reduced(picture, 100) is picture
    assert reduced(np.ones((2, 100), np.uint8), 10).shape[1] == 10


def test_coarsened_keeps_black_and_white():
    assert coarsened(np.array([0, 255], np.uint8)).tolist() == [0, 255]


def test_principal_components_find_the_long_axis():
    rng = np.random.default_rng(0)
    vectors = np.zeros((200, 5), np.float32)
    vectors[:, 3], vectors[:, 1] = rng.normal(size=200) * 9, rng.normal(size=200) * 2
    points, shares = principal_components(vectors)
    assert abs(np.corrcoef(points[:, 0], vectors[:, 3])[0, 1]) == pytest.approx(1, abs=1e-3)
    assert shares.sum() == pytest.approx(1)
    assert shares[0] > 0.9


@pytest.mark.parametrize("vectors", [np.zeros((5, 3)), np.ones((4, 1)), np.arange(6.0).reshape(3, 2)])
def test_maps_of_odd_vectors_stay_on_the_grid(vectors):
    made = map_of(principal(vectors.astype(np.float32)))
    assert made["name"] == "PCA"
    assert all(0 <= value <= GRID for value in made["x"] + made["y"])


def test_neighbours_are_nearest_first_without_the_item_itself():
    angles = np.array([0.0, 0.1, 0.3, 2.0])
    vectors = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = neighbours_of(vectors, np.array([0, 3]), 9)
    assert found[0]["near"] == [1, 2, 3]
    assert found[0]["similarity"][0] == pytest.approx(np.cos(0.1), abs=1e-4)
    assert found[1]["near"] == [2, 1, 0]


def test_space_of_known_spectrum():
    rng = np.random.default_rng(0)
    vectors = np.linalg.qr(rng.normal(size=(400, 8)) - 0)[0].astype(np.float32)
    vectors -= vectors.mean(axis=0)
    space = space_of(vectors)
    assert space["effective_rank"] == pytest.approx(8, abs=0.1)
    assert sum(space["spectrum"]) == pytest.approx(1, abs=1e-3)
    assert sum(space["std_counts"]) == space["dims"] == 8


def test_images_are_shown_in_one_range_and_other_tensors_not_at_all():
    dark, bright = torch.zeros(1, 3, 4, 4), torch.ones(1, 3, 4, 4)
    shown = show_images(torch.cat([dark, bright]))
    assert shown is not None
    assert [int(picture.max()) for picture in shown] == [0, 255]
    assert shown[0].shape == (4, 4, 3)
    five = show_images(torch.rand(2, 5, 4, 4))
    assert five is not None
    assert five[0].shape == (4, 4, 3)
    lit = torch.zeros(3, 3, 4, 4)
    lit[range(3), range(3)] = 1
    alone = show_images(lit, rgb=False)
    assert alone is not None
    assert [picture[0, 0].tolist() for picture in alone] == [[86, 180, 233], [230, 159, 0], [0, 158, 115]]
    gray = show_images(torch.rand(2, 1, 4, 4))
    assert gray is not None
    assert gray[0].shape == (4, 4)
    assert show_images(torch.rand(2, 8)) is None
    assert show_images({"ids": torch.zeros(2, 3)}) is None


def test_views_are_those_of_the_first_epoch_of_training():
    data, rows = Mixture(), np.array([5, 2])
    made = make_view(data, Noise(), rows, Keys.of(3, 0, hash_ids(data.ids)[torch.from_numpy(rows)], 1))
    whole = Noise()(data.points, Keys.of(3, 0, hash_ids(data.ids), 1))
    assert torch.equal(made, whole[rows])


@pytest.mark.usefixtures("no_umap")
def test_a_snapshot_of_pictures_survives_its_file(tmp_path):
    made = snap(Pictures(), Brightness())
    assert len(made["shown"]) == 40
    assert all("png" in shown for shown in made["shown"].values())
    assert [len(each["shown"]) for each in made["views"]] == [3] * 12
    write_snapshot(tmp_path, made)
    assert read_snapshot(tmp_path) == made


@pytest.mark.usefixtures("no_umap")
def test_a_modality_without_a_picture_has_a_map_all_the_same():
    data = Mixture()
    data.labels = None
    made = snap(data, Noise())
    assert made["shown"] == {}
    assert made["views"] == []
    assert made["labels"] is None
    assert len(made["maps"][0]["x"]) == 64
    assert len(made["neighbours"]) == 10


@pytest.mark.usefixtures("no_umap")
def test_snapshots_are_reproducible():
    assert snap(Pictures(), Brightness()) == snap(Pictures(), Brightness())


@pytest.mark.usefixtures("no_umap")
def test_a_text_is_cut_to_length():
    class Words(Noise):
        def show(self, views):
            return ["word " * 500] * len(views)

    made = snap(Mixture(), Words())
    lengths = {len(shown["text"]) for shown in made["shown"].values()}
    assert max(lengths) == 600
    assert min(lengths) == 160


def test_a_snapshot_of_another_format_counts_as_none(tmp_path):
    write_sealed(tmp_path / "report-data.json", {"format": 0})
    assert read_snapshot(tmp_path) is None


@pytest.mark.parametrize("content", ["{", '{"format": 2}', "[]"])
def test_a_damaged_snapshot_is_an_error(tmp_path, content):
    (tmp_path / "report-data.json").write_text(content)
    with pytest.raises(RunError, match=r"report-data\.json is damaged"):
        read_snapshot(tmp_path)


@pytest.mark.slow
def test_umap_is_reproducible_and_comes_first():
    pytest.importorskip("umap", reason="needs the extra: report")
    rng = np.random.default_rng(0)
    vectors = (rng.normal(size=(3, 16))[np.arange(120) % 3] * 5 + rng.normal(size=(120, 16))).astype(
        np.float32
    )
    made, again = list(projections(vectors, 0)), list(projections(vectors, 0))
    assert [each.name for each in made] == ["UMAP", "PCA"]
    np.testing.assert_array_equal(made[0].points, again[0].points)
    assert [each.name for each in projections(vectors[:15], 0)] == ["PCA"]
