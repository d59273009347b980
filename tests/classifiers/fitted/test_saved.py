"""A classifier on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.classifiers.blobs import blobs, pool
from vicreg_core.classifiers.fitted.choice import choose
from vicreg_core.classifiers.fitted.methods import FAMILIES, Ground
from vicreg_core.classifiers.fitted.saved import FittedClassifier, read_classifier
from vicreg_core.errors import RunError

NAMES = ("fox", "owl", "yak")


def fitted(method: str = "auto", known: int = 8) -> FittedClassifier:
    few, _ = pool(known)
    ground = Ground(few)
    choice = choose(ground, FAMILIES[method])
    ids = [f"s{i}" for i in range(150)]
    return FittedClassifier.fit(ground, choice, classes=NAMES, ids=ids, model="digest", about={"n": 1})


@pytest.mark.parametrize("method", ["propagation", "prototype", "linear", "self-training"])
def test_it_comes_back_as_it_was(tmp_path: Path, method: str):
    classifier, new = fitted(method), blobs(30, seed=3)[0]
    classifier.save(tmp_path / "classifier")
    again = read_classifier(tmp_path / "classifier")
    first, second = classifier.decide(new), again.decide(new)
    for name in ("label", "probabilities", "sets", "nearest", "similarity", "unfamiliar"):
        assert np.array_equal(getattr(first, name), getattr(second, name)), name
    assert (again.classes, again.model, dict(again.about)) == (NAMES, "digest", {"n": 1})


def test_what_it_says():
    classifier = fitted()
    new, truth = blobs(30, seed=3)
    said = classifier.decide(new)
    assert said.label.tolist() == [NAMES[k] for k in truth]
    assert said.sets[np.arange(30), truth].mean() > 0.8
    assert all(name.startswith("s") for name in said.nearest)
    near = classifier.decide(pool(8)[0].vectors[:3])
    assert near.nearest.tolist() == ["s0", "s1", "s2"]
    np.testing.assert_allclose(near.similarity, 1, atol=1e-5)


def test_what_is_unlike_the_training_samples_is_marked():
    classifier = fitted()
    strange = np.random.default_rng(5).standard_normal((200, 8)).astype(np.float32)
    assert classifier.decide(strange).unfamiliar.mean() > 0.6
    assert classifier.decide(blobs(300, seed=4)[0]).unfamiliar.mean() < 0.1


def test_without_a_label_to_spare_no_class_is_ruled_out():
    assert fitted(known=1).decide(blobs(9)[0]).sets.all()


@pytest.mark.parametrize("name", ["config.json", "classifier.safetensors"])
@pytest.mark.parametrize("damage", ["flip", "cut", "none"])
def test_damage_is_named(tmp_path: Path, name: str, damage: str):
    fitted().save(tmp_path / "classifier")
    path = tmp_path / "classifier" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content if damage == "flip" else content[:20])
    if damage == "none":
        path.unlink()
    with pytest.raises(RunError, match="fit"):
        read_classifier(tmp_path / "classifier")


def test_a_newer_format(tmp_path: Path):
    from vicreg_core.files import sealed

    fitted().save(tmp_path / "classifier")
    path = tmp_path / "classifier" / "config.json"
    values = json.loads(path.read_text())
    del values["checksum"]
    path.write_text(json.dumps(sealed({**values, "format": 9})))
    with pytest.raises(RunError, match="format 9, this version reads 1"):
        read_classifier(tmp_path / "classifier")
