"""A discriminator that tells embeddings from a normal prior (adversarial autoencoder, arXiv:1511.05644)."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from vicreg_core.objectives.base import NamedTerms, StepInputs, Widths
from vicreg_core.objectives.learned.whole import Gather, LearnedObjective
from vicreg_core.objectives.validation import checked_number, checked_width
from vicreg_core.objectives.whole_batch import common_generator


class AdversarialPriorLoss(LearnedObjective):
    """``invariance * (views agree) + adversarial * (embeddings pass for a standard normal) + (they do not)``.

    The last is the discriminator's own loss, the binary cross-entropy of samples of the prior against
    embeddings; the one before is the encoder's answer in the form that does not saturate (section 3 of
    arXiv:1406.2661). Both play in one step of one optimiser: no gradient of the discriminator's loss reaches
    the embeddings, and none of the encoder's reaches the discriminator.

    Args:
        invariance: weight of the mean squared distance of each embedding to the mean of its sample's views;
            0 where another objective makes views agree.
        adversarial: weight of the encoder's answer.
        hidden: width of the discriminator's two hidden layers.

    Raises:
        TypeError: a constant that is no number.
        ValueError: one that is negative or not finite, or a width below 1.
    """

    adversarial = True

    def __init__(self, invariance: float = 25.0, adversarial: float = 1.0, hidden: int = 512) -> None:
        super().__init__()
        self.invariance = checked_number("invariance", invariance)
        self.answer = checked_number("adversarial", adversarial)
        self.hidden = checked_width("hidden", hidden)
        self.discriminator: nn.Module = nn.Identity()

    def prepare(self, widths: Widths, /) -> None:
        """Build the discriminator."""
        self.discriminator = nn.Sequential(
            nn.Linear(widths.embedding, self.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(self.hidden, self.hidden),
            nn.LeakyReLU(0.2),
            nn.Linear(self.hidden, 1),
        )

    def of_batch(self, inputs: StepInputs, gather: Gather, /) -> NamedTerms:
        """The loss and its parts before any weight: ``invariance``, ``adversarial``, ``discriminator``, and
        ``told_apart``, the share of rows that the discriminator gets right (0.5: it is fooled)."""
        views = torch.stack([gather(view) for view in inputs.embeddings])
        invariance = (views - views.mean(dim=0)).square().mean()
        rows = views.flatten(0, 1)
        drawn = torch.randn(rows.shape, generator=common_generator(rows.device), dtype=torch.float64)
        real, false = self.discriminator(drawn.to(rows)), self.discriminator(rows.detach())
        frozen = {name: each.detach() for name, each in self.discriminator.named_parameters()}
        answer = functional_call(self.discriminator, frozen, rows)
        discriminator = (functional.softplus(-real).mean() + functional.softplus(false).mean()) / 2
        parts: dict[str, Tensor] = {
            "invariance": invariance,
            "adversarial": functional.softplus(-answer).mean(),
            "discriminator": discriminator,
            "told_apart": torch.cat([real > 0, false <= 0]).to(rows.dtype).mean(),
        }
        loss = self.invariance * invariance + self.answer * parts["adversarial"] + discriminator
        return NamedTerms(loss, parts)
