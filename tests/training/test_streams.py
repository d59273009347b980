"""Training on a stream: resumed bitwise, and the same for several processes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from tests.data.streams.toy import Points
from tests.objectives.processes import run_processes
from tests.training.test_micro_batch import Smooth, far
from tests.training.toy import make_trainer
from vicreg_core.distributed import rank

TRAIN = {"batch_size": 12, "steps": 12, "log_every": 3, "checkpoint_every": 5}


def weights(trainer):
    return dict(trainer.model.state_dict())


def test_a_killed_run_ends_bitwise_as_the_undisturbed_one(tmp_path):
    whole = make_trainer(tmp_path / "whole", data=Points(), train=TRAIN)
    whole.fit()
    cut = make_trainer(tmp_path / "cut", data=Points(), train=TRAIN)
    for views in cut.batches(7):
        cut.monitor.observe(cut.step + 1, cut.train_step(views).outputs)
        cut.step += 1
        if cut.step == 5:
            cut.save()
    resumed = make_trainer(tmp_path / "cut", data=Points(), train=TRAIN)
    assert resumed.restore() == 5
    resumed.fit()
    assert all(torch.equal(value, weights(resumed)[name]) for name, value in weights(whole).items())


def train_all(number: int, processes: int) -> dict[str, torch.Tensor]:
    sections = {"train": {**TRAIN, "steps": 4}, "optimizer": {"name": "sgd", "lr": 0.05}}
    data = Points(broken=[(3, row) for row in range(0, 40, 3)], skip=True)
    trainer = make_trainer(Path.cwd() / f"{rank()}", data=data, build_encoder=Smooth, **sections)
    found = {}
    for views in trainer.loader(0, 4):
        found[f"loss {trainer.step}"] = trainer.train_step(views).terms.loss.detach()
        trainer.step += 1
    return found | weights(trainer)


@pytest.mark.distributed
@pytest.mark.parametrize("processes", [2, 3])
@pytest.mark.filterwarnings("ignore:left out")
def test_several_processes_take_the_steps_of_one_though_samples_are_missing(tmp_path, monkeypatch, processes):
    (tmp_path / "alone").mkdir()
    monkeypatch.chdir(tmp_path / "alone")
    alone = train_all(0, 1)
    (tmp_path / "together").mkdir()
    monkeypatch.chdir(tmp_path / "together")
    for found in run_processes(train_all, processes, tmp_path / "together"):
        assert not far(found, alone)
