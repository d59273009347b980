"""Half precision is not used where a model is not sound in it, whoever wrote the model."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from tests.evaluation import toy
from vicreg_core.contracts import DataInfo
from vicreg_core.errors import RecipeError
from vicreg_core.evaluation.supervised.training import Schedule, train_supervised
from vicreg_core.inference.embedder import Embedder
from vicreg_core.models import precision as module
from vicreg_core.models.precision import Precision, resolve_precision
from vicreg_core.pretrained import load
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run

CPU = torch.device("cpu")
BFLOAT16 = Precision("cpu", torch.bfloat16)


class VolumeNet(toy.Net):
    """A stranger's encoder: the numbers of a point as a volume of one plane a number."""

    seen: set[torch.dtype]

    def __init__(self, config: toy.NetConfig, info: DataInfo) -> None:
        super().__init__(config, info)
        self.conv = nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0))
        self.seen = set()

    def forward(self, batch: torch.Tensor) -> torch.Tensor:
        filtered = self.conv(batch[:, None, :, None, None])
        self.seen.add(filtered.dtype)
        return super().forward(filtered.flatten(1))


@pytest.fixture
def encoder():
    return VolumeNet(toy.NetConfig(), DataInfo({"dims": toy.DIMS}))


@pytest.fixture
def native(monkeypatch):
    """A CPU that computes in bfloat16, where ``auto`` is that."""
    monkeypatch.setattr(module, "_native_bfloat16", lambda device: True)


@pytest.mark.parametrize("layer", [nn.Conv3d, nn.ConvTranspose3d])
def test_convolutions_over_volumes_are_float32_on_a_cpu_alone(layer):
    deep, flat = nn.Sequential(nn.ReLU(), layer(1, 1, 3)), nn.Sequential(nn.Conv2d(1, 1, 3))
    assert BFLOAT16.sound_for(deep) == Precision("cpu", torch.float32)
    assert BFLOAT16.sound_for(flat) is BFLOAT16
    on_gpu = Precision("cuda", torch.bfloat16)
    assert on_gpu.sound_for(deep) is on_gpu


@pytest.mark.usefixtures("native")
def test_auto_is_what_the_model_is_sound_in(encoder):
    flat = toy.Net(toy.NetConfig(), DataInfo({"dims": toy.DIMS}))
    assert resolve_precision("auto", CPU, training=encoder).name == "float32"
    assert resolve_precision("auto", CPU, training=flat).name == "bfloat16"
    assert resolve_precision("auto", CPU).name == "bfloat16"


@pytest.mark.parametrize("name", ["bfloat16", "float16"])
def test_a_half_precision_that_is_named_is_refused_with_its_remedy(encoder, name):
    with pytest.raises(RecipeError, match=rf"'{name}'.*Conv3d.*train\.precision=auto or float32"):
        resolve_precision(name, CPU, training=encoder)
    assert resolve_precision("float32", CPU, training=encoder).name == "float32"


def test_vectors_and_training_with_labels_are_float32(encoder):
    data = toy.Points(toy.PointsConfig())
    noise = toy.Noise(toy.NoiseConfig(), data.info)
    Embedder(encoder, noise, device=CPU, precision=BFLOAT16).embed(data)
    train_supervised(encoder, data, noise, Schedule(views=16, batch_size=8, lr=1e-3), precision=BFLOAT16)
    assert encoder.seen == {torch.float32}


@pytest.mark.usefixtures("native")
def test_a_run_of_a_strangers_volumes_says_and_does_float32(tmp_path, monkeypatch):
    monkeypatch.setattr(toy, "Net", VolumeNet)
    (tmp_path / "toy.yaml").write_text(toy.RECIPE, encoding="utf-8")
    run = RunDirectory(tmp_path / "run")
    with toy.planted():
        refused = load_recipe(str(tmp_path / "toy.yaml"), ["train.precision=bfloat16"])
        with pytest.raises(RecipeError, match="Conv3d"):
            train_run(refused, run, resume=False, overwrite=False)
        assert not run.path.exists()
        train_run(load_recipe(str(tmp_path / "toy.yaml")), run, resume=False, overwrite=False)
        model = load(run.path)
    assert "cpu, float32" in run.log.read_text(encoding="utf-8").splitlines()[0]
    assert json.loads((run.path / "environment.json").read_text())["precision"] == "float32"

    points = [np.zeros(toy.DIMS, np.float32)] * 2
    with torch.autocast("cpu", torch.bfloat16):
        model.encode(points, device="cpu")
        model.encode_batch(torch.zeros(2, toy.DIMS))
    assert model.encoder.seen == {torch.float32}


def test_vectors_do_not_depend_on_the_autocast_of_the_caller():
    data = toy.Points(toy.PointsConfig())
    flat = toy.Net(toy.NetConfig(), data.info)
    embedder = Embedder(flat, toy.Noise(toy.NoiseConfig(), data.info), device=CPU)
    alone = embedder.embed(data)
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(embedder.embed(data), alone)


@pytest.mark.parametrize("has", [True, False])
def test_bfloat16_is_native_where_the_hardware_computes_in_it(monkeypatch, has):
    monkeypatch.setattr(module, "_native_bfloat16", lambda device: has)
    assert BFLOAT16.native is has
    assert Precision("cpu", torch.float32).native
    assert Precision("mps", torch.bfloat16).native


def test_a_run_warns_where_bfloat16_is_slow(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_native_bfloat16", lambda device: False)
    (tmp_path / "toy.yaml").write_text(toy.RECIPE, encoding="utf-8")
    run = RunDirectory(tmp_path / "run")
    with toy.planted():
        loaded = load_recipe(str(tmp_path / "toy.yaml"), ["train.precision=bfloat16"])
        train_run(loaded, run, resume=False, overwrite=False)
    assert "without hardware for it" in run.log.read_text(encoding="utf-8").splitlines()[1]
