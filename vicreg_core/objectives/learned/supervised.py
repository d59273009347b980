"""Cross-entropy on the samples that have labels: supervised training, alone or beside other terms."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from vicreg_core.objectives.base import NamedTerms, Need, StepInputs, Widths
from vicreg_core.objectives.learned.whole import Gather, LearnedObjective, needed
from vicreg_core.objectives.validation import checked_number
from vicreg_core.objectives.whole_batch import common_generator


class SupervisedLoss(LearnedObjective):
    """Cross-entropy of a linear head on the representation of every view, over rows that have a label.

    Alone it is supervised training from scratch, and the projector is not trained. A batch without a label
    costs 0. Weight decay is the optimiser's.

    Args:
        label_smoothing: share of the target spread over all classes (arXiv:1512.00567, section 7).
        dropout: share of the representation's numbers set to 0 before the head.
        mixup: ``alpha`` of the Beta distribution by which representations and their targets are mixed in
            pairs (manifold mixup, arXiv:1806.05236, at the last layer); 0: not at all.

    Raises:
        TypeError: a constant that is no number.
        ValueError: one outside its range.
    """

    sees_embeddings = False
    scale_free = True
    needs = frozenset[Need]({"labels"})
    remedies = MappingProxyType(
        {
            "complete": "Lower optimizer.lr, and start again.",
            "dimensional": "Labels ask for no more directions than classes; mix it with core/vicreg "
            "(objective.also) to keep others.",
        }
    )

    def __init__(self, label_smoothing: float = 0.0, dropout: float = 0.0, mixup: float = 0.0) -> None:
        super().__init__()
        self.label_smoothing = checked_number("label_smoothing", label_smoothing)
        self.dropout, self.mixup = checked_number("dropout", dropout), checked_number("mixup", mixup)
        for name, share in (("label_smoothing", self.label_smoothing), ("dropout", self.dropout)):
            if share >= 1:
                raise ValueError(f"{name}: expected a number from 0 to below 1, got {share}")
        self.head: nn.Module = nn.Identity()

    def prepare(self, widths: Widths, /) -> None:
        """Build the head."""
        self.head = nn.Linear(widths.representation, widths.classes)

    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The loss, and ``accuracy``, the share of the labelled rows that the head gets right."""
        needed("labels", inputs.labels)
        needed("representations", inputs.representations)
        assert inputs.labels is not None
        labels = gather.labels(inputs.labels)
        known = labels >= 0
        generator = common_generator(labels.device)
        losses, right = [], []
        for view in inputs.representations:
            rows, target = gather(view)[known], labels[known]
            if not len(rows):
                losses.append(rows.sum())
                continue
            partner, share = self._mixed(len(rows), generator)
            rows = self._dropped(share * rows + (1 - share) * rows[partner], generator)
            scores = self.head(rows)
            own, other = (self._entropy(scores, each) for each in (target, target[partner]))
            losses.append(share * own + (1 - share) * other)
            right.append((scores.argmax(dim=1) == target).to(rows.dtype).mean())
        # A head that no row has reached still has a gradient, so that one process equals several.
        loss = torch.stack(losses).mean() + 0.0 * sum(each.sum() for each in self.head.parameters())
        accuracy = torch.stack(right).mean() if right else loss.detach() * 0
        return NamedTerms(loss, {"accuracy": accuracy})

    def _entropy(self, scores: Tensor, target: Tensor) -> Tensor:
        return functional.cross_entropy(scores, target, label_smoothing=self.label_smoothing)

    def _mixed(self, rows: int, generator: torch.Generator) -> tuple[Tensor, float]:
        """A partner for each row, and the share that is its own."""
        if not self.mixup:
            return torch.arange(rows), 1.0
        order = torch.randperm(rows, generator=generator)
        seed = int(torch.randint(2**31, (1,), generator=generator))
        return order, float(np.random.default_rng(seed).beta(self.mixup, self.mixup))

    def _dropped(self, rows: Tensor, generator: torch.Generator) -> Tensor:
        if not self.dropout:
            return rows
        kept = torch.rand(rows.shape, generator=generator) >= self.dropout
        return rows * kept.to(rows) / (1 - self.dropout)
