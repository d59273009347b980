"""What is not defined is null and named."""

from __future__ import annotations

import numpy as np

from vicreg_core.evaluation.metrics.finite import finite, undefined

VALUES = {"a": float("nan"), "b": [1.0, float("inf")], "c": {"d": np.float64("nan"), "e": "x"}, "n": 3}


def test_numbers_that_are_not_finite_become_null():
    assert finite(VALUES) == {"a": None, "b": [1.0, None], "c": {"d": None, "e": "x"}, "n": 3}


def test_their_names_are_told():
    assert list(undefined(VALUES)) == ["a", "b", "c.d"]
    assert list(undefined(finite(VALUES))) == []
