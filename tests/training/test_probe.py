"""The online probe: what it scores, when, and that training does not notice it."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.training.toy import MLP, Mixture, Noise, make_recipe, make_trainer
from vicreg_core.errors import DataError
from vicreg_core.models.precision import resolve_precision
from vicreg_core.training.probe import build_probe

CPU = torch.device("cpu")


class Labelled(Mixture):
    """The mixture with its centres as classes."""

    classes = ("a", "b", "c", "d")

    def __init__(self, n: int = 160, groups=None) -> None:
        super().__init__(n)
        self.labels, self.groups = self.ids % 4, groups


class Identity(MLP):
    """The points themselves."""

    embedding_dim = 8

    def forward(self, batch):
        return batch


def probe_of(data, **monitor):
    recipe = make_recipe(monitor={"window": 32, **monitor})
    return build_probe(recipe, data, Noise(), CPU, resolve_precision("float32", CPU))


def test_separate_clusters_are_told_apart_and_a_constant_is_not():
    probe = probe_of(Labelled(), probe_samples=120)
    score = probe(Identity(0.0))
    assert 28 <= score.n <= 32
    assert score.accuracy > 0.95
    assert score.chance < 0.3
    blind = Identity(0.0)
    blind.forward = lambda batch: torch.ones_like(batch)
    assert probe(blind).accuracy < 0.5


def test_what_it_holds_out_is_of_other_groups_and_other_samples():
    groups = np.arange(160) // 8
    probe = probe_of(Labelled(groups=groups))
    assert not set(probe.bank.ids) & set(probe.held.ids)
    assert not set(probe.bank.groups) & set(probe.held.groups)


def test_no_probe_without_labels_or_wish_and_a_reason_where_it_cannot_be():
    unlabelled = Mixture()
    unlabelled.labels = None
    assert probe_of(unlabelled) is None
    assert probe_of(Labelled(), probes=0) is None
    with pytest.raises(DataError, match="one group"):
        probe_of(Labelled(groups=np.zeros(160)))


@pytest.mark.parametrize(("times", "due"), [(1, [10]), (2, [6, 10]), (5, [2, 4, 6, 8, 10]), (0, [])])
def test_it_is_scored_at_equal_parts_of_the_run(tmp_path, times, due):
    trainer = make_trainer(tmp_path)
    trainer.probe = probe_of(Labelled(), probes=max(times, 1))
    trainer.probe.times = times
    trainer.fit()
    lines = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "probe_knn" in line] == due
    assert all(0 <= line["probe_knn"] <= 1 and line["probe_n"] == 40 for line in lines if "probe_knn" in line)


@pytest.mark.parametrize("train", [{}, {"ema": 0.9}], ids=["plain", "ema"])
def test_training_is_bitwise_the_same_with_and_without_it(tmp_path, train):
    trainers = [make_trainer(tmp_path / name, train=train) for name in ("with", "without")]
    trainers[0].probe = probe_of(Labelled(), probes=5)
    for trainer in trainers:
        trainer.fit()
        assert trainer.model.encoder.training
    states = [{**trainer.model.state_dict(), **trainer.encoder.state_dict()} for trainer in trainers]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])
