"""Which cell is on which plate, in which well, under which treatment, and what it became."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vicreg_biomedical.datasets.synthetic.config import PHENOTYPES, SyntheticCellsConfig
from vicreg_core.contracts.keys import Keys

TREATMENTS = ("DMSO", "compound-A", "compound-B", "compound-C")
"""Treatment ``i`` brings phenotype ``i``; ``DMSO`` is the control."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where cells sit; every tensor ``(n,) int64``."""

    plate: Tensor
    treatment: Tensor
    replicate: Tensor
    phenotype: Tensor

    @property
    def wells(self) -> list[str]:
        """Row letter from the treatment, column from the replicate, e.g. ``B02``."""
        pairs = zip(self.treatment.tolist(), self.replicate.tolist(), strict=True)
        return [f"{'ABCDEFGH'[treatment]}{replicate + 1:02d}" for treatment, replicate in pairs]


def assign(config: SyntheticCellsConfig, keys: Keys, numbers: Tensor) -> Layout:
    """Place the cells ``numbers`` ``(n,)``.

    With ``confounding`` c, a plate gives the share c of its cells to one treatment and spreads the others
    evenly, so that what is special about a plate goes along with a phenotype.
    """
    plate = numbers % config.plates
    spread = keys.integers("treatment", len(TREATMENTS))
    treatment = torch.where(keys.bernoulli("confounded", config.confounding), plate % len(TREATMENTS), spread)
    shows = keys.bernoulli("penetrance", config.penetrance)
    phenotype = torch.where(shows, treatment, torch.zeros_like(treatment))
    replicate = keys.integers("replicate", config.replicates)
    return Layout(plate, treatment, replicate, phenotype % len(PHENOTYPES))
