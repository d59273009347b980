"""VICReg on matched local features (VICRegL, arXiv:2210.01571)."""

from __future__ import annotations

from itertools import combinations

import torch
from torch import Tensor, nn

from vicreg_core.objectives.base import NamedTerms, Need, StepInputs, Widths
from vicreg_core.objectives.global_batch import GlobalBatch
from vicreg_core.objectives.learned.whole import Gather, LearnedObjective, needed, perceptron
from vicreg_core.objectives.parts import VICRegParts
from vicreg_core.objectives.validation import checked_number


class LocalVICRegLoss(LearnedObjective):
    """VICReg between locations of two views that the network itself finds alike (section 4.2, Eq. 4 to 6).

    Every location of the encoder's last feature map goes through a local projector. Of a pair of views each
    location of one is matched with the nearest (Euclidean) of the other, of the same sample; the ``matches``
    closest pairs of each sample are kept, and the same from the other side. The terms of VICReg run over all
    kept pairs of the batch. Matches by place, which the paper adds to these, are not made: views do not
    say where they were cut.

    Args:
        invariance, variance, covariance: weights, as of ``core/vicreg``.
        matches: pairs kept a sample and direction, the paper's gamma; all where the map has fewer locations.
        dims: width of the local projector's two layers.

    Raises:
        TypeError: a constant that is no number.
        ValueError: one that is negative or not finite, or a width or number of matches below 1.
    """

    sees_embeddings = False
    needs = frozenset[Need]({"feature_maps"})

    def __init__(
        self,
        invariance: float = 25.0,
        variance: float = 25.0,
        covariance: float = 1.0,
        matches: int = 20,
        dims: int = 512,
    ) -> None:
        super().__init__()
        self.weights = tuple(
            checked_number(name, value)
            for name, value in zip(
                ("invariance", "variance", "covariance"), (invariance, variance, covariance), strict=True
            )
        )
        if matches < 1 or dims < 1:
            raise ValueError(f"expected matches and dims of at least 1, got {matches} and {dims}")
        self.matches, self.dims = matches, dims
        self.projector: nn.Module = nn.Identity()

    def prepare(self, widths: Widths, /) -> None:
        """Build the local projector."""
        self.projector = perceptron(widths.feature_maps[-1], self.dims, self.dims)

    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The loss, and its parts ``invariance``, ``variance`` and ``covariance`` before any weight."""
        needed("feature maps of the encoder", inputs.feature_maps)
        local = [self._embedded(gather(maps[-1])) for maps in inputs.feature_maps]
        found = list[Tensor]()
        for first, second in combinations(local, 2):
            for own, other in ((first, second), (second, first)):
                found.append(torch.stack(self._values(*self._matched(own, other))))
        parts = dict(
            zip(("invariance", "variance", "covariance"), torch.stack(found).mean(dim=0), strict=True)
        )
        loss = sum(weight * part for weight, part in zip(self.weights, parts.values(), strict=True))
        assert isinstance(loss, Tensor)
        return NamedTerms(loss, parts)

    def _embedded(self, maps: Tensor) -> Tensor:
        """``(N, C, ...) -> (N, locations, D)``."""
        rows = maps.flatten(2).movedim(1, 2)
        embedded: Tensor = self.projector(rows.flatten(0, 1))
        return embedded.view(*rows.shape[:2], -1)

    def _matched(self, own: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
        """``(N, P, D)`` and ``(N, Q, D)`` to the closest pairs, each ``(N * kept, D)``."""
        with torch.no_grad():
            distance, nearest = torch.cdist(own, other).min(dim=2)
            kept = distance.topk(min(self.matches, own.shape[1]), dim=1, largest=False).indices
        samples = torch.arange(len(own), device=own.device)[:, None]
        partners = nearest.gather(1, kept)
        return own[samples, kept].flatten(0, 1), other[samples, partners].flatten(0, 1)

    def _values(self, own: Tensor, other: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Invariance, variance (halved) and covariance (summed) as the authors' code reduces them."""
        # The rows are those of the whole batch already.
        batch = GlobalBatch((len(own),))
        invariance, variance, covariance = VICRegParts.apply(1.0, 1e-4, batch, own, other)
        return invariance, variance.mean(), covariance.sum()
