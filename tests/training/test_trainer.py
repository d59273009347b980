"""The training loop: exact resume, polite stops, refusals that protect the weights."""

from __future__ import annotations

import json
import os
import signal

import pytest
import torch

from tests.training.toy import Mixture, make_trainer
from vicreg_core.errors import RunError, TrainingFailed, TrainingInterrupted
from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_core.runs.checkpoints import steps_saved
from vicreg_core.runs.metrics import read_metrics
from vicreg_core.training import progress

TIMING = ("samples_per_second", "waiting", "time")
SETTINGS = {
    "adamw": {"optimizer": {"name": "adamw"}},
    "lars": {"optimizer": {"name": "lars", "lr": 0.1}},
    "sgd": {"optimizer": {"name": "sgd", "lr": 0.01}},
    "ema": {"train": {"ema": 0.9}},
    "bfloat16": {"train": {"precision": "bfloat16"}},
    "float16": {"train": {"precision": "float16"}},
    "views": {"train": {"views": 3}},
}


def metrics(folder):
    return [
        {k: v for k, v in r.items() if k not in TIMING}
        for r in read_metrics(folder / "metrics.jsonl").records
    ]


def weights(trainer):
    state = {f"model.{k}": v for k, v in trainer.model.state_dict().items()}
    state.update({f"encoder.{k}": v for k, v in trainer.encoder.state_dict().items()})
    return state


def stop_at(trainer, step, error=KeyError):
    """Make the trainer die, as a kill would, right after the step is logged and saved."""
    save = trainer.save

    def save_and_die():
        save()
        if trainer.step == step:
            raise error("killed")

    trainer.save = save_and_die
    with pytest.raises(error):
        trainer.fit()


@pytest.mark.parametrize("setting", SETTINGS)
def test_ten_steps_equal_five_a_kill_a_resume_and_five_more(tmp_path, setting):
    sections = SETTINGS[setting]
    sections = {**sections, "train": {"checkpoint_every": 5, **sections.get("train", {})}}
    whole = make_trainer(tmp_path / "whole", **sections)
    whole.fit()
    stop_at(make_trainer(tmp_path / "cut", **sections), step=5)
    resumed = make_trainer(tmp_path / "cut", **sections)
    assert resumed.restore() == 5
    resumed.fit()
    expected, got = weights(whole), weights(resumed)
    assert expected.keys() == got.keys()
    assert [k for k in expected if not torch.equal(expected[k], got[k])] == []
    assert metrics(tmp_path / "cut") == metrics(tmp_path / "whole")


def test_records_after_the_checkpoint_are_written_anew(tmp_path):
    make_trainer(tmp_path, train={"checkpoint_every": 5}).fit()
    path = tmp_path / "metrics.jsonl"
    whole = metrics(tmp_path)
    path.write_text(path.read_text() + '{"step": 12, "lo')
    trainer = make_trainer(tmp_path, train={"checkpoint_every": 5})
    trainer.run.checkpoints.joinpath("step-000010").rename(tmp_path / "elsewhere")
    trainer.restore()
    assert [r["step"] for r in metrics(tmp_path)] == [2, 4]
    trainer.fit()
    assert metrics(tmp_path) == whole


def test_a_record_says_what_practitioners_read(tmp_path):
    make_trainer(tmp_path).fit()
    lines = (tmp_path / "metrics.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4, 6, 8, 10]
    record = json.loads(lines[-1])
    for key in (
        "epoch",
        "loss",
        "invariance",
        "variance",
        "covariance",
        "covariance_excess",
        "lr",
        "grad_norm",
    ):
        assert isinstance(record[key], float), key
    for space in ("representation", "embedding"):
        assert record[f"{space}_std_min"] <= record[f"{space}_std_median"]
        assert 1 <= record[f"{space}_effective_rank"] <= 32
    assert record["epoch"] == 2.5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_finishes_the_step_and_writes_its_checkpoint(tmp_path, number):
    trainer = make_trainer(tmp_path, train={"steps": 1000, "checkpoint_every": 1000})
    before = signal.getsignal(number)
    step = trainer.train_step

    def step_and_signal(views):
        outcome = step(views)
        if trainer.step == 3:
            os.kill(os.getpid(), number)
        return outcome

    trainer.train_step = step_and_signal
    with pytest.raises(TrainingInterrupted, match="after step 4") as stopped:
        trainer.fit()
    assert stopped.value.exit_code == 128 + number
    assert steps_saved(tmp_path / "checkpoints") == [4]
    assert signal.getsignal(number) is before


def test_a_loss_that_is_not_finite_never_reaches_the_weights(tmp_path):
    trainer = make_trainer(tmp_path, data=Mixture(poison=17), train={"checkpoint_every": 1})
    with pytest.raises(TrainingFailed) as failed:
        trainer.fit()
    message = str(failed.value)
    assert "the loss is nan" in message
    assert "the representation of view 0 already holds NaN or inf in 16 of 16 rows" in message
    saved = steps_saved(tmp_path / "checkpoints")
    assert (
        ("no good checkpoint is saved yet" in message) if not saved else (f"step-{saved[-1]:06d}" in message)
    )
    parameters = dict(trainer.model.named_parameters())
    assert all(bool(p.isfinite().all()) for p in parameters.values())


def test_collapse_warns_or_stops(tmp_path, capsys):
    sections = {
        "optimizer": {"name": "adamw", "lr": 0.02, "scale_lr": False},
        "train": {"steps": 120, "log_every": 5},
    }
    loss = VICRegLoss(25.0, 0.0, 1.0)
    warned = make_trainer(tmp_path / "warn", objective=loss, **sections)
    warned.fit()
    assert warned.step == 120
    assert capsys.readouterr().err.count("warning: complete collapse since step") == 1
    assert metrics(tmp_path / "warn")[-1]["collapse"] == "complete"
    stopped = make_trainer(tmp_path / "stop", objective=loss, monitor={"on_collapse": "stop"}, **sections)
    with pytest.raises(TrainingFailed, match=r"complete collapse since step \d+.*objective\.variance"):
        stopped.fit()
    assert steps_saved(tmp_path / "stop" / "checkpoints")[-1] == stopped.step < 120
    healthy = make_trainer(tmp_path / "healthy", monitor={"on_collapse": "stop"}, **sections)
    healthy.fit()
    assert {r["collapse"] for r in metrics(tmp_path / "healthy")} == {None}


def test_another_recipes_checkpoint_is_not_continued(tmp_path):
    make_trainer(tmp_path).fit()
    other = make_trainer(tmp_path)
    other.fingerprint = "other"
    with pytest.raises(RunError, match="another recipe"):
        other.restore()


def test_gradient_clipping_reports_the_norm_before_it(tmp_path):
    clipped = make_trainer(tmp_path / "a", optimizer={"clip_grad_norm": 1e-6})
    plain = make_trainer(tmp_path / "b")
    norms = [next(iter([t.train_step(v) for v in [next(t.batches(1))]])).grad_norm for t in (clipped, plain)]
    assert norms[0] == norms[1] > 1e-3


def test_the_averaged_encoder_is_the_one_exported(tmp_path):
    trainer = make_trainer(tmp_path, train={"ema": 0.9})
    trainer.fit()
    own, averaged = trainer.model.encoder.state_dict(), trainer.encoder.state_dict()
    assert own.keys() == averaged.keys()
    assert not own["layers.0.weight"].equal(averaged["layers.0.weight"])


def test_the_time_batches_take_is_told_apart(monkeypatch):
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])

    def batches():
        for each in range(4):
            now[0] += 3
            yield each

    told = progress.Progress(None)
    with told.training(0, 4):
        for step, _ in enumerate(told.watched(batches()), start=1):
            now[0] += 1
            if step == 2:
                assert told.rate(step, 8) == 2.0
                assert told.waiting == 0.75
    assert told.rate(4, 8) == 2.0
    assert told.waiting == 0.75


def test_a_record_says_how_long_batches_took(tmp_path):
    make_trainer(tmp_path).fit()
    assert all(0 < each["waiting"] < 1 for each in read_metrics(tmp_path / "metrics.jsonl").records)
