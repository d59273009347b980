"""Micro-batches: the gradient of the whole batch, a part of the rows at a time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from tests.objectives.processes import run_processes
from tests.training.toy import MLP, make_trainer
from vicreg_core.contracts import Encoder
from vicreg_core.distributed import rank
from vicreg_core.errors import RecipeError
from vicreg_core.objectives.learned.local import LocalVICRegLoss
from vicreg_core.objectives.learned.predictive import BYOLLoss
from vicreg_core.objectives.learned.supervised import SupervisedLoss
from vicreg_core.objectives.learned.vcreg import VCRegLoss
from vicreg_core.objectives.mixed import Added, MixedObjective
from vicreg_core.objectives.vicreg import VICRegLoss

STEPS = 3


class Smooth(Encoder):
    """Without batch statistics, in float64; a smooth unit, so that rounding stays rounding."""

    embedding_dim = 16

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(8, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 16)).double()

    @property
    def map_layers(self):
        return [self.layers[1]]

    def forward(self, batch):
        return self.layers(batch.double())


class Normed(Smooth):
    """With batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.layers[2] = nn.BatchNorm1d(32).double()


def train(folder: Path, micro: int | None, batch: int = 24, **keys: Any) -> dict[str, torch.Tensor]:
    """Losses, gradients of the last step and weights after it."""
    sections = {
        "train": {"batch_size": batch, "micro_batch": micro, "log_every": 1, "steps": STEPS},
        "optimizer": {"name": "sgd", "lr": 0.05},
        **keys.pop("sections", {}),
    }
    trainer = make_trainer(folder, **{"build_encoder": Smooth, **keys}, **sections)
    clip, found = trainer._clip_gradients, dict[str, torch.Tensor]()

    def seen() -> torch.Tensor:
        found.update({n: p.grad.clone() for n, p in trainer.trained.named_parameters() if p.grad is not None})
        return clip()

    trainer._clip_gradients = seen
    for views in trainer.loader(0, STEPS):
        found[f"loss {trainer.step}"] = trainer.train_step(views).terms.loss.detach()
        trainer.step += 1
    return found | {f"state {name}": value for name, value in trainer.trained.state_dict().items()}


def far(found: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> dict[str, float]:
    """What differs, and by how much of its size."""
    assert found.keys() == expected.keys()
    errors = {}
    for name, value in expected.items():
        difference = (found[name].double() - value.double()).norm() / value.double().norm().clamp(min=1e-3)
        # The bias before the projector's batch norm has no gradient but rounding.
        if "num_batches" not in name and difference > (1e-6 if "projector.0.bias" in name else 1e-10):
            errors[name] = float(difference)
    return errors


@pytest.mark.parametrize("micro", [4, 6, 7, 23])
@pytest.mark.parametrize(
    "objective",
    [VICRegLoss, lambda: LocalVICRegLoss(dims=8, matches=1), SupervisedLoss, lambda: BYOLLoss(hidden=8)],
    ids=["vicreg", "local", "supervised", "byol"],
)
def test_without_batch_statistics_the_steps_are_those_of_the_whole_batch(tmp_path, micro, objective):
    maps = {"build_encoder": Images} if "Local" in type(objective()).__name__ else {}
    expected = train(tmp_path / "whole", None, objective=objective(), **maps)
    found = train(tmp_path / "parts", micro, objective=objective(), **maps)
    assert not far(found, expected)


class Images(Encoder):
    """Points as images of 2 x 4 pixels, whose feature maps have places."""

    embedding_dim, channels_last = 12, True

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(1, 6, 3, padding=1), nn.GELU()).double()
        self.last = nn.Sequential(nn.Conv2d(6, 12, 3, padding=1), nn.GELU()).double()

    @property
    def map_layers(self):
        return [self.last]

    def forward(self, batch):
        return self.last(self.first(batch.double().view(-1, 1, 2, 4))).mean(dim=(2, 3))


def test_a_regulariser_of_feature_maps_is_that_of_the_whole_batch(tmp_path):
    """Maps and representations both carry a gradient back."""

    def mixed():
        return MixedObjective(VICRegLoss(), [Added("core/vcreg", 0.5, VCRegLoss())])

    expected = train(tmp_path / "whole", None, objective=mixed(), build_encoder=Images)
    assert not far(train(tmp_path / "parts", 6, objective=mixed(), build_encoder=Images), expected)


def test_batch_norm_normalises_by_the_part_and_its_statistics_move_once_a_part(tmp_path):
    """Written out: every part through the encoder in training mode, all of it in one graph."""
    sections = {"train": {"batch_size": 24, "micro_batch": 8, "log_every": 1, "steps": 1}}
    trainer = make_trainer(tmp_path / "parts", build_encoder=Normed, **sections)
    plain = make_trainer(tmp_path / "plain", build_encoder=Normed, **sections)
    views = next(iter(trainer.loader(0, 1)))
    trainer._clip_gradients = lambda: torch.zeros(())
    trainer.update = lambda: None
    trainer.train_step(views)

    model = plain.model
    representations = []
    for view in views:
        rows = torch.empty(24, 16, dtype=torch.float64)
        for part in range(3):
            rows[part::3] = model.encoder(view[part::3])
        representations.append(rows)
    plain.objective([model.projector(each) for each in representations]).backward()
    for (name, own), expected in zip(trainer.model.named_parameters(), model.parameters(), strict=True):
        torch.testing.assert_close(own.grad, expected.grad, rtol=1e-9, atol=1e-11, msg=name)
    for (name, own), expected in zip(trainer.model.named_buffers(), model.buffers(), strict=True):
        torch.testing.assert_close(own, expected, rtol=1e-12, atol=1e-12, msg=name)
    assert int(trainer.model.encoder.layers[2].num_batches_tracked) == 6


def test_both_passes_draw_the_same_dropout(tmp_path):
    trainer = make_trainer(
        tmp_path, dropout=0.5, train={"batch_size": 24, "micro_batch": 8, "log_every": 1, "steps": 1}
    )
    seen = list[torch.Tensor]()
    trainer.model.encoder.register_forward_hook(lambda _m, _i, output: seen.append(output.detach().clone()))
    trainer.train_step(next(iter(trainer.loader(0, 1))))
    first, second = seen[:6], seen[6:]
    assert len(second) == 6
    assert all(torch.equal(one, other) for one, other in zip(first, second, strict=True))
    assert not torch.equal(first[0], first[3])


def test_a_killed_run_ends_as_the_undisturbed_one(tmp_path):
    sections = {
        "train": {"batch_size": 16, "micro_batch": 4, "steps": 8, "checkpoint_every": 4, "log_every": 2},
    }
    whole = make_trainer(tmp_path / "whole", **sections)
    whole.fit()
    cut = make_trainer(tmp_path / "cut", **sections)
    for views in cut.batches(5):
        cut.monitor.observe(cut.step + 1, cut.train_step(views).outputs)
        cut.step += 1
        if cut.step == 4:
            cut.save()
    resumed = make_trainer(tmp_path / "cut", **sections)
    assert resumed.restore() == 4
    resumed.fit()
    assert all(
        torch.equal(one, other)
        for one, other in zip(
            whole.model.state_dict().values(), resumed.model.state_dict().values(), strict=True
        )
    )


CASES = [(Smooth, 24, 6), (Normed, 24, 6), (Normed, 25, 7), (Smooth, 13, 4)]


def train_all(number: int, processes: int) -> list[dict[str, torch.Tensor]]:
    folder = Path.cwd()
    return [
        train(folder / f"{rank()}-{i}", micro, batch, build_encoder=encoder)
        for i, (encoder, batch, micro) in enumerate(CASES)
    ]


@pytest.mark.distributed
@pytest.mark.parametrize("processes", [2, 3])
def test_several_processes_take_the_steps_of_one(tmp_path, monkeypatch, processes):
    """Parts of a batch norm too: they hold the same rows however many processes there are."""
    (tmp_path / "alone").mkdir()
    monkeypatch.chdir(tmp_path / "alone")
    alone = train_all(0, 1)
    (tmp_path / "together").mkdir()
    monkeypatch.chdir(tmp_path / "together")
    for found in run_processes(train_all, processes, tmp_path / "together"):
        for case, (own, expected) in enumerate(zip(found, alone, strict=True)):
            assert not far(own, expected), CASES[case]


def few(number: int, processes: int) -> str:
    try:
        make_trainer(Path.cwd() / str(rank()), train={"batch_size": 12, "micro_batch": 4, "steps": 1})
    except RecipeError as error:
        return str(error)
    return ""


@pytest.mark.distributed
def test_a_part_that_some_process_has_no_row_of_is_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for message in run_processes(few, 5, tmp_path):
        assert "train.micro_batch=4 is shared by 5 processes" in message
        assert "set it to 6 or more" in message


def test_a_micro_batch_of_the_whole_batch_is_the_plain_step(tmp_path):
    trainer = make_trainer(
        tmp_path, build_encoder=lambda: MLP(0.0), train={"batch_size": 16, "micro_batch": 16}
    )
    assert type(trainer.passes).__name__ == "Passes"
