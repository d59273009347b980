"""What the trainer asks of an objective."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal, TypeAlias

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


Need: TypeAlias = Literal["labels", "feature_maps", "clean", "moving_average"]
"""What an objective may ask for beside embeddings and representations; see :class:`StepInputs`."""


@dataclass(frozen=True, slots=True)
class Widths:
    """What an objective with weights of its own is built for.

    Attributes:
        representation: width of the encoder's output.
        embedding: width of the projector's.
        classes: of the training data; 0 where they have none.
        feature_maps: channels of each of the encoder's feature maps; empty unless they are needed.
        clean: numbers of what stands for a sample without noise; 0 unless it is needed.
    """

    representation: int
    embedding: int
    classes: int = 0
    feature_maps: tuple[int, ...] = ()
    clean: int = 0


@dataclass(frozen=True, slots=True)
class StepInputs:
    """What the trainer has of one step on this process; of what no objective needs, nothing.

    Attributes:
        embeddings: one ``(B, D)`` a view, the projector's outputs; equal rows belong to the same sample.
        labels: need ``labels``: ``(B,) int64`` on the same device, -1 where a sample has none.
        representations: one ``(B, R)`` a view, the encoder's outputs; always there in training.
        feature_maps: need ``feature_maps``: for each view those of ``Encoder.map_layers``, ``(B, C, ...)``.
        clean: need ``clean``: ``(B, T)``, ``Augmentation.clean`` of the evaluation views.
        averages: need ``moving_average``: embeddings of the same views by the moving average of encoder and
            projector, without a gradient.
    """

    embeddings: Sequence[Tensor]
    labels: Tensor | None = None
    representations: Sequence[Tensor] = ()
    feature_maps: Sequence[Sequence[Tensor]] = ()
    clean: Tensor | None = None
    averages: Sequence[Tensor] = ()


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

    regulariser: bool = False
    """It asks nothing of the pairs of views: it stands beside other objectives (``objective.also``)."""

    adversarial: bool = False
    """Two sides play against each other in its loss, which therefore need not fall."""

    needs: frozenset[Need] = frozenset()
    """What the trainer must supply; the component's spec declares the same, for ``vicreg recipe check``."""

    momentum: float = 0.99
    """Of the moving average at the first step, for one that needs it; it rises to 1 by a half cosine."""

    def prepare(self, widths: Widths, /) -> None:
        """Build the weights of its own, if any: called once, with the generator seeded, before training.

        They are trained with the model, by the same optimiser, and kept in checkpoints, not in the exported
        model. Nothing averages their gradients over processes: an objective that has any gathers the rows of
        all processes (:class:`vicreg_core.objectives.learned.whole.LearnedObjective`).

        Args:
            widths: what they are built for.
        """

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
