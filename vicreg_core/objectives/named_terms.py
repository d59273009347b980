"""Terms that are a loss and the scalars it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from vicreg_core.objectives.base import Terms


@dataclass(frozen=True, slots=True)
class NamedTerms(Terms):
    """A loss with its parts.

    Attributes:
        parts: ``()`` each, by the name they are logged under.
    """

    parts: Mapping[str, Tensor] = field(default_factory=dict)

    def named(self) -> dict[str, Tensor | float]:
        """Scalars for the log."""
        return {"loss": self.loss.detach(), **{name: part.detach() for name, part in self.parts.items()}}
