"""LARS against the formula written out in float64, and the rules peers get wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from vicreg_core.optim.groups import parameter_groups
from vicreg_core.optim.lars import LARS


def reference(weight, grads, *, lr, momentum, weight_decay, eta, clip, adapt):
    """The update of You et al. (2017), one parameter, several steps, in NumPy."""
    weight, velocity = weight.astype(np.float64), np.zeros_like(weight, dtype=np.float64)
    for grad in grads:
        update = grad + weight_decay * weight
        norms = np.linalg.norm(weight), np.linalg.norm(update)
        if adapt and all(n > 0 for n in norms):
            scale = eta * norms[0] / norms[1]
            update = update * (min(scale / lr, 1.0) if clip else scale)
        velocity = momentum * velocity + update
        weight = weight - lr * velocity
    return weight


@pytest.mark.parametrize("clip", [False, True])
@pytest.mark.parametrize("adapt", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_equals_the_formula(clip, adapt, weight_decay):
    rng = np.random.default_rng(0)
    start, grads = rng.normal(size=(3, 4)), rng.normal(size=(5, 3, 4))
    weight = nn.Parameter(torch.from_numpy(start.copy()))
    group = {"params": [weight], "weight_decay": weight_decay, "adapt": adapt}
    optimizer = LARS([group], lr=0.3, momentum=0.9, trust_coefficient=0.02, clip=clip)
    for grad in grads:
        weight.grad = torch.from_numpy(grad)
        optimizer.step()
    expected = reference(
        start, grads, lr=0.3, momentum=0.9, weight_decay=weight_decay, eta=0.02, clip=clip, adapt=adapt
    )
    np.testing.assert_allclose(weight.detach().numpy(), expected, rtol=1e-12)


def test_zero_weights_and_zero_gradients_are_left_alone_by_the_scale():
    zeros, still = nn.Parameter(torch.zeros(2, 2)), nn.Parameter(torch.ones(2, 2))
    optimizer = LARS([zeros, still], lr=1.0, momentum=0.0)
    zeros.grad, still.grad = torch.ones(2, 2), torch.zeros(2, 2)
    optimizer.step()
    assert torch.equal(zeros, -torch.ones(2, 2))
    assert torch.equal(still, torch.ones(2, 2))


def test_biases_and_norms_are_neither_decayed_nor_adapted_and_frozen_ones_left_out():
    module = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Linear(3, 2))
    module[2].weight.requires_grad_(False)
    matrices, vectors = parameter_groups(module, weight_decay=0.1)
    assert [tuple(p.shape) for p in matrices["params"]] == [(3, 4)]
    assert (matrices["weight_decay"], matrices["adapt"]) == (0.1, True)
    assert all(p.ndim == 1 for p in vectors["params"])
    assert len(vectors["params"]) == 4
    assert (vectors["weight_decay"], vectors["adapt"]) == (0.0, False)


def test_refuses_nonsense():
    with pytest.raises(ValueError, match=r"momentum=1\.5"):
        LARS([nn.Parameter(torch.zeros(1))], lr=0.1, momentum=1.5)
