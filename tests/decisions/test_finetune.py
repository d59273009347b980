"""``vicreg fit --method finetune``: the encoder is trained on, kept beside the classifier, and decides."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.decisions.conftest import read_csv, write_labels
from tests.evaluation.toy import Points, PointsConfig
from vicreg_core.errors import RunError
from vicreg_core.pretrained import load


def seals(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_the_encoder_is_trained_on_and_decides(known, vicreg, tmp_path):
    before = seals(known / "model")
    done = vicreg("fit", known, "--method", "finetune")
    assert done.exit_code == 0, done.output
    assert "finetune from 45 labels of 45 samples" in done.stdout
    assert "estimated accuracy" in done.stdout
    assert "the same on the encoder as it was" in done.stdout
    assert "the same on training from scratch" in done.stdout
    assert seals(known / "model") == before
    model, data = load(known), Points(PointsConfig())
    own, deciding = model.encoder.state_dict(), model.deciding.encoder.state_dict()
    assert any(not torch.equal(own[name], deciding[name]) for name in own)
    assert model.deciding.manifest.training["finetuned"]["n_train"] == 45
    vicreg("predict", known, "--out", tmp_path / "p.csv")
    rows = {row["id"]: row["prediction"] for row in read_csv(tmp_path / "p.csv")}
    assert model.predict(data.points).tolist() == [rows[str(name)] for name in data.ids]
    right = np.array(
        [rows[str(name)] == data.classes[k] for name, k in zip(data.ids, data.labels, strict=True)]
    )
    assert right.mean() > 0.5


def test_another_method_takes_its_place(known, vicreg):
    vicreg("fit", known, "--method", "finetune", "--no-floors")
    assert (known / "classifier" / "encoder").is_dir()
    vicreg("fit", known, "--method", "linear", "--no-floors")
    assert not (known / "classifier" / "encoder").exists()
    model = load(known)
    assert model.deciding is model


def test_it_gives_the_same_twice(known, vicreg):
    vicreg("fit", known, "--method", "finetune", "--no-floors")
    once = seals(known / "classifier")
    vicreg("fit", known, "--method", "finetune", "--no-floors")
    assert seals(known / "classifier") == once


def test_a_class_without_a_label_is_never_decided(run, vicreg, truth, tmp_path):
    some = {name: label for name, label in truth.items() if label != "green"}
    labels = write_labels(tmp_path / "labels.csv", dict(list(some.items())[:12]))
    done = vicreg("fit", run, "--labels", labels, "--method", "finetune", "--no-floors")
    assert done.exit_code == 0, done.output
    assert set(load(run).predict(Points(PointsConfig()).points)) <= {"red", "blue"}


def test_a_damaged_encoder_is_an_error_in_words(known, vicreg):
    vicreg("fit", known, "--method", "finetune", "--no-floors")
    weights = known / "classifier" / "encoder" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(RunError, match=r"damaged|checksum"):
        load(known).predict(Points(PointsConfig()).points)
