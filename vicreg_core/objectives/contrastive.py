"""Contrastive learning with all negatives of the global batch, without labels and with them."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from vicreg_core.objectives.base import NamedTerms, Need, StepInputs, Terms
from vicreg_core.objectives.validation import checked_number
from vicreg_core.objectives.whole_batch import WholeBatchObjective


class InfoNCELoss(WholeBatchObjective):
    """The normalised temperature-scaled cross entropy, Eq. 1 of arXiv:2002.05709.

    With unit vectors ``u``, for each of the ``V N`` embeddings as the anchor ``i`` and each other view ``p``
    of its sample::

        -log( exp(u_i . u_p / temperature) / sum_{k != i} exp(u_i . u_k / temperature) )

    averaged over anchors and their views. Of more than two views the others of a sample stay in the
    denominator (Eq. 2 of SupCon, arXiv:2004.11362, with the sample as the class).

    It holds some three matrices of ``(V N)^2`` numbers: 800 MB in float32 at ``V = 2``, ``N = 4,096``.

    Args:
        temperature: above 0.

    Raises:
        TypeError: a temperature that is no number.
        ValueError: one that is not positive and finite.
    """

    scale_free = True

    def __init__(self, temperature: float = 0.2) -> None:
        super().__init__()
        self.temperature = checked_number("temperature", temperature, positive=True)

    def of_batch(self, views: Tensor, labels: Tensor | None = None, /) -> NamedTerms:
        """The loss and its two parts, after Wang and Isola (arXiv:2005.10242): ``alignment``, the mean of
        ``-u_i . u_p / temperature``, and ``uniformity``, the mean of the logarithm of the denominators."""
        return contrast(views, torch.arange(views.shape[1], device=views.device), self.temperature)


class SupConLoss(InfoNCELoss):
    """Eq. 2 of arXiv:2004.11362: all embeddings of an anchor's class are its positives.

    With ``P(i)`` the others of the class of ``i`` and the temperature ``t``, averaged over the anchors::

        -1/|P(i)| sum_{p in P(i)} log( exp(u_i . u_p / t) / sum_{k != i} exp(u_i . u_k / t) )

    A sample without a label is a class of its own, whose positives are its other views: without any labels
    it is InfoNCE, whose memory it has.
    """

    needs = frozenset[Need]({"labels"})

    def __init__(self, temperature: float = 0.1) -> None:
        super().__init__(temperature)

    def of_step(self, inputs: StepInputs, /) -> Terms:
        """The terms with the labels of the batch."""
        return self.terms(inputs.embeddings, inputs.labels)

    def of_batch(self, views: Tensor, labels: Tensor | None = None, /) -> NamedTerms:
        """The loss and its parts, as of InfoNCE."""
        own = torch.arange(views.shape[1], device=views.device)
        classes = own if labels is None else torch.where(labels < 0, own, len(own) + labels)
        return contrast(views, classes.unique(return_inverse=True)[1], self.temperature)


def contrast(views: Tensor, classes: Tensor, temperature: float) -> NamedTerms:
    """Each embedding told apart from all others but those of its class.

    Args:
        views: ``(V, N, D)``.
        classes: ``(N,) int64`` from 0, no number left out.
        temperature: of the softmax.
    """
    unit = functional.normalize(views, dim=2).flatten(0, 1)
    classes = classes.repeat(len(views))
    itself = torch.eye(len(unit), dtype=torch.bool, device=unit.device)
    similarity = (unit @ unit.T / temperature).masked_fill(itself, -torch.inf)
    uniformity = similarity.logsumexp(dim=1).mean()
    # What anchors have in common with their class, themselves aside, without a second matrix of pairs: over a
    # class the cosines of all pairs sum to |sum u|^2 - sum |u|^2.
    sizes = classes.bincount()
    sums = unit.new_zeros(len(sizes), unit.shape[1]).index_add(0, classes, unit)
    alone = unit.new_zeros(len(sizes)).index_add(0, classes, unit.square().sum(dim=1))
    together = ((sums.square().sum(dim=1) - alone) / (sizes - 1)).sum()
    alignment = -together / (len(unit) * temperature)
    return NamedTerms(alignment + uniformity, {"alignment": alignment, "uniformity": uniformity})
