"""The schedule's landmarks, for runs of any length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vicreg_core.optim.schedules import learning_rate


def test_landmarks_of_a_cosine_with_warmup():
    at = [learning_rate(s, 100, peak=2.0, warmup=0.1, final=0.001) for s in range(100)]
    assert at[0] == pytest.approx(0.2)
    assert at[9] == pytest.approx(2.0)
    assert at[10] == pytest.approx(2.0)
    assert at[99] == pytest.approx(0.002)
    middle = 2.0 * (0.001 + 0.999 * 0.5)
    assert (at[54] + at[55]) / 2 == pytest.approx(middle, rel=1e-6)
    assert at[10:] == sorted(at[10:], reverse=True)


def test_constant_stays_at_the_peak_after_warmup():
    assert [learning_rate(s, 10, peak=1.0, warmup=0.2, schedule="constant") for s in (0, 1, 2, 9)] == [
        0.5,
        1,
        1,
        1,
    ]


@given(total=st.integers(1, 500), warmup=st.floats(0, 1), data=st.data())
def test_positive_and_never_above_the_peak(total, warmup, data):
    step = data.draw(st.integers(0, total - 1))
    assert 0 < learning_rate(step, total, peak=0.3, warmup=warmup, final=0.001) <= 0.3 + 1e-12
