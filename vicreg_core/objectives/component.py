"""Builds the objectives of the core from their configs, whose keys are the arguments of the losses."""

from __future__ import annotations

from vicreg_core.objectives.barlow_twins import BarlowTwinsLoss
from vicreg_core.objectives.config import (
    BarlowTwinsConfig,
    InfoNCEConfig,
    SIGRegConfig,
    SupConConfig,
    VICRegConfig,
)
from vicreg_core.objectives.contrastive import InfoNCELoss, SupConLoss
from vicreg_core.objectives.sigreg import SIGRegLoss
from vicreg_core.objectives.vicreg import VICRegLoss


def build_vicreg(config: VICRegConfig) -> VICRegLoss:
    """The objective ``core/vicreg``."""
    return VICRegLoss(**config.model_dump())


def build_info_nce(config: InfoNCEConfig) -> InfoNCELoss:
    """The objective ``core/info-nce``."""
    return InfoNCELoss(**config.model_dump())


def build_supcon(config: SupConConfig) -> SupConLoss:
    """The objective ``core/supcon``."""
    return SupConLoss(**config.model_dump())


def build_barlow_twins(config: BarlowTwinsConfig) -> BarlowTwinsLoss:
    """The objective ``core/barlow-twins``."""
    return BarlowTwinsLoss(**config.model_dump())


def build_sigreg(config: SIGRegConfig) -> SIGRegLoss:
    """The objective ``core/sigreg``."""
    return SIGRegLoss(**config.model_dump())
