"""The collapse rules on histories made by hand, and the diagnostics on vectors of known shape."""

from __future__ import annotations

import math

import pytest
import torch

from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_core.training.collapse import CollapseDetector
from vicreg_core.training.diagnostics import (
    STD_EDGES,
    SpaceDiagnostics,
    diagnose,
    effective_rank,
    std_histogram,
)
from vicreg_core.training.monitor import RollingWindow


def observed(step, std, rank, rows=512):
    return step, SpaceDiagnostics(rows, std / 2, std, rank)


def detect(history, dims, target_std=1.0):
    """What is found after each step was observed by a detector that is saved and restored in between."""
    detector = CollapseDetector(target_std, VICRegLoss.remedies)
    for step, embedding in history:
        state = detector.state_dict()
        detector = CollapseDetector(target_std, VICRegLoss.remedies)
        detector.load_state_dict(state)
        detector.observe(step, embedding, dims)
    return detector.collapse()


def test_a_healthy_history_raises_nothing():
    history = [observed(10 * i, 0.3 + 0.1 * i, 20 + 10 * i) for i in range(8)]
    assert all(detect(history[: i + 1], 1024) is None for i in range(8))


def test_complete_collapse_names_when_it_began_and_what_to_do():
    history = [observed(10, 0.4, 50), observed(20, 0.09, 40), observed(30, 0.05, 40), observed(40, 0.02, 40)]
    assert detect(history[:2], 1024) is None
    found = detect(history, 1024)
    assert (found.kind, found.since) == ("complete", 20)
    assert "since step 20" in found.message
    assert "objective.variance" in found.message


def test_an_episode_that_ended_is_forgotten():
    history = [observed(10, 0.05, 50), observed(20, 0.05, 50), observed(30, 0.9, 50)]
    assert detect(history[:2], 1024).kind == "complete"
    assert detect(history, 1024) is None


def test_lost_and_missing_dimensions():
    lost = [observed(10, 1.0, 96), observed(20, 1.0, 9), observed(30, 1.0, 8)]
    assert detect(lost, 1024).kind == "dimensional"
    never = [observed(10, 1.0, 2), observed(20, 1.0, 2)]
    assert detect(never, 1024).kind == "dimensional"


def test_the_target_scales_the_rule():
    history = [observed(10, 0.15, 50), observed(20, 0.15, 50)]
    assert detect(history, 64, target_std=1.0) is None
    assert detect(history, 64, target_std=2.0).kind == "complete"


@pytest.mark.parametrize("shape", [(40, 8), (8, 40)])
def test_effective_rank_of_known_spectra(shape):
    generator = torch.Generator().manual_seed(0)
    rows, dims = shape
    # Left singular vectors orthogonal to the ones vector keep the spectrum under centring.
    basis = torch.randn(rows, rows, generator=generator, dtype=torch.float64)
    basis[:, 0] = 1
    left = torch.linalg.qr(basis).Q[:, 1:]
    right = torch.linalg.qr(torch.randn(dims, dims, generator=generator, dtype=torch.float64)).Q
    equal = left[:, :5] @ right[:5] + 1e4
    assert effective_rank(equal) == pytest.approx(5, rel=1e-4)
    halves = torch.tensor([0.5, 0.25, 0.25], dtype=torch.float64)
    mixed = (left[:, :3] * halves) @ right[:3]
    assert effective_rank(mixed) == pytest.approx(math.exp(1.5 * math.log(2)), rel=1e-6)


def test_equal_vectors_have_no_rank_and_no_spread():
    assert diagnose(torch.full((10, 4), 3.0)) == SpaceDiagnostics(10, 0.0, 0.0, 0.0)


def test_the_histogram_counts_every_dimension_by_its_spread():
    halves = torch.ones(9)
    halves[::2] = -1
    spread = torch.tensor([0.0, 0.001, 0.5, 1.0, 1.0, 100.0])
    counts = std_histogram(halves[:, None] / halves.std() * spread)
    assert sum(counts) == 6
    assert len(counts) == len(STD_EDGES) + 1
    assert counts[0] == 2
    assert counts[-1] == 1
    assert counts[1 + STD_EDGES.index(1.0)] + counts[STD_EDGES.index(1.0)] == 2
    assert STD_EDGES[0] == 1 / 128
    assert STD_EDGES[-1] == 4


def test_the_window_keeps_the_latest_rows():
    window = RollingWindow(5)
    for low, high in ((0, 2), (2, 5), (5, 7)):
        window.push(torch.arange(low, high)[:, None])
    assert window.rows[:, 0].tolist() == [2, 3, 4, 5, 6]
    window.push(torch.arange(10, 30)[:, None])
    assert window.rows[:, 0].tolist() == [25, 26, 27, 28, 29]
