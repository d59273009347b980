"""What objectives with weights of their own stand on."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vicreg_core.objectives.base import NamedTerms, Objective, StepInputs
from vicreg_core.objectives.global_batch import GlobalBatch, agree_on_batch
from vicreg_core.objectives.precision import full_precision, statistics_dtype
from vicreg_core.objectives.validation import as_views, flattened
from vicreg_core.objectives.whole_batch import gathered


class Gather:
    """Brings the rows of all processes together; collective, so every process asks for the same.

    Args:
        batch: how the rows lie.
        dtype: of what is computed.
    """

    def __init__(self, batch: GlobalBatch, dtype: torch.dtype) -> None:
        self.batch, self.dtype = batch, dtype

    def __call__(self, rows: Tensor) -> Tensor:
        """``(n, ...) -> (N, ...)``, differentiable by this process's rows."""
        flat = gathered(rows.to(self.dtype).flatten(1), self.batch)
        return flat.unflatten(1, rows.shape[1:]) if rows.ndim > 2 else flat

    def labels(self, labels: Tensor) -> Tensor:
        """``(n,) -> (N,)``, as they are."""
        return self.batch.gather(labels)


class LearnedObjective(Objective):
    """A loss of all rows of the global batch; a subclass defines :meth:`of_batch`.

    Every process computes the same loss of the same rows with the same weights, so the gradient of the
    weights is that of the global batch in each of them without being averaged, and batch norm among them has
    global statistics. The rows' gradients are scaled as in
    :class:`vicreg_core.objectives.whole_batch.WholeBatchObjective`.
    """

    sees_embeddings: bool = True
    """Its loss is of the embeddings; one of representations or feature maps alone leaves the projector be."""

    def terms(self, embeddings: Sequence[Tensor], /) -> NamedTerms:
        """Evaluate on embeddings alone.

        Raises:
            ValueError: it needs more than those.
        """
        return self.of_step(StepInputs(embeddings))

    def of_step(self, inputs: StepInputs, /) -> NamedTerms:
        """Evaluate once, in float32 (float64 for float64 embeddings), with autocast off.

        Raises:
            TypeError: a view that is not a floating tensor.
            ValueError: fewer than two views or samples, or an input is missing.
        """
        views = as_views(inputs.embeddings)
        rows = flattened(views)
        batch = agree_on_batch(rows, views[0].shape[0], across_processes=True)
        with full_precision(rows[0].device):
            terms = self.of_batch(inputs, Gather(batch, statistics_dtype(rows)))
            if self.sees_embeddings:
                return terms
            # The projector gets a gradient of zeros, so that processes agree on what has one.
            unseen = torch.stack([view.float().sum() for view in views]).sum()
            return NamedTerms(terms.loss + 0.0 * unseen, terms.parts)

    @abstractmethod
    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The terms of the whole batch."""


def needed(what: str, given: Sequence[Tensor] | Sequence[Sequence[Tensor]] | Tensor | None) -> None:
    """Raises:
    ValueError: an input of a step is not there.
    """
    if given is None or (not isinstance(given, Tensor) and not len(given)):
        raise ValueError(f"this objective learns from {what}, which this step does not have")


def perceptron(inputs: int, hidden: int, outputs: int) -> nn.Sequential:
    """``(n, inputs) -> (n, outputs)``: linear, batch norm, ReLU, linear."""
    return nn.Sequential(
        nn.Linear(inputs, hidden, bias=False),
        nn.BatchNorm1d(hidden),
        nn.ReLU(inplace=True),
        nn.Linear(hidden, outputs),
    )
