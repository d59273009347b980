"""What the trainer supplies an objective with: the same rows, in checkpoints, alike in N processes."""

from __future__ import annotations

import itertools
import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.objectives.processes import run_processes
from tests.objectives.reference import relative_error
from tests.training.toy import MLP, Mixture, Noise, make_recipe, make_trainer
from vicreg_core.contracts import Augmentation, Encoder
from vicreg_core.distributed import rank
from vicreg_core.errors import DataError, RecipeError
from vicreg_core.objectives.base import Objective
from vicreg_core.objectives.learned.adversarial import AdversarialPriorLoss
from vicreg_core.objectives.learned.local import LocalVICRegLoss
from vicreg_core.objectives.learned.predictive import BYOLLoss, SimSiamLoss
from vicreg_core.objectives.learned.reconstruction import ReconstructionLoss
from vicreg_core.objectives.learned.supervised import SupervisedLoss
from vicreg_core.objectives.learned.vcreg import VCRegLoss
from vicreg_core.objectives.mixed import Added, MixedObjective
from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_core.training.supplies import prepare_objective


def everything() -> MixedObjective:
    others = {
        "simsiam": SimSiamLoss(8),
        "byol": BYOLLoss(8, momentum=0.9),
        "supervised": SupervisedLoss(dropout=0.2, mixup=0.3),
        "vcreg": VCRegLoss(),
        "prior": AdversarialPriorLoss(hidden=8),
        "reconstruction": ReconstructionLoss(8),
    }
    return MixedObjective(VICRegLoss(), [Added(name, 0.5, each) for name, each in others.items()])


def state(trainer: Any) -> dict[str, torch.Tensor]:
    """All that training changes."""
    average = trainer.supplies.average
    return {
        **trainer.trained.state_dict(),
        **{f"average.{name}": value for name, value in (average.state_dict() if average else {}).items()},
    }


def test_a_resumed_run_has_the_weights_of_the_undisturbed_one(tmp_path):
    whole = make_trainer(tmp_path / "whole", objective=everything())
    before = {name: value.clone() for name, value in state(whole).items()}
    whole.fit()
    cut = make_trainer(tmp_path / "cut", objective=everything(), train={"checkpoint_every": 5})
    for batches in cut.batches(5):
        cut.train_step(batches)
        cut.step += 1
    cut.save()
    resumed = make_trainer(tmp_path / "cut", objective=everything(), train={"checkpoint_every": 5})
    assert resumed.restore() == 5
    resumed.fit()
    expected, got = state(whole), state(resumed)
    assert expected.keys() == got.keys()
    for name, value in expected.items():
        assert torch.equal(value, got[name]), name
    unmoved = [name for name, value in expected.items() if torch.equal(value, before[name])]
    assert not [name for name in unmoved if "num_batches" not in name]


def test_labels_and_clean_samples_are_those_of_the_views(tmp_path):
    data = Mixture()
    mixed = MixedObjective(
        VICRegLoss(), [Added("a", 1.0, ReconstructionLoss(8)), Added("b", 1.0, SupervisedLoss())]
    )
    trainer = make_trainer(tmp_path, data=data, objective=mixed)
    batches = next(trainer.batches(1))
    outputs = trainer.model(batches[:2])
    inputs = trainer.supplies.of_step(0, batches, outputs)
    rows = trainer.loader.share.indices(0)
    assert len(batches) == 3
    assert torch.equal(inputs.clean, data.points[torch.from_numpy(rows)])
    assert inputs.labels.tolist() == data.labels[rows].tolist()
    noise = [view - inputs.clean for view in batches[:2]]
    assert all(0.1 < float(each.std()) < 0.5 for each in noise)


def test_feature_maps_are_the_outputs_of_the_encoders_layers(tmp_path):
    trainer = make_trainer(tmp_path, objective=VCRegLoss(), dropout=0.0)
    views = next(trainer.batches(1))
    trainer.model.eval()
    outputs = trainer.model(views)
    layers = trainer.model.encoder.layers
    for view, maps in zip(views, outputs.feature_maps, strict=True):
        assert torch.equal(maps[0], layers[0](view))
        assert torch.equal(maps[1], layers[:3](view))
    assert not layers[0]._forward_hooks


def test_the_average_follows_the_model_by_its_momentum(tmp_path):
    trainer = make_trainer(tmp_path, objective=BYOLLoss(8, momentum=0.8))
    expected = [p.detach().clone() for p in trainer.model.parameters()]
    for batches in trainer.batches(3):
        trainer.train_step(batches)
        momentum = 1 - 0.2 * (math.cos(math.pi * trainer.step / 10) + 1) / 2
        expected = [
            momentum * mean + (1 - momentum) * p.detach()
            for mean, p in zip(expected, trainer.model.parameters(), strict=True)
        ]
        trainer.step += 1
    for mean, p in zip(expected, trainer.supplies.average.parameters(), strict=True):
        assert torch.allclose(mean, p, atol=1e-6)
        assert not p.requires_grad


class Plain(MLP):
    map_layers = ()


class Silent(Augmentation):
    def forward(self, batch, keys=None):
        return batch


@pytest.mark.parametrize(
    ("objective", "parts", "error", "message"),
    [
        (LocalVICRegLoss(), {"encoder": Plain(0.0)}, RecipeError, "encoder toy/mlp offers none"),
        (VCRegLoss(), {"recipe": {"compile": True}}, RecipeError, "set train.compile=false"),
        (ReconstructionLoss(), {"augmentation": Silent()}, RecipeError, "toy/noise does not say what"),
        (SupervisedLoss(), {"labels": None}, DataError, "learns from labels, and no training sample"),
    ],
)
def test_what_cannot_be_supplied_is_refused(objective, parts, error, message):
    recipe, data = make_recipe(train=parts.get("recipe", {})), Mixture()
    data.labels = parts.get("labels", data.labels)
    encoder: Encoder = parts.get("encoder", MLP(0.0))
    with pytest.raises(error, match=message):
        prepare_objective(
            objective, recipe, data, parts.get("augmentation", Noise()), encoder, torch.device("cpu")
        )


class Convolutions(Encoder):
    """Points as images of 2 x 4 pixels, in float64."""

    embedding_dim = 12

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, 6, 3, padding=1, bias=False),
            nn.BatchNorm2d(6),
            nn.ReLU(),
            nn.Conv2d(6, 12, 3, padding=1, bias=False),
            nn.BatchNorm2d(12),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        ).double()

    @property
    def map_layers(self):
        return [self.layers[2], self.layers[5]]

    def forward(self, batch):
        return self.layers(batch.double().view(-1, 1, 2, 4))


OBJECTIVES = {
    "simsiam": lambda: SimSiamLoss(8),
    "byol": lambda: BYOLLoss(8, 0.9),
    "supervised": lambda: SupervisedLoss(dropout=0.2, mixup=0.3),
    "reconstruction": lambda: ReconstructionLoss(8),
    "local": lambda: LocalVICRegLoss(matches=3, dims=8),
    "prior": lambda: AdversarialPriorLoss(hidden=8),
    "vcreg and vicreg": lambda: MixedObjective(VICRegLoss(), [Added("vcreg", 1.0, VCRegLoss())]),
}
SIZES = (12, 13)


def trained(folder: Path, name: str, batch: int) -> dict[str, torch.Tensor]:
    """The weights after four steps of stochastic gradient descent."""
    objective: Objective = OBJECTIVES[name]()
    trainer = make_trainer(
        folder,
        objective=objective,
        build_encoder=Convolutions,
        optimizer={"name": "sgd", "lr": 0.05},
        train={"steps": 4, "batch_size": batch},
        projector={"dims": [24, 10]},
    )
    for batches in trainer.batches(4):
        trainer.train_step(batches)
        trainer.step += 1
    return {name: value.clone() for name, value in state(trainer).items()}


def train_all(number: int, processes: int) -> dict[tuple[str, int], dict[str, torch.Tensor]]:
    folder = Path.cwd()
    cases = itertools.product(OBJECTIVES, SIZES)
    return {(name, n): trained(folder / f"{rank()}-{name}-{n}", name, n) for name, n in cases}


@pytest.mark.distributed
@pytest.mark.parametrize("processes", [2, 4])
def test_processes_take_the_steps_of_one(processes, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    alone = train_all(0, 1)
    for found in run_processes(train_all, processes, tmp_path):
        for case, expected in alone.items():
            assert found[case].keys() == expected.keys()
            # The bias before a batch norm has a gradient of rounding errors alone.
            names = [name for name in expected if "num_batches" not in name]
            error = relative_error([found[case][n] for n in names], [expected[n] for n in names])
            assert error < 1e-9, case
