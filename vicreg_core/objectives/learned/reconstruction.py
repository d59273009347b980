"""A decoder that rebuilds the sample without noise from the representation of each view."""

from __future__ import annotations

import torch
from torch import nn

from vicreg_core.objectives.base import NamedTerms, Need, StepInputs, Widths
from vicreg_core.objectives.learned.whole import Gather, LearnedObjective, needed, perceptron
from vicreg_core.objectives.validation import checked_width


class ReconstructionLoss(LearnedObjective):
    """A denoising autoencoder: ``sum ||decoder(h) - clean||^2 / sum ||clean - mean||^2``, a mean over views.

    ``clean`` is what the modality says a decoder shall rebuild of the evaluation view
    (``Augmentation.clean``): small pictures, channels, counts of tokens. So 1 is what the mean of the batch
    would cost, 0 a perfect copy, and the number compares between modalities. Source: Vincent and others,
    "Extracting and composing robust features with denoising autoencoders", ICML 2008.

    Args:
        hidden: width of the decoder's hidden layer.

    Raises:
        ValueError: a width below 1.
    """

    sees_embeddings = False
    needs = frozenset[Need]({"clean"})
    scale_free = True

    def __init__(self, hidden: int = 512) -> None:
        super().__init__()
        self.hidden = checked_width("hidden", hidden)
        self.decoder: nn.Module = nn.Identity()

    def prepare(self, widths: Widths, /) -> None:
        """Build the decoder."""
        self.decoder = perceptron(widths.representation, self.hidden, widths.clean)

    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The loss, which is its only part: ``unexplained``."""
        needed("what the augmentation calls clean", inputs.clean)
        needed("representations", inputs.representations)
        assert inputs.clean is not None
        clean = gather(inputs.clean)
        variance = (clean - clean.mean(dim=0)).square().sum().clamp(min=torch.finfo(clean.dtype).tiny)
        rebuilt = [self.decoder(gather(view)) for view in inputs.representations]
        loss = torch.stack([(each - clean).square().sum() / variance for each in rebuilt]).mean()
        return NamedTerms(loss, {"unexplained": loss})
