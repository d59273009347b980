"""Several processes train to what one trains to, and stop and fail together."""

from __future__ import annotations

import os
import signal
import threading
import time

import pytest
import torch

from tests.training.toy import make_trainer
from vicreg_core.distributed import rank, world_size
from vicreg_core.errors import DataError, TrainingFailed, VicregError
from vicreg_core.runs.checkpoints import steps_saved
from vicreg_core.training.processes.launch import spawn

pytestmark = pytest.mark.distributed

SECTIONS = {"optimizer": {"name": "sgd", "lr": 0.05}, "train": {"steps": 6, "batch_size": 17}}


def train(folder):
    trainer = make_trainer(folder, dropout=0.0, **SECTIONS)
    trainer.fit()
    if rank() == 0:
        torch.save(trainer.model.state_dict(), folder / "weights.pt")


def fail_on_the_second(folder):
    if rank() == 1:
        raise DataError(f"rank {rank()} of {world_size()} found a bad file")
    torch.distributed.barrier()


def train_for_long(folder):
    make_trainer(folder, train={"steps": 100_000, "checkpoint_every": 100_000}).fit()


@pytest.mark.parametrize("processes", [2, 3])
def test_processes_train_to_the_weights_of_one(tmp_path, processes):
    train(tmp_path / "one")
    spawn(train, (tmp_path / "many",), processes, "cpu")
    one, many = (torch.load(tmp_path / f / "weights.pt", weights_only=True) for f in ("one", "many"))
    assert one.keys() == many.keys()
    for name in one:
        torch.testing.assert_close(
            many[name], one[name], rtol=1e-4, atol=1e-6, msg=lambda m, n=name: f"{n}: {m}"
        )


def test_an_error_of_any_process_reaches_the_user(tmp_path):
    with pytest.raises(VicregError, match=r"^rank 1 of 2 found a bad file$") as failed:
        spawn(fail_on_the_second, (tmp_path,), 2, "cpu")
    assert failed.value.exit_code == DataError.exit_code


def die_on_the_second(folder):
    if rank() == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    torch.distributed.barrier()


def test_a_process_that_the_system_killed_is_named_with_the_way_on(tmp_path):
    with pytest.raises(TrainingFailed, match=r"process 1 of the run was ended by SIGKILL.*memory.*--resume"):
        spawn(die_on_the_second, (tmp_path,), 2, "cpu")


def test_a_signal_to_the_parent_stops_all_at_one_step(tmp_path):
    def signal_once_training():
        deadline = time.monotonic() + 60
        while not (tmp_path / "metrics.jsonl").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=signal_once_training)
    thread.start()
    with pytest.raises(VicregError, match="stopped by a signal after step") as stopped:
        spawn(train_for_long, (tmp_path,), 2, "cpu")
    thread.join()
    assert stopped.value.exit_code == 128 + signal.SIGTERM
    assert len(steps_saved(tmp_path / "checkpoints")) == 1
