"""What the trainer asks of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

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


@dataclass(frozen=True, slots=True)
class NamedTerms(Terms):
    """A loss with the scalars it is made of.

    Attributes:
        parts: ``()`` each, by the name they are logged under.
    """

    parts: Mapping[str, Tensor] = field(default_factory=dict)

    def named(self) -> dict[str, Tensor | float]:
        """Scalars for the log."""
        return {"loss": self.loss.detach(), **{name: part.detach() for name, part in self.parts.items()}}


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What the trainer has of one step on this process.

    Attributes:
        embeddings: one ``(B, D)`` a view; equal rows belong to the same sample.
        labels: ``(B,) int64`` on the same device, -1 where a sample has none; ``None`` unless the objective
            declares :attr:`Objective.needs_labels`.
    """

    embeddings: Sequence[Tensor]
    labels: Tensor | None = None


class Objective(nn.Module, ABC):
    """A loss over the embeddings of the views; a subclass defines :meth:`terms`.

    In a distributed run each process calls it on its own rows. The trainer wraps the model in
    ``DistributedDataParallel``, which averages gradients over the processes, so an objective scales its
    gradient such that this average is the gradient of the global batch.
    """

    target_std: float = 1.0
    """The spread asked of each embedding dimension, which the collapse monitor measures against."""

    scale_free: bool = False
    """The length of an embedding does not matter to it: the collapse monitor takes them at norm sqrt(D)."""

    remedies: Mapping[str, str] = MappingProxyType(
        {
            "complete": "Lower optimizer.lr, and start again.",
            "dimensional": "Lower optimizer.lr, or widen the batch (train.batch_size).",
        }
    )
    """What to do about a complete and a dimensional collapse, for the monitor's message."""

    needs_labels: bool = False
    """It learns from the labels of the training samples; a recipe whose data have none is refused."""

    @abstractmethod
    def terms(self, embeddings: Sequence[Tensor], /) -> Terms:
        """Evaluate once: the differentiable loss and its named parts.

        Args:
            embeddings: one ``(B, D)`` floating tensor a view; equal rows belong to the same sample.
        """

    def of_step(self, inputs: StepInputs, /) -> Terms:
        """The terms of a training step; an objective that needs more than embeddings overrides this."""
        return self.terms(inputs.embeddings)

    def forward(self, embeddings: Sequence[Tensor], /) -> Tensor:
        """The loss alone, ``()``."""
        return self.terms(embeddings).loss
