"""Encoders that break one promise each."""

from __future__ import annotations

import torch
from torch import nn

from tests.testing.parts import DIM, Net


class WrongWidth(Net):
    breaks = "a_batch_gives_finite_rows_of_the_promised_width"
    embedding_dim = 17


class NotFinite(Net):
    breaks = "a_batch_gives_finite_rows_of_the_promised_width"

    def forward(self, batch):
        return super().forward(batch) / 0.0


class UnusedLayer(Net):
    breaks = "a_gradient_reaches_every_parameter"

    def __init__(self, *given):
        super().__init__()
        self.forgotten = nn.Linear(2, 2)


class Detached(Net):
    breaks = "a_gradient_reaches_every_parameter"

    def forward(self, batch):
        return super().forward(batch).detach()


class RandomInEvaluation(Net):
    breaks = "evaluation_is_deterministic_and_changes_nothing"

    def forward(self, batch):
        return nn.functional.dropout(super().forward(batch), 0.5, training=True)


class BufferMoves(Net):
    breaks = "evaluation_is_deterministic_and_changes_nothing"

    def __init__(self, *given):
        super().__init__()
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, batch):
        self.seen += 1
        return super().forward(batch)


class NormalisesOverTheBatch(Net):
    breaks = "a_representation_does_not_depend_on_its_batch"

    def forward(self, batch):
        return super().forward(batch - batch.mean(dim=0))


class DoublesInTraining(Net):
    breaks = "training_differs_only_by_dropout_and_batch_norm"

    def forward(self, batch):
        return super().forward(batch) * (2.0 if self.training else 1.0)


class HidesATensor(Net):
    breaks = "its_weights_can_be_saved_and_loaded"

    def __init__(self, *given):
        super().__init__()
        self.projection = torch.randn(DIM, DIM)

    def forward(self, batch):
        return super().forward(batch @ self.projection)


class Collapsed(Net):
    breaks = "twenty_steps_lower_the_loss_without_collapse"

    def forward(self, batch):
        return 1e-9 * super().forward(batch)
