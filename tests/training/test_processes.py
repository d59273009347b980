"""N processes equal one: whole training steps in float64, where only rounding could tell them apart.

In float32 a ReLU turns a rounding error at a tie into a finite difference; float64 leaves no room for that
excuse, so a wrong formula, weight of a share or statistic shows here.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.objectives.processes import run_processes
from tests.objectives.reference import relative_error
from tests.training.toy import make_trainer
from vicreg_core.contracts import Encoder
from vicreg_core.distributed import rank

pytestmark = pytest.mark.distributed

OPTIMIZERS = {
    "lars": {"name": "lars", "lr": 0.3},
    "adamw": {"name": "adamw", "lr": 0.01},
    "sgd": {"name": "sgd", "lr": 0.05},
}
# Batches that no number of processes, some, and all divide; a share may be a single row.
CASES = [*itertools.product(OPTIMIZERS, (2, 3), (12, 13)), ("sgd", 2, 5)]
STEPS = 4
WITHOUT_EFFECT = ("projector.0.bias", "projector.1.running_mean", "encoder.layers.4.bias")
"""Batch norm takes the bias before it away: its gradient is rounding, which AdamW divides by its own size.
The same goes for the encoder's last bias in channels whose maxima all lie above zero."""


class Convolutions(Encoder):
    """Points as images of 2 x 4 pixels through convolutions with batch norm, in float64."""

    embedding_dim, channels_last = 12, True

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(inplace=True),
            nn.Conv2d(6, 12, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(1),
            nn.Flatten(),
        ).double()

    def forward(self, batch):
        images = batch.double().view(-1, 1, 2, 4)
        return self.layers(images.contiguous(memory_format=torch.channels_last))


def train(folder: Path, optimizer: str, views: int, batch: int) -> dict[str, Any]:
    """The gradients of the first step, and the losses and the state of the model after the last."""
    train = {"steps": STEPS, "batch_size": batch, "views": views, "log_every": 1}
    sections = {"optimizer": OPTIMIZERS[optimizer], "train": train, "projector": {"dims": [24, 10]}}
    trainer = make_trainer(folder, build_encoder=Convolutions, **sections)
    found: dict[str, Any] = {"losses": [], "gradients": None}
    clip = trainer._clip_gradients

    def seen() -> torch.Tensor:
        found["gradients"] = found["gradients"] or {
            name: parameter.grad.clone() for name, parameter in trainer.model.named_parameters()
        }
        return clip()

    trainer._clip_gradients = seen
    for view in trainer.loader(0, STEPS):
        found["losses"].append(trainer.train_step(view).terms.loss.detach())
        trainer.step += 1
    return {**found, "state": dict(trainer.model.state_dict())}


def train_all(number: int, processes: int) -> dict[tuple[str, int, int], dict[str, Any]]:
    folder = Path.cwd()
    return {case: train(folder / f"{rank()}-{i}", *case) for i, case in enumerate(CASES)}


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int, int], dict[str, Any]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("alone"))
        return train_all(0, 1)


@pytest.fixture(scope="module", params=[2, 3, 4], ids="{}-processes".format)
def together(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[Any]:
    folder = tmp_path_factory.mktemp("together")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return run_processes(train_all, request.param, folder)


@pytest.mark.parametrize("case", CASES, ids="{0[0]}-{0[1]}-views-of-{0[2]}".format)
def test_processes_take_the_steps_of_one(alone, together, case):
    expected = alone[case]
    for found in (process[case] for process in together):
        assert relative_error(found["losses"], expected["losses"]) < 1e-10
        for part in ("gradients", "state"):
            assert found[part].keys() == expected[part].keys()
            for name, value in expected[part].items():
                tolerance = 1e-6 if name in WITHOUT_EFFECT else 1e-10
                difference = float((found[part][name] - value).double().norm())
                assert difference < tolerance * max(1e-3, float(value.double().norm())), (part, name)
    for found in together[1:]:
        first = together[0][case]["state"]
        assert all(torch.equal(found[case]["state"][name], value) for name, value in first.items())
