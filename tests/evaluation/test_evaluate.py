"""An encoder beside its floors through every protocol."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

from tests.evaluation.toy import Net, NetConfig, Noise, NoiseConfig, Points, PointsConfig, planted
from vicreg_core.data.draw import draw, limited
from vicreg_core.data.subset import Subset
from vicreg_core.errors import DataError, PluginError
from vicreg_core.evaluation.evaluate import evaluate
from vicreg_core.evaluation.protocols.config import FinetuneConfig
from vicreg_core.evaluation.protocols.registry import load_protocol
from vicreg_core.evaluation.subjects.bench import Bench
from vicreg_core.evaluation.supervised.finetuner import Cost
from vicreg_core.models.precision import Precision
from vicreg_core.plugins.builtin import vicreg_protocols

NAMES = tuple(spec.name for spec in vicreg_protocols())


def bench(**data):
    train = Points(PointsConfig(n=90, **data))
    augmentation = Noise(NoiseConfig(), train.info)
    cost = Cost(views=320, batch_size=16, precision=Precision("cpu", torch.float32))
    test = Points(PointsConfig(n=60, **data), "test")
    return Bench(train=train, test=test, augmentation=augmentation, cost=cost)


def net(info):
    torch.manual_seed(3)
    return Net(NetConfig(), info)


def run(of, protocols=("knn", "linear"), **kwargs):
    kwargs.setdefault("untrained", lambda: net(of.train.info))
    options = {"finetune": FinetuneConfig(lr=1e-2)}
    return evaluate(net(of.train.info), of, {name: options.get(name) for name in protocols}, **kwargs)


@pytest.fixture(scope="module")
def everything():
    return run(bench(), NAMES)


def test_every_protocol_of_the_core_runs_on_every_subject(everything):
    assert list(everything["protocols"]) == list(NAMES)
    assert set(everything["baselines"]) == {"random_encoder", "raw_features"}
    skipped = {"raw_features": {"robustness", "finetune"}}
    for subject, of in {"encoder": everything["protocols"], **everything["baselines"]}.items():
        found = {name for name, result in of.items() if "skipped" in result}
        assert found == skipped.get(subject, set())
        assert all(result["seconds"] >= 0 for result in of.values())


def test_the_result_is_json(everything):
    assert json.loads(json.dumps(everything, allow_nan=False)) == everything


def test_scores_have_n_intervals_and_verdicts(everything):
    for name in ("knn", "linear"):
        result = everything["protocols"][name]
        assert result["n"] == 60
        low, high = result["interval"]
        assert 0 <= low <= result["accuracy"] <= high <= 1
        assert result["verdict"].startswith(f"{name}: accuracy")
        assert "verdict" not in everything["baselines"]["raw_features"][name]
    for name in ("label-fractions", "finetune"):
        assert all("verdict" in row for row in everything["protocols"][name]["rows"])
    assert not any("verdict" in row for row in everything["protocols"]["rank"]["rows"])


def test_raw_features_win_against_a_net_that_nobody_trained(everything):
    assert everything["baselines"]["raw_features"]["linear"]["accuracy"] > 0.85
    assert everything["protocols"]["linear"]["clears_floors"] is False
    assert "NOT" in everything["protocols"]["linear"]["verdict"]


def test_the_untrained_encoder_says_how_its_batch_norm_was_set(everything):
    assert everything["baselines"]["random_encoder"]["knn"]["batch_norm_calibrated_on"] == 90
    assert "batch_norm_calibrated_on" not in everything["protocols"]["knn"]


def test_evaluation_is_reproducible():
    def figures(result):
        return {name: of["accuracy"] for name, of in result["protocols"].items()} | {
            floor: of["linear"]["interval"] for floor, of in result["baselines"].items()
        }

    assert figures(run(bench())) == figures(run(bench()))


def test_unlabelled_data_is_told_and_not_an_error():
    result = run(bench(labelled=False), ("knn", "rank"))
    assert "needs labels, and the data has none" in result["protocols"]["knn"]["skipped"]
    assert result["protocols"]["rank"]["rankme"] > 1
    assert result["data"]["classes"] == []


def test_no_held_out_samples_is_told():
    of = bench()
    alone = Bench(train=of.train, test=None, augmentation=of.augmentation)
    result = run(alone, ("linear", "rank"))
    assert "there are none" in result["protocols"]["linear"]["skipped"]
    assert "lidar" in result["protocols"]["rank"]


def test_without_floors_a_note_says_so():
    result = run(bench(), baselines=False)
    assert result["baselines"] == {}
    assert "floors were not evaluated" in result["notes"][0]
    assert "verdict" not in result["protocols"]["linear"]


def test_a_dataset_without_raw_features():
    of = bench()
    of.train.raw_features = lambda indices: None
    result = run(of)
    assert list(result["baselines"]) == ["random_encoder"]
    assert any("no raw features" in note for note in result["notes"])


def test_groups_in_both_splits_are_told():
    of = bench()
    assert result_notes(of) == []
    whole = of.train
    halves = [Subset(whole, np.arange(start, 90, 2)) for start in (0, 1)]
    mixed = Bench(train=halves[0], test=halves[1], augmentation=of.augmentation)
    assert any("18 group(s) have samples in both" in note for note in result_notes(mixed))


def result_notes(of):
    for data in (of.train, of.test):
        if isinstance(data, Points):
            data.groups = np.array([f"{data.ids[0]}/{g}" for g in data.groups])
    return run(of, ("knn",))["notes"]


def test_left_out_samples_are_told_once():
    of = bench()
    of.train.skipped = ["a.jpg: truncated"]
    kept = Subset(of.train, np.arange(60))
    held = Subset(of.train, np.arange(60, 90))
    notes = run(Bench(train=kept, test=held, augmentation=of.augmentation), ("knn",))["notes"]
    assert len([note for note in notes if "a.jpg" in note]) == 1


def test_splits_with_unlike_classes_are_refused():
    of = bench()
    of.test.classes = ("red", "blue", "green")
    with pytest.raises(DataError, match="different classes: 'red', 'green', 'blue' against 'red', 'blue'"):
        Bench(train=of.train, test=of.test, augmentation=of.augmentation)
    of.test.classes = ("red",)
    with pytest.raises(DataError, match="labels of Points range from 0 to 2, but it names 1 classes"):
        Bench(train=of.train, test=of.test, augmentation=of.augmentation)


def test_protocols_of_plugins_and_unknown_ones():
    with planted():
        result = run(bench(), ("toy/width",))
        assert result["protocols"]["toy/width"]["width"] == 8
        with pytest.raises(PluginError, match=r"unknown protocol 'liner'; did you mean 'linear'\?"):
            load_protocol("liner")
        with pytest.raises(PluginError, match="unknown protocol 'toy/widht'"):
            load_protocol("toy/widht")


def test_a_draw_depends_on_ids_and_seed():
    data = Points(PointsConfig())
    rows = draw(data, 20, seed=0)
    assert np.array_equal(rows, np.sort(rows))
    shuffled = Subset(data, np.random.default_rng(0).permutation(60))
    assert {data.ids[i] for i in rows} == {shuffled.ids[i] for i in draw(shuffled, 20, seed=0)}
    assert not np.array_equal(rows, draw(data, 20, seed=1))
    assert limited(data, None, 0) is data
    assert limited(data, 60, 0) is data
    assert len(limited(data, 20, 0)) == 20


def test_the_commands_need_neither_torch_nor_numpy_to_start():
    import subprocess
    import sys

    code = (
        "import sys, vicreg_core.cli.evaluate, vicreg_core.cli.embed; "
        "sys.exit(bool({'torch', 'numpy', 'sklearn'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
