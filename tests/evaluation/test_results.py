"""What ``evaluation.json`` keeps of earlier results, and how it judges by floors that came later."""

from __future__ import annotations

import multiprocessing

import pytest

from vicreg_core.evaluation.results import keep_evaluation, keep_transfer
from vicreg_core.runs.reading import read_sealed


def scored(accuracy, interval=None):
    return {"metric": "accuracy", "accuracy": accuracy, "interval": interval or [accuracy] * 2, "n": 100}


def result(protocols, floors, **more):
    return {
        "format": 1,
        "model": "m",
        "seed": 0,
        "data": {"train": 5},
        "protocols": protocols,
        "baselines": {"raw_features": {name: scored(0.5) for name in protocols}, **floors},
        "notes": [],
        **more,
    }


def read(path):
    return read_sealed(path)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "evaluation.json"


def test_a_floor_that_was_not_asked_for_again_stays_and_judges(path):
    keep_evaluation(path, result({"linear": scored(0.7)}, {"supervised": {"linear": scored(0.9)}}))
    joined = keep_evaluation(path, result({"linear": scored(0.7), "knn": scored(0.6)}, {}))
    assert joined == read(path)
    assert set(joined["baselines"]) == {"raw_features", "supervised"}
    assert "0.900 of supervised training from scratch alone" in joined["protocols"]["linear"]["verdict"]
    assert joined["protocols"]["knn"]["clears_floors"] is True


def test_a_floor_of_one_protocol_joins_those_of_others(path):
    keep_evaluation(path, result({"knn": scored(0.6)}, {}))
    joined = keep_evaluation(path, result({"linear": scored(0.7)}, {"supervised": {"linear": scored(0.6)}}))
    assert set(joined["protocols"]) == {"knn", "linear"}
    assert set(joined["baselines"]["supervised"]) == {"linear"}
    assert "of supervised training from scratch" in joined["protocols"]["linear"]["verdict"]


@pytest.mark.parametrize("other", [{"model": "n"}, {"data": {"train": 6}}, {"seed": 1}, {"baselines": {}}])
def test_results_that_are_not_comparable_go(path, other):
    keep_evaluation(path, result({"knn": scored(0.6)}, {}))
    asked = result({"linear": scored(0.7)}, {}, **other)
    assert keep_evaluation(path, asked) == asked


@pytest.mark.parametrize("there", ["{", "[]", '{"baselines": 3, "format": 1}', '{"model": "m"}'])
def test_a_damaged_file_is_set_aside_and_replaced(path, there):
    path.write_text(there)
    asked, said = result({"linear": scored(0.7)}, {}), []
    assert keep_evaluation(path, asked, said.append) == asked == read(path)
    assert path.with_name("damaged-evaluation.json").read_text() == there
    assert len(said) == 1
    assert "set aside" in said[0]


def _keep(path, name):
    keep_evaluation(path, result({name: scored(0.6)}, {}))


def test_evaluations_at_once_are_all_kept(path):
    context = multiprocessing.get_context("fork")
    names = [f"protocol-{number}" for number in range(12)]
    processes = [context.Process(target=_keep, args=(path, name)) for name in names]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert set(read(path)["protocols"]) == set(names)


def test_transfers_stay_as_long_as_the_model(path):
    alone = keep_transfer(path, "b", result({"knn": scored(0.4)}, {}))
    assert read(path)["protocols"] == {}
    own = keep_evaluation(path, result({"knn": scored(0.6)}, {}, seed=4))
    assert own["transfer"] == {"b": alone}
    keep_transfer(path, "c", result({"knn": scored(0.3)}, {}))
    again = keep_transfer(path, "b", result({"linear": scored(0.5)}, {}))
    assert set(again["protocols"]) == {"knn", "linear"}
    assert set(read(path)["transfer"]) == {"b", "c"}
    assert read(path)["seed"] == 4
    assert "transfer" not in keep_evaluation(path, result({"knn": scored(0.6)}, {}, model="other"))
    keep_evaluation(path, own)
    keep_transfer(path, "b", result({"knn": scored(0.4)}, {}, model="third"))
    assert read(path)["model"] == "third"
    assert read(path)["protocols"] == {}
