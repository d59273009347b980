"""The embedding's diagnostics: the projector comes from the checkpoint that the model was exported from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.evaluation.toy import make_run
from vicreg_core.evaluation.run import evaluate_run
from vicreg_core.models.joint_embedding import JointEmbedding
from vicreg_core.models.projector import build_projector
from vicreg_core.pretrained import load, save_pretrained
from vicreg_core.recipes.load import fingerprint
from vicreg_core.runs.checkpoints import save_checkpoint
from vicreg_core.training.projector import load_projector

pytestmark = pytest.mark.usefixtures("toy_modality")


@pytest.fixture
def finished(tmp_path):
    """A run after seven steps, with its checkpoint, and the projector that is in it."""
    run = tmp_path / "run"
    loaded = make_run(run, "projector.dims=[12,20]")
    model = load(run)
    save_pretrained(run / "model", model.encoder, info=model.info, loaded=loaded, trained={"steps": 7})
    projector = build_projector(model.embedding_dim, (12, 20)).eval()
    state = {"model": JointEmbedding(model.encoder, projector).state_dict()}
    save_checkpoint(run / "checkpoints", 7, state, fingerprint(loaded.recipe), keep=2)
    return run, loaded, projector


def test_embeddings_are_the_projectors_in_evaluation_mode(finished):
    run, loaded, projector = finished
    project = load_projector(run, loaded, 7, 8)
    rows = np.random.default_rng(0).normal(size=(5000, 8)).astype(np.float32)
    with torch.no_grad():
        expected = projector(torch.from_numpy(rows)).numpy()
    np.testing.assert_allclose(project(rows), expected, rtol=1e-5, atol=1e-6)
    assert load_projector(run, loaded, 6, 8) is None


def test_rank_is_told_of_both_spaces_and_of_the_encoder_only(finished):
    run, _, _ = finished
    result = evaluate_run(run, ["rank"])
    rank = result["protocols"]["rank"]
    assert rank["dims"] == 8
    assert rank["embedding"]["dims"] == 20
    assert 1 <= rank["embedding"]["rankme"] <= 12
    assert sum(rank["embedding"]["spectrum"]) == pytest.approx(1, abs=1e-4)
    names = {row["name"] for row in rank["rows"]}
    assert {"rankme", "lidar", "embedding rankme", "embedding lidar", "embedding alignment"} <= names
    assert all("embedding" not in floor["rank"] for floor in result["baselines"].values())


def test_without_the_checkpoint_there_is_only_the_representation(finished):
    run, _, _ = finished
    (run / "checkpoints" / "step-000007").rename(run / "checkpoints" / "step-000009")
    assert "embedding" not in evaluate_run(run, ["rank"])["protocols"]["rank"]
