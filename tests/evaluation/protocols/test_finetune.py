"""Fine-tuning on shares of the labels, its floor, and the supervised network beside other protocols."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch

from tests.evaluation.toy import Net, NetConfig, Noise, NoiseConfig, Points, PointsConfig
from vicreg_core.errors import TrainingFailed
from vicreg_core.evaluation.evaluate import evaluate
from vicreg_core.evaluation.protocols.config import FinetuneConfig, LabelFractionsConfig
from vicreg_core.evaluation.protocols.finetune import Finetune
from vicreg_core.evaluation.protocols.label_fractions import LabelFractions, label_budgets
from vicreg_core.evaluation.subjects.bench import Bench
from vicreg_core.evaluation.supervised import finetuner as finetuning
from vicreg_core.evaluation.supervised.finetuner import Cost, Finetuner
from vicreg_core.evaluation.supervised.floor import supervised_floor
from vicreg_core.models.precision import Precision
from vicreg_core.recipes.schema import LabelTraining

COST = Cost(views=640, batch_size=32, precision=Precision("cpu", torch.float32))
HOW = FinetuneConfig(lr=1e-2)
TUNED = FinetuneConfig()


def points(n=120, split="train", groups=False, **options):
    data = Points(PointsConfig(n=n, **options), split)
    if not groups:
        data.groups = None
    return data


def net(width=8):
    torch.manual_seed(3)
    return Net(NetConfig(width=width), points().info)


def bench(train=None, cost=COST, **more):
    train = train or points()
    return Bench(
        train=train,
        test=points(90, "test"),
        augmentation=Noise(NoiseConfig(), train.info),
        cost=cost,
        **more,
    )


def finetuner(of, how=TUNED):
    return Finetuner(of.encoder("encoder", net()).trainable, how)


def test_rows_and_their_scores():
    how = FinetuneConfig(lr=1e-2, draws=3, fractions=(0.05, 0.5))
    rows = {row["name"]: row for row in Finetune(how)(bench().encoder("encoder", net()))["rows"]}
    assert list(rows) == ["5 %", "50 %", "all"]
    assert [row["n_train"] for row in rows.values()] == [6, 60, 120]
    assert [row["draws"] for row in rows.values()] == [3, 3, 1]
    assert rows["50 %"]["interval_over"] == "draws of the labels"
    assert rows["all"]["interval_over"] == "test samples"
    assert {"balanced_accuracy", "macro_f1"} <= set(rows["5 %"])
    assert {"per_class", "confusion", "macro_f1_interval"} <= set(rows["all"])
    assert rows["all"]["accuracy"] > 0.8
    assert rows["all"]["views"] == 640 - 640 % rows["all"]["batch_size"]


def test_two_classes_have_an_area_under_the_curve():
    two = {"train": points(200), "test": points(100, "test")}
    for data in two.values():
        data.classes, data.labels = ("red", "rest"), np.minimum(data.labels, 1)
    of = Bench(
        **two,
        augmentation=Noise(NoiseConfig(), two["train"].info),
        cost=COST,
    )
    rows = Finetune(FinetuneConfig(lr=1e-2, draws=2))(of.encoder("encoder", net()))["rows"]
    assert all(0.5 < row["auroc"] <= 1 for row in rows)


def test_the_encoder_itself_stays_as_it_is():
    encoder = net()
    before = {name: tensor.clone() for name, tensor in encoder.state_dict().items()}
    Finetune(HOW)(bench().encoder("encoder", encoder))
    assert all(torch.equal(tensor, before[name]) for name, tensor in encoder.state_dict().items())


def test_the_test_samples_choose_nothing():
    of = bench()
    made = finetuner(of)(np.arange(120)).training
    of.test.labels = (of.test.labels + 1) % 3
    again = finetuner(of)(np.arange(120))
    assert made == again.training
    assert set(made["held_out_accuracy"]) == {f"{rate:g}" for rate in finetuning.RATES}
    best = max(made["held_out_accuracy"].values())
    assert made["held_out_accuracy"][f"{made['lr']:g}"] == best


def test_held_out_groups_are_whole(monkeypatch):
    trained, scored = [], []
    train, score = finetuning.train_supervised, finetuning.class_probabilities

    def training(encoder, data, *arguments, **options):
        trained.append(set(data.groups))
        return train(encoder, data, *arguments, **options)

    def scoring(model, data, *arguments, **options):
        scored.append(set(data.groups))
        return score(model, data, *arguments, **options)

    monkeypatch.setattr(finetuning, "train_supervised", training)
    monkeypatch.setattr(finetuning, "class_probabilities", scoring)
    of = bench(points(groups=True))
    of.test.groups = np.array([f"test {i // 5}" for i in range(90)])
    finetuner(of)(np.arange(120))
    assert len(trained) == len(scored) == len(finetuning.RATES) + 1
    assert not any(ours & held for ours, held in zip(trained, scored, strict=True))


def test_too_few_labels_leave_the_rate_untuned():
    assert finetuner(bench())(np.arange(9)).training["lr"] == finetuning.UNTUNED_RATE


def test_a_rate_at_which_training_fails_is_not_chosen(monkeypatch):
    inner = finetuning.train_supervised

    def train(encoder, data, augmentation, schedule, **more):
        if schedule.lr == max(finetuning.RATES):
            raise TrainingFailed("the loss is nan")
        return inner(encoder, data, augmentation, schedule, **more)

    monkeypatch.setattr(finetuning, "train_supervised", train)
    training = finetuner(bench())(np.arange(120)).training
    assert training["held_out_accuracy"]["0.0025"] == 0
    assert training["lr"] < 0.0025


def test_what_was_trained_is_not_trained_again():
    said = []
    first = finetuner(bench(say=said.append), HOW)
    rows, again = np.arange(30), Finetuner(first.of, HOW.model_copy(update={"draws": 3}))
    assert first(rows) is again(rows.copy())
    assert said == ["training on 30 labels: 40 steps of 16"]


@pytest.mark.parametrize(
    ("samples", "batch", "views"), [(1, 1, 200), (10, 10, 640), (100, 25, 640), (500, 32, 640)]
)
def test_few_labels_are_not_visited_without_end(samples, batch, views):
    schedule = finetuner(bench(), HOW).schedule(samples)
    assert (schedule.batch_size, schedule.views) == (batch, views)


def test_raw_features_and_unknown_lengths_are_skipped():
    assert "do not come from an encoder" in Finetune()(bench().floor())["skipped"]
    unknown = bench(cost=None).encoder("encoder", net())
    assert "how long the encoder was trained" in Finetune()(unknown)["skipped"]


@pytest.fixture(scope="module")
def beside():
    return evaluate(
        net(),
        bench(),
        {
            "knn": None,
            "linear": None,
            "label-fractions": LabelFractionsConfig(fractions=(0.1,)),
            "finetune": FinetuneConfig(lr=1e-2, fractions=(0.1,)),
            "rank": None,
        },
        untrained=net,
        supervised=LabelTraining(lr=1e-2),
    )


def test_supervised_from_scratch_is_the_untrained_encoder_fine_tuned(beside):
    floor, scratch = beside["baselines"]["supervised"], beside["baselines"]["random_encoder"]["finetune"]
    assert set(floor) == {"knn", "linear", "label-fractions"}
    for protocol in ("knn", "linear"):
        assert floor[protocol]["accuracy"] == scratch["rows"][-1]["accuracy"]
        assert {"balanced_accuracy", "macro_f1", "interval", "seconds"} <= set(floor[protocol])
    own = {row["name"]: row["accuracy"] for row in floor["label-fractions"]["rows"]}
    assert own["10 %"] == scratch["rows"][0]["accuracy"]


def test_rows_of_few_labels_are_on_the_same_draws(beside):
    for ours, theirs in zip(
        beside["protocols"]["label-fractions"]["rows"],
        beside["baselines"]["supervised"]["label-fractions"]["rows"],
        strict=True,
    ):
        assert (ours["name"], ours["n_train"]) == (theirs["name"], theirs["n_train"])


def test_the_first_draws_are_those_of_the_linear_probe(monkeypatch):
    of = bench()
    subject, asked = of.encoder("random_encoder", net()), []

    def call(self, rows):
        asked.append(rows)
        return inner(self, rows)

    inner = Finetuner.__call__
    monkeypatch.setattr(Finetuner, "__call__", call)
    few = LabelFractions(LabelFractionsConfig(fractions=(0.1,)))
    supervised_floor(subject, {"label-fractions": few}, HOW)
    drawn = [budget.draws[0] for budget in label_budgets(of.train.labels, 0, fractions=(0.1,))]
    assert all(np.array_equal(a, b) for a, b in zip(asked, drawn, strict=True))


def test_the_headline_is_judged_by_it(beside):
    assert beside["baselines"]["supervised"]["linear"]["accuracy"] > 0.8
    assert "supervised" not in beside["baselines"]["supervised"]
    assert beside["notes"] == []


def test_where_there_are_no_labels_a_note_says_so():
    of = dataclasses.replace(bench(), train=points(labelled=False), test=None)
    result = evaluate(net(), of, {"rank": None}, untrained=net, supervised=HOW)
    assert "supervised" not in result["baselines"]
    assert "no network trained with the labels" in result["notes"][0]
