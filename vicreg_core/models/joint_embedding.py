"""The joint embedding architecture: every view through one encoder and one projector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from torch import Tensor, nn

from vicreg_core.contracts import Batch, Encoder


class ViewOutputs(NamedTuple):
    """What one forward pass over all views gives."""

    representations: list[Tensor]
    """``V`` tensors ``(B, encoder.embedding_dim)``, the encoder's outputs."""
    embeddings: list[Tensor]
    """``V`` tensors ``(B, D)``, the projector's outputs, which the objective sees."""


class JointEmbedding(nn.Module):
    """A shared encoder and projector applied to each view in turn.

    Views go through one after the other rather than concatenated: batch norm then normalises each view by
    its own statistics, as in the authors' code.
    """

    def __init__(self, encoder: Encoder, projector: nn.Module) -> None:
        super().__init__()
        self.encoder, self.projector = encoder, projector

    def forward(self, views: Sequence[Batch]) -> ViewOutputs:
        """Representations and embeddings of every view, in one call so that DDP sees one forward pass."""
        representations = [self.encoder(view) for view in views]
        return ViewOutputs(representations, [self.projector(r) for r in representations])
