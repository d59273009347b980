"""The supervised loop learns, is a function of its seed, and weighs classes as it is told."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from tests.evaluation.toy import Net, NetConfig, Noise, NoiseConfig, Points, PointsConfig
from vicreg_core.data.subset import Subset
from vicreg_core.errors import TrainingFailed
from vicreg_core.evaluation.supervised.training import Schedule, class_probabilities, train_supervised
from vicreg_core.models.precision import Precision

FLOAT32 = Precision("cpu", torch.float32)
SCHEDULE = Schedule(views=60 * 30, batch_size=20, lr=1e-2)


def net(data):
    torch.manual_seed(0)
    return Net(NetConfig(), data.info)


def noise(data, **options):
    return Noise(NoiseConfig(**options), data.info)


def fit(data, schedule=SCHEDULE, precision=FLOAT32, encoder=None, **more):
    augmentation = more.pop("augmentation", None) or noise(data)
    return train_supervised(encoder or net(data), data, augmentation, schedule, precision=precision, **more)


def weights(model):
    return torch.cat([tensor.flatten().double() for tensor in model.state_dict().values()])


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_it_learns(dtype):
    data, test = Points(PointsConfig()), Points(PointsConfig(n=200), "test")
    model = fit(data, precision=Precision("cpu", dtype))
    probabilities = class_probabilities(model, test, noise(data))
    assert probabilities.shape == (200, 3)
    assert probabilities.dtype == np.float32
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=1e-5)
    assert (probabilities.argmax(axis=1) == test.labels).mean() > 0.85
    assert not model.training


def test_probabilities_are_those_of_the_network():
    data = Points(PointsConfig())
    model = fit(data)
    with torch.no_grad():
        direct = model(torch.from_numpy(data.points)).softmax(dim=1).numpy()
    np.testing.assert_allclose(class_probabilities(model, data, noise(data)), direct, atol=1e-6)


def test_the_seed_decides_and_the_callers_generator_is_left_alone():
    data = Points(PointsConfig())
    first, again, other = fit(data), fit(data), fit(data, seed=1)
    assert torch.equal(weights(first), weights(again))
    assert not torch.equal(weights(first), weights(other))
    encoder = net(data)
    before = torch.get_rng_state()
    fit(data, encoder=encoder)
    assert torch.equal(torch.get_rng_state(), before)


def test_dropout_is_keyed_too():
    class Dropping(Net):
        def forward(self, batch):
            return torch.nn.functional.dropout(super().forward(batch), 0.5, self.training)

    data = Points(PointsConfig())
    torch.manual_seed(0)
    encoder = Dropping(NetConfig(), data.info)
    made = [fit(data, encoder=copy.deepcopy(encoder)) for _ in range(2)]
    assert torch.equal(weights(made[0]), weights(made[1]))


def test_samples_prepared_one_by_one_and_read_by_workers():
    data = Points(PointsConfig(in_memory=False))
    short = Schedule(views=60, batch_size=20, lr=1e-2)
    per_sample = noise(data, per_sample=True)
    alone, helped = (fit(data, short, augmentation=per_sample, workers=workers) for workers in (0, 1))
    assert torch.equal(weights(alone), weights(helped))


def test_views_of_both_kinds_are_seen():
    data, seen = Points(PointsConfig()), []

    class Recording(Noise):
        def forward(self, batch, keys=None):
            seen.append(keys.uniform("probe")[0].item())
            return super().forward(batch, keys)

    from vicreg_core.contracts.keys import Keys, hash_ids
    from vicreg_core.data.sampler import StepPlan

    recording = Recording(NoiseConfig(), data.info)
    fit(data, Schedule(views=180, batch_size=60, lr=1e-2), augmentation=recording)
    plan, ids = StepPlan(60, 60, 0), hash_ids(data.ids)
    expected = [
        Keys.of(0, epoch, ids[torch.from_numpy(plan.global_batch(epoch))], epoch % 2)
        .uniform("probe")[0]
        .item()
        for epoch in range(3)
    ]
    assert seen == expected


def test_balanced_weighs_a_rare_class_like_the_others():
    data = Points(PointsConfig(n=300))
    rare = np.flatnonzero(data.labels == 2)[:4]
    few = Subset(data, np.sort(np.concatenate([np.flatnonzero(data.labels != 2), rare])))
    short = Schedule(views=600, batch_size=50, lr=3e-3)
    test = Points(PointsConfig(n=300), "test")

    def recall(balanced):
        model = fit(few, Schedule(views=short.views, batch_size=50, lr=3e-3, balanced=balanced))
        predicted = class_probabilities(model, test, noise(data)).argmax(axis=1)
        return (predicted == test.labels)[test.labels == 2].mean()

    assert recall(True) > recall(False) + 0.2


def test_a_class_without_samples_does_not_matter_to_the_weights():
    data = Points(PointsConfig())
    two = Subset(data, np.flatnonzero(data.labels != 1))
    balanced = Schedule(views=200, batch_size=20, lr=1e-2, balanced=True)
    assert torch.isfinite(weights(fit(two, balanced))).all()


def test_a_loss_that_is_not_finite_is_told():
    class Broken(Net):
        def forward(self, batch):
            return super().forward(batch) * torch.nan

    data = Points(PointsConfig())
    with pytest.raises(
        TrainingFailed, match=r"the loss is nan at step 1 of 90 with a learning rate of 0\.01"
    ):
        fit(data, encoder=Broken(NetConfig(), data.info))
    with pytest.raises(ValueError, match="needs labelled data"):
        fit(Points(PointsConfig(labelled=False)))


def test_at_least_one_step():
    assert Schedule(views=3, batch_size=20, lr=1.0).steps == 1
