"""Prediction of one view's embedding from another's: SimSiam and BYOL."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations

import torch
from torch import Tensor, nn
from torch.nn import functional

from vicreg_core.objectives.base import NamedTerms, Need, StepInputs, Widths
from vicreg_core.objectives.learned.whole import Gather, LearnedObjective, needed, perceptron
from vicreg_core.objectives.validation import checked_number, checked_width


class SimSiamLoss(LearnedObjective):
    """Eq. 1 and 2 of arXiv:2011.10566: ``-cos(h(z_a), stop-gradient(z_b))``, averaged.

    The mean is over rows and ordered pairs of views. ``h`` is a predictor of two layers with a bottleneck. As
    in the authors' code the embeddings are first standardised over the batch: the projector of this suite
    ends without a batch norm. Nothing but the predictor and the stopped gradient keeps it from collapse.

    Args:
        hidden: width of the predictor's bottleneck; the paper's is a quarter of the embedding.

    Raises:
        ValueError: a width below 1.
    """

    scale_free = True

    def __init__(self, hidden: int = 512) -> None:
        super().__init__()
        self.hidden = checked_width("hidden", hidden)
        self.predictor: nn.Module = nn.Identity()

    def prepare(self, widths: Widths, /) -> None:
        """Build the predictor."""
        self.predictor = perceptron(widths.embedding, self.hidden, widths.embedding)

    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The loss, and ``spread``, the standard deviation of the unit embeddings over all dimensions.

        It is 1 where they lie evenly on the sphere, 0 where they have collapsed (the paper's Figure 2).
        """
        standard = [_standardised(gather(view)) for view in inputs.embeddings]
        return predicted([self.predictor(each) for each in standard], standard)


class BYOLLoss(LearnedObjective):
    """Eq. 2 of arXiv:2006.07733: ``2 - 2 cos(q(z_a), z'_b)``, the mean over ordered pairs of views.

    ``z'`` are the embeddings by the moving average of encoder and projector, ``q`` a predictor. The paper
    sums the two directions, which is twice this.

    Args:
        hidden: width of the predictor's hidden layer.
        momentum: of the moving average at the first step; it rises to 1 by a half cosine (3.2 there).

    Raises:
        ValueError: a width below 1, or a momentum outside 0 to 1.
    """

    scale_free = True
    needs = frozenset[Need]({"moving_average"})

    def __init__(self, hidden: int = 512, momentum: float = 0.99) -> None:
        super().__init__()
        self.hidden, self.momentum = checked_width("hidden", hidden), checked_number("momentum", momentum)
        if self.momentum > 1:
            raise ValueError(f"momentum: expected a number from 0 to 1, got {momentum}")
        self.predictor: nn.Module = nn.Identity()

    def prepare(self, widths: Widths, /) -> None:
        """Build the predictor."""
        self.predictor = perceptron(widths.embedding, self.hidden, widths.embedding)

    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The loss, and ``spread``, that of the averages' embeddings as of SimSiam."""
        needed("embeddings of a moving average of the model", inputs.averages)
        predictions = [self.predictor(gather(view)) for view in inputs.embeddings]
        terms = predicted(predictions, [gather(view) for view in inputs.averages])
        return NamedTerms(2 + 2 * terms.loss, terms.parts)


def predicted(predictions: Sequence[Tensor], targets: Sequence[Tensor]) -> NamedTerms:
    """The mean of ``-cos(prediction_a, target_b)`` over rows and ordered pairs ``a != b``; no gradient
    reaches the targets."""
    aims, pairs = [each.detach() for each in targets], permutations(range(len(targets)), 2)
    cosines = [functional.cosine_similarity(predictions[a], aims[b], dim=1).mean() for a, b in pairs]
    spread = torch.stack([_spread(each) for each in aims]).mean()
    return NamedTerms(-torch.stack(cosines).mean(), {"spread": spread})


def _spread(rows: Tensor) -> Tensor:
    """``sqrt(sum_j var_j)`` of the rows of ``(n, D)`` at unit length, which is ``sqrt(1 - |mean|^2)``."""
    mean: Tensor = rows.norm(dim=1).clamp(min=1e-12).reciprocal() @ rows / len(rows)
    spread: Tensor = (1 - mean.square().sum()).clamp(min=0).sqrt()
    return spread


def _standardised(view: Tensor) -> Tensor:
    return functional.batch_norm(view, None, None, training=True)
