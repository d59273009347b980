from __future__ import annotations

from typing import Any

import pytest
import torch

from vicreg_core.objectives.vicreg import VICRegLoss

Z = torch.zeros(4, 3)


@pytest.mark.parametrize(
    ("views", "error", "said"),
    [
        ((), ValueError, "two views or more, got 0"),
        ((Z,), ValueError, "two views or more, got 1"),
        (([Z],), ValueError, "two views or more, got 1"),
        ((Z, torch.zeros(4, 2)), ValueError, r"\(4, 3\) float32, \(4, 2\) float32"),
        ((Z, torch.zeros(5, 3)), ValueError, r"\(4, 3\) float32, \(5, 3\) float32"),
        ((torch.zeros(4), torch.zeros(4)), ValueError, r"view 0: .*\(4,\) float32"),
        ((torch.zeros(4, 0), torch.zeros(4, 0)), ValueError, r"\(4, 0\)"),
        ((torch.zeros(1, 3), torch.zeros(1, 3)), ValueError, "2 samples or more, got 1"),
        ((torch.zeros(0, 3), torch.zeros(0, 3)), ValueError, "2 samples or more, got 0"),
        ((torch.zeros(1, 9, 3), torch.zeros(1, 9, 3)), ValueError, "2 samples or more, got 1"),
        ((Z, Z.long()), TypeError, r"view 1: .*\(4, 3\) int64"),
        ((Z.to(torch.complex64), Z), TypeError, "view 0: .*complex64"),
        ((Z, Z.numpy()), TypeError, "view 1: .*ndarray"),
        ((Z, Z.to("meta")), ValueError, "one device.* on meta"),
    ],
)
def test_a_mistaken_call_says_what_was_given(views: Any, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        VICRegLoss()(*views)


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"invariance": float("nan")}, ValueError, "invariance: .*nan"),
        ({"variance": float("inf")}, ValueError, "variance: .*inf"),
        ({"covariance": -1.0}, ValueError, "covariance: .*-1.0"),
        ({"variance": "25"}, TypeError, "variance: .*'25'"),
        ({"gamma": 0.0}, ValueError, "gamma: .*above 0.*0.0"),
        ({"epsilon": 0.0}, ValueError, "epsilon: .*above 0.*0.0"),
        ({"convention": "solo"}, ValueError, "'official' or 'paper', got 'solo'"),
        ({"branch_weights": (1.0, -2.0)}, ValueError, r"branch_weights\[1\]: .*-2.0"),
    ],
)
def test_a_mistaken_constant_says_what_was_given(
    arguments: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        VICRegLoss(**arguments)


def test_branch_weights_must_match_the_views() -> None:
    with pytest.raises(ValueError, match="3 entries, but there are 2 views"):
        VICRegLoss(branch_weights=(1.0, 1.0, 1.0))(Z, Z)
