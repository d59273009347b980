"""What the trainer asks of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Terms:
    """One evaluation of an objective.

    Attributes:
        loss: ``()``, differentiable; the trainer calls ``loss.backward()``.
    """

    loss: Tensor

    def named(self) -> Mapping[str, Tensor | float]:
        """Scalars for the log by name, detached; ``loss`` is one of them."""
        return {"loss": self.loss.detach()}


class Objective(nn.Module, ABC):
    """A loss over the embeddings of the views; a subclass defines :meth:`terms`.

    In a distributed run each process calls it on its own rows. The trainer wraps the model in
    ``DistributedDataParallel``, which averages gradients over the processes, so an objective scales its
    gradient such that this average is the gradient of the global batch.
    """

    target_std: float = 1.0
    """The spread asked of each embedding dimension, which the collapse monitor measures against."""

    @abstractmethod
    def terms(self, embeddings: Sequence[Tensor], /) -> Terms:
        """Evaluate once: the differentiable loss and its named parts.

        Args:
            embeddings: one ``(B, D)`` floating tensor a view; equal rows belong to the same sample.
        """

    def forward(self, embeddings: Sequence[Tensor], /) -> Tensor:
        """The loss alone, ``()``."""
        return self.terms(embeddings).loss
