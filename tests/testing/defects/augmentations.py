"""Augmentations that break one promise each."""

from __future__ import annotations

import torch

from tests.testing.parts import Noise


class LosesARow(Noise):
    breaks = "a_view_is_a_batch_of_the_same_samples"

    def forward(self, batch, keys=None):
        return super().forward(batch, keys)[:-1]


class GivesAList(Noise):
    breaks = "a_view_is_a_batch_of_the_same_samples"

    def forward(self, batch, keys=None):
        return {"rows": list(super().forward(batch, keys))}


class DrawsFromTheGenerator(Noise):
    breaks = "the_same_key_makes_the_same_view"

    def forward(self, batch, keys=None):
        return batch if keys is None else batch + torch.randn(batch.shape)


class RandomEvaluation(Noise):
    breaks = "the_same_key_makes_the_same_view"

    def forward(self, batch, keys=None):
        return super().forward(batch, keys) + (keys is None) * torch.rand(())


class IgnoresTheKey(Noise):
    breaks = "another_key_makes_another_view"

    def forward(self, batch, keys=None):
        return batch


class CentresTheBatch(Noise):
    breaks = "a_view_does_not_depend_on_its_batch"

    def forward(self, batch, keys=None):
        return super().forward(batch - batch.mean(dim=0), keys)


class CountsItsCalls(Noise):
    breaks = "views_do_not_depend_on_worker_count_and_order"
    calls = 0

    def forward(self, batch, keys=None):
        self.calls += keys is not None
        return super().forward(batch, keys) + self.calls


class WritesToItsInput(Noise):
    breaks = "it_leaves_its_input_alone"

    def forward(self, batch, keys=None):
        return batch if keys is None else batch.add_(keys.normal("noise", batch.shape[1]))


class CorruptsInPlace(Noise):
    breaks = "it_leaves_its_input_alone"

    def corrupt(self, batch, name, severity, keys):
        return batch.mul_(0.5)


class CorruptsByChance(Noise):
    breaks = "corruptions_are_evaluation_views_of_a_sample_and_its_key"

    def corrupt(self, batch, name, severity, keys):
        return super().corrupt(batch, name, severity, keys) + torch.randn(batch.shape)


class CorruptsByBatch(Noise):
    breaks = "corruptions_are_evaluation_views_of_a_sample_and_its_key"

    def corrupt(self, batch, name, severity, keys):
        return super().corrupt(batch, name, severity, keys) - batch.mean(0)


class CorruptsToAnything(Noise):
    breaks = "corruptions_are_evaluation_views_of_a_sample_and_its_key"

    def corrupt(self, batch, name, severity, keys):
        return {"rows": super().corrupt(batch, name, severity, keys)}


class TakesAnySeverity(Noise):
    breaks = "corruptions_are_evaluation_views_of_a_sample_and_its_key"

    def corrupt(self, batch, name, severity, keys):
        return batch + severity


class HoldsALambda(Noise):
    breaks = "it_and_its_batches_go_to_workers_and_devices"

    def __init__(self, *given):
        super().__init__()
        self.scale = lambda batch: batch
