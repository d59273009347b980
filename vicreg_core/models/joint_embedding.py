"""The joint embedding architecture: every view through one encoder and one projector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from torch import Tensor, nn

from vicreg_core.contracts import Batch, Encoder


class ViewOutputs(NamedTuple):
    """What one forward pass over all views gives."""

    representations: list[Tensor]
    """``V`` tensors ``(B, encoder.embedding_dim)``, the encoder's outputs."""
    embeddings: list[Tensor]
    """``V`` tensors ``(B, D)``, the projector's outputs, which the objective sees."""
    feature_maps: Sequence[Sequence[Tensor]] = ()
    """For each view those of ``encoder.map_layers``, ``(B, C, ...)``; empty unless they were asked for."""


class JointEmbedding(nn.Module):
    """A shared encoder and projector applied to each view in turn.

    Views go through one after the other rather than concatenated: batch norm then normalises each view by
    its own statistics, as in the authors' code.

    Args:
        encoder: shared by the views.
        projector: of its representations.
        feature_maps: keep the encoder's feature maps too.
    """

    def __init__(self, encoder: Encoder, projector: nn.Module, *, feature_maps: bool = False) -> None:
        super().__init__()
        self.encoder, self.projector, self.feature_maps = encoder, projector, feature_maps

    def forward(self, views: Sequence[Batch]) -> ViewOutputs:
        """Representations and embeddings of every view, in one call so that DDP sees one forward pass."""
        encoded = [self.represent(view) for view in views]
        embeddings = [self.projector(representations) for representations, _ in encoded]
        maps = [maps for _, maps in encoded] if self.feature_maps else []
        return ViewOutputs([representations for representations, _ in encoded], embeddings, maps)

    def represent(self, view: Batch) -> tuple[Tensor, Sequence[Tensor]]:
        """Representations of one view, and the encoder's feature maps where they are asked for."""
        if not self.feature_maps:
            return self.encoder(view), ()
        with feature_maps(self.encoder) as seen:
            representations = self.encoder(view)
        return representations, seen


@contextmanager
def feature_maps(encoder: Encoder) -> Iterator[list[Tensor]]:
    """The outputs of ``encoder.map_layers`` during a forward pass, in a list that is filled by it."""
    seen = list[Tensor]()

    def keep(_module: nn.Module, _inputs: Any, output: Tensor) -> None:
        seen.append(output)

    handles = [layer.register_forward_hook(keep) for layer in encoder.map_layers]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()
