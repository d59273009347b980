"""An objective that learns from labels is given those of its batch, and refused where there are none."""

from __future__ import annotations

import pytest

from tests.evaluation.toy import RECIPE
from vicreg_core.errors import DataError
from vicreg_core.objectives.contrastive import SupConLoss
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run

pytestmark = pytest.mark.usefixtures("toy_modality")


def trained(tmp_path, *overrides):
    source = tmp_path / "toy.yaml"
    source.write_text(RECIPE, encoding="utf-8")
    run = tmp_path / "run"
    train_run(load_recipe(str(source), overrides), RunDirectory(run), resume=False, overwrite=False)
    return run


def test_labels_belong_to_the_rows_of_their_batch(tmp_path, monkeypatch):
    seen = []
    of_batch = SupConLoss.of_batch

    def noted(self, views, labels=None, /):
        seen.append((views.shape[1], labels))
        return of_batch(self, views, labels)

    monkeypatch.setattr(SupConLoss, "of_batch", noted)
    trained(tmp_path, "objective.also=[{name: core/supcon, weight: 0.5}]")
    assert seen
    assert all(len(labels) == rows for rows, labels in seen)
    assert len({int(label) for _, labels in seen for label in labels}) > 1


def test_without_labels_it_is_refused_and_nothing_is_left(tmp_path):
    with pytest.raises(DataError, match=r"objective core/vicreg \+ core/supcon learns from labels"):
        trained(tmp_path, "objective.also=[{name: core/supcon}]", "data.labelled=false")
    assert not (tmp_path / "run").exists()
