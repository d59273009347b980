"""Objectives that break one promise each."""

from __future__ import annotations

import torch

from tests.testing.parts import Agreement
from vicreg_core.objectives.base import Terms


class NotAScalar(Agreement):
    breaks = "terms_hold_a_loss_and_named_scalars"

    def terms(self, embeddings):
        return Terms(super().terms(embeddings).loss[None])


class StopsAGradient(Agreement):
    breaks = "a_gradient_reaches_every_view"

    def terms(self, embeddings):
        return super().terms([embeddings[0], embeddings[1].detach()])


class WeighsByRow(Agreement):
    breaks = "the_order_of_samples_does_not_matter"

    def terms(self, embeddings):
        first = embeddings[0]
        return Terms(super().terms(embeddings).loss + (first * torch.arange(len(first))[:, None]).mean())


class IgnoresThePairs(Agreement):
    breaks = "views_that_agree_cost_less"

    def __init__(self, options=None):
        super().__init__(options)
        self.vicreg.invariance = 0.0


class HalfPrecision(Agreement):
    breaks = "its_statistics_are_single_precision"

    def terms(self, embeddings):
        loss = super().terms(embeddings).loss
        return Terms(loss.to(embeddings[0].dtype))


class Shrinks(Agreement):
    breaks = "twenty_steps_lower_it_without_collapse"

    def terms(self, embeddings):
        first, second = embeddings
        return Terms(((first - second) ** 2).mean() + (first**2).mean() + (second**2).mean())


class NeedsWhatItsSpecDoesNotSay(Agreement):
    breaks = "its_spec_declares_what_it_needs"
    needs = frozenset({"labels"})
