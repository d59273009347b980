"""A hybrid: an objective and others added to it, each by its weight."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, cast

from torch import Tensor, nn

from vicreg_core.objectives.base import Objective, StepInputs, Terms, Widths


class Added(NamedTuple):
    """An objective beside the first.

    Attributes:
        name: its terms are logged as ``name.term``.
        weight: factor of its loss.
        objective: what is added.
    """

    name: str
    weight: float
    objective: Objective


@dataclass(frozen=True, slots=True)
class MixedTerms(Terms):
    """The weighted sum, and the terms of each.

    Attributes:
        first: terms of the first objective, of weight 1.
        added: terms of the others, by name.
    """

    first: Terms
    added: Mapping[str, Terms]

    def named(self) -> dict[str, Tensor | float]:
        """The sum as ``loss``, the first objective's terms by their names, the others' as ``name.term``."""
        scalars = {**self.first.named(), "loss": self.loss.detach()}
        for name, terms in self.added.items():
            scalars |= {f"{name}.{term}": value for term, value in terms.named().items()}
        return scalars


class MixedObjective(Objective):
    """``first + sum_i weight_i * other_i``; the collapse monitor measures against the first's target.

    Args:
        first: the objective that others are added to.
        added: the others, of unlike names.
    """

    def __init__(self, first: Objective, added: Sequence[Added]) -> None:
        super().__init__()
        self.first = first
        self.others = nn.ModuleList([each.objective for each in added])
        self.added = [(each.name, each.weight) for each in added]
        self.target_std, self.scale_free = first.target_std, first.scale_free
        self.remedies = first.remedies
        self.needs = frozenset().union(first.needs, *(each.objective.needs for each in added))
        self.momentum = next((o.momentum for o in self._all() if "moving_average" in o.needs), first.momentum)

    def _all(self) -> list[Objective]:
        return [self.first, *cast(Iterable[Objective], self.others)]

    def prepare(self, widths: Widths, /) -> None:
        """Build the weights of each."""
        for objective in self._all():
            objective.prepare(widths)

    def terms(self, embeddings: Sequence[Tensor], /) -> MixedTerms:
        """Evaluate all of them on the same embeddings."""
        return self.of_step(StepInputs(embeddings))

    def of_step(self, inputs: StepInputs, /) -> MixedTerms:
        """Evaluate all of them on one step."""
        first = self.first.of_step(inputs)
        loss, added = first.loss, dict[str, Terms]()
        for (name, weight), objective in zip(self.added, self.others, strict=True):
            assert isinstance(objective, Objective)
            added[name] = objective.of_step(inputs)
            loss = loss + weight * added[name].loss
        return MixedTerms(loss, first, added)
