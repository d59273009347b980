"""The evaluation of a run and the file it is kept in."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.evaluation.toy import Points, PointsConfig, make_run
from vicreg_core.data.splits import open_data
from vicreg_core.errors import RecipeError, RunError
from vicreg_core.evaluation.run import evaluate_run
from vicreg_core.pretrained import load
from vicreg_core.recipes.load import fingerprint, load_recipe
from vicreg_core.runs.checkpoints import save_checkpoint
from vicreg_core.runs.reading import read_sealed
from vicreg_core.training.checkpointed import load_checkpointed

pytestmark = pytest.mark.usefixtures("toy_modality")


def kept(run):
    return read_sealed(run / "evaluation.json")


def test_the_result_is_kept(tmp_path):
    make_run(tmp_path / "run")
    said = []
    result = evaluate_run(tmp_path / "run", say=said.append)
    assert kept(tmp_path / "run") == result
    assert set(result["protocols"]) == {"knn", "linear"}
    assert result["data"] == {
        "train": 45,
        "test": 15,
        "classes": ["red", "green", "blue"],
        "train_groups": 9,
        "test_groups": 3,
    }
    assert "linear of raw_features" in said


def test_held_out_samples_are_those_that_training_left_out(tmp_path):
    loaded = make_run(tmp_path / "run")
    again = load_recipe(str(tmp_path / "run" / "recipe.yaml"))
    (kept_ids, held_ids), (kept_again, held_again) = (
        [set(part.ids) for part in open_data(of.recipe.data, of.configs["dataset"], of.recipe.seed)]
        for of in (loaded, again)
    )
    assert (kept_ids, held_ids) == (kept_again, held_again)
    assert not kept_ids & held_ids


def test_other_protocols_join_and_the_same_replace(tmp_path):
    run = tmp_path / "run"
    make_run(run)
    evaluate_run(run, ["knn"])
    result = evaluate_run(run, ["rank"])
    assert set(result["protocols"]) == {"knn", "rank"}
    assert set(result["baselines"]["raw_features"]) == {"knn", "rank"}
    assert set(kept(run)["protocols"]) == {"knn", "rank"}


def test_another_models_results_do_not_stay(tmp_path):
    run = tmp_path / "run"
    make_run(run)
    first = evaluate_run(run, ["knn"])
    model = load(run)
    with torch.no_grad():
        for weight in model.encoder.parameters():
            weight += 1
    model.save_pretrained(run / "model")
    second = evaluate_run(run, ["linear"])
    assert set(second["protocols"]) == {"linear"}
    assert first["model"] != second["model"]


def test_a_damaged_file_is_replaced(tmp_path):
    run = tmp_path / "run"
    make_run(run)
    (run / "evaluation.json").write_text("{")
    evaluate_run(run, ["knn"])
    assert set(kept(run)["protocols"]) == {"knn"}


def test_overrides_are_not_kept(tmp_path):
    run = tmp_path / "run"
    make_run(run)
    result = evaluate_run(run, ["knn"], overrides=["data.n=90", "evaluate.baselines=false"])
    assert result["data"]["train"] + result["data"]["test"] == 90
    assert result["baselines"] == {}
    assert not (run / "evaluation.json").exists()


def test_at_most_so_many_samples(tmp_path):
    run = tmp_path / "run"
    make_run(run, "evaluate.max_train=30", "evaluate.max_test=5", "data.test=true")
    assert evaluate_run(run, ["knn"])["data"] | {"classes": []} == {
        "train": 30,
        "test": 5,
        "classes": [],
        "train_groups": pytest.approx(12, abs=2),
        "test_groups": pytest.approx(4, abs=2),
    }


def test_the_second_evaluation_reads_vectors_from_the_cache(tmp_path, monkeypatch):
    run = tmp_path / "run"
    make_run(run)
    first = evaluate_run(run, ["knn"])
    files = sorted((run / "cache").rglob("*.vectors"))
    assert len(files) == 4
    assert sum(len(np.load(io.BytesIO(file.read_bytes()[16:]))) for file in files) == 2 * 60
    stamps = [file.stat().st_mtime_ns for file in files]
    second = evaluate_run(run, ["knn"])
    assert [file.stat().st_mtime_ns for file in files] == stamps
    assert first["protocols"]["knn"]["accuracy"] == second["protocols"]["knn"]["accuracy"]


@pytest.mark.parametrize("average", [True, False])
def test_a_checkpoint_is_the_encoder_of_its_step(tmp_path, average):
    run = tmp_path / "run"
    loaded = make_run(run)
    (run / "model").rename(tmp_path / "gone")
    weights = load_file(tmp_path / "gone" / "model.safetensors")
    state = {
        "model": {f"encoder.{name}": tensor + average for name, tensor in weights.items()}
        | {"projector.0.weight": torch.zeros(1)},
        "average": {f"module.{name}": tensor for name, tensor in weights.items()} if average else None,
    }
    save_checkpoint(run / "checkpoints", 7, state, fingerprint(loaded.recipe), keep=2)
    points = Points(PointsConfig()).points
    np.testing.assert_array_equal(
        load_checkpointed(run, 7).encode(points), load(tmp_path / "gone").encode(points)
    )
    result = evaluate_run(run, ["knn"], checkpoint=7)
    assert set(result["baselines"]) == {"random_encoder", "raw_features"}
    assert not (run / "evaluation.json").exists()
    with pytest.raises(RunError, match="no checkpoint of step 8; there are: 7"):
        evaluate_run(run, checkpoint=8)
    with pytest.raises(RunError, match="is not a run"):
        evaluate_run(tmp_path, checkpoint=7)


def test_what_is_not_a_run(tmp_path):
    with pytest.raises(RunError, match="does not exist"):
        evaluate_run(tmp_path / "nowhere")
    make_run(tmp_path / "run")
    with pytest.raises(RecipeError, match="evaluate"):
        evaluate_run(tmp_path / "run", overrides=["evaluate.max_trian=3"])


def test_samples_that_are_all_alike_are_evaluated_and_what_is_not_defined_is_null(tmp_path, monkeypatch):
    run = tmp_path / "run"
    make_run(run)
    monkeypatch.setattr(
        Points, "raw_features", lambda self, indices: np.zeros((len(indices), 600), np.float32)
    )
    monkeypatch.setattr(
        Points,
        "__getitems__",
        lambda self, indices: torch.zeros(len(np.asarray(indices)), self.config.dims),
    )
    said = []
    result = evaluate_run(run, ["knn", "linear", "clustering", "rank", "retrieval"], say=said.append)
    assert kept(run) == result
    assert result["baselines"]["raw_features"]["linear"]["undefined"] == ["variance_kept"]
    assert any("not defined for these samples: variance_kept" in line for line in said)
