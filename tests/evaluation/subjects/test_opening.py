"""A run on its own data, beside other encoders, and on other data."""

from __future__ import annotations

import json

import pytest

from tests.evaluation.toy import Net, NetConfig, Points, PointsConfig, make_run
from vicreg_core.errors import DataError, RecipeError, RunError
from vicreg_core.evaluation.run import evaluate_run
from vicreg_core.pretrained import save_pretrained
from vicreg_core.recipes.load import load_recipe

pytestmark = pytest.mark.usefixtures("toy_modality")


@pytest.fixture
def run(tmp_path):
    make_run(tmp_path / "run", "evaluate.protocols=[knn, linear, {name: finetune, lr: 0.01}]")
    return tmp_path / "run"


def kept(run):
    return json.loads((run / "evaluation.json").read_text())


def another(folder, width=4):
    """A model folder of a net of another width."""
    loaded = load_recipe(str(folder.parent / "toy.yaml"), [f"encoder.width={width}"])
    data = Points(PointsConfig())
    save_pretrained(folder, Net(NetConfig(width=width), data.info), info=data.info, loaded=loaded)


def test_training_with_labels_sees_as_many_views_as_the_run(run):
    result = evaluate_run(run, ["finetune"])
    row = result["protocols"]["finetune"]["rows"][-1]
    assert row["views"] == 4 * 8 * 2
    assert row["batch_size"] == 8
    assert row["lr"] == 0.01
    options = "{name: finetune, lr: 0.01, budget: 0.5, fractions: [0.2]}"
    half = evaluate_run(run, overrides=[f"evaluate.protocols=[{options}]"])
    assert [each["name"] for each in half["protocols"]["finetune"]["rows"]] == ["20 %", "all"]
    assert half["protocols"]["finetune"]["rows"][-1]["views"] == 32


def test_supervised_is_kept_as_a_floor(run):
    result = evaluate_run(run, ["linear"], supervised=True)
    assert set(kept(run)["baselines"]) == {"random_encoder", "raw_features", "supervised"}
    assert result["baselines"]["supervised"]["linear"]["n_train"] == result["data"]["train"]
    in_recipe = evaluate_run(run, ["linear"], overrides=["evaluate.supervised=true"])
    assert (
        in_recipe["baselines"]["supervised"]["linear"]["accuracy"]
        == (result["baselines"]["supervised"]["linear"]["accuracy"])
    )


def test_other_encoders_beside(run, tmp_path):
    another(tmp_path / "narrow")
    result = evaluate_run(run, ["knn", "toy/width"], beside=[tmp_path / "narrow"])
    assert result["baselines"]["narrow"]["toy/width"]["width"] == 4
    assert result["protocols"]["toy/width"]["width"] == 8
    assert 0 <= kept(run)["baselines"]["narrow"]["knn"]["accuracy"] <= 1
    assert evaluate_run(run, ["knn"])["baselines"]["narrow"] == result["baselines"]["narrow"]


def test_encoders_that_cannot_stand_beside(run, tmp_path):
    another(tmp_path / "narrow")
    with pytest.raises(RunError, match="'narrow' names another column already"):
        evaluate_run(run, ["knn"], beside=[tmp_path / "narrow", tmp_path / "narrow"])
    another(tmp_path / "supervised")
    with pytest.raises(RunError, match="'supervised' names another column already"):
        evaluate_run(run, ["knn"], beside=[tmp_path / "supervised"])
    with pytest.raises(RunError, match="nowhere"):
        evaluate_run(run, ["knn"], beside=[tmp_path / "nowhere"])
    foreign = Points(PointsConfig())
    foreign.info = type(foreign.info)({**foreign.info.facts}, {"words/list.txt": b"other words"})
    loaded = load_recipe(str(tmp_path / "toy.yaml"))
    save_pretrained(tmp_path / "foreign", Net(NetConfig(), foreign.info), info=foreign.info, loaded=loaded)
    with pytest.raises(DataError, match=r"--beside .*foreign: .*words/list\.txt of its own"):
        evaluate_run(run, ["knn"], beside=[tmp_path / "foreign"])


def test_a_transfer_is_kept_under_its_name(run, tmp_path):
    recipe = str(tmp_path / "toy.yaml")
    overrides = ["data.seed=5", "data.n=90", "evaluate.max_train=50"]
    result = evaluate_run(run, ["knn", "finetune"], transfer=recipe, overrides=overrides)
    assert result["data"]["train"] == 50
    assert set(result["baselines"]) == {"random_encoder", "raw_features"}
    assert result["protocols"]["finetune"]["rows"][-1]["views"] == 64
    name = f"{recipe} data.seed=5 data.n=90"
    assert kept(run)["transfer"] == {name: result}
    own = evaluate_run(run, ["knn"])
    assert own["transfer"] == {name: result}
    assert own["data"]["train"] == 45


def test_a_transfer_of_a_checkpoint_is_not_kept_nor_to_what_is_no_recipe(run, tmp_path):
    with pytest.raises(RecipeError, match="no recipe"):
        evaluate_run(run, ["knn"], transfer="toy/nothing")
    with pytest.raises(RecipeError, match="evaluate"):
        evaluate_run(run, ["knn"], transfer=str(tmp_path / "toy.yaml"), overrides=["evaluate.max_trian=3"])
    assert not (run / "evaluation.json").exists()


def test_data_of_another_kind_is_refused(run, tmp_path, monkeypatch):
    init = Points.__init__

    def other(self, *arguments):
        init(self, *arguments)
        self.info = type(self.info)({"letters": 26, "kind": "text"})

    monkeypatch.setattr(Points, "__init__", other)
    with pytest.raises(DataError, match=r"another kind than the model's: it has letters, where .* dims"):
        evaluate_run(run, ["knn"], transfer=str(tmp_path / "toy.yaml"))
