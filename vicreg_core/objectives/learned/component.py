"""Builds them from their configs, whose keys are the arguments of the losses."""

from __future__ import annotations

from vicreg_core.objectives.learned.adversarial import AdversarialPriorLoss
from vicreg_core.objectives.learned.config import (
    AdversarialPriorConfig,
    BYOLConfig,
    LocalConfig,
    ReconstructionConfig,
    SimSiamConfig,
    SupervisedConfig,
    VCRegConfig,
)
from vicreg_core.objectives.learned.local import LocalVICRegLoss
from vicreg_core.objectives.learned.predictive import BYOLLoss, SimSiamLoss
from vicreg_core.objectives.learned.reconstruction import ReconstructionLoss
from vicreg_core.objectives.learned.supervised import SupervisedLoss
from vicreg_core.objectives.learned.vcreg import VCRegLoss


def build_simsiam(config: SimSiamConfig) -> SimSiamLoss:
    """The objective ``core/simsiam``."""
    return SimSiamLoss(**config.model_dump())


def build_byol(config: BYOLConfig) -> BYOLLoss:
    """The objective ``core/byol``."""
    return BYOLLoss(**config.model_dump())


def build_supervised(config: SupervisedConfig) -> SupervisedLoss:
    """The objective ``core/supervised``."""
    return SupervisedLoss(**config.model_dump())


def build_vcreg(config: VCRegConfig) -> VCRegLoss:
    """The objective ``core/vcreg``."""
    return VCRegLoss(**config.model_dump())


def build_adversarial_prior(config: AdversarialPriorConfig) -> AdversarialPriorLoss:
    """The objective ``core/adversarial-prior``."""
    return AdversarialPriorLoss(**config.model_dump())


def build_reconstruction(config: ReconstructionConfig) -> ReconstructionLoss:
    """The objective ``core/reconstruction``."""
    return ReconstructionLoss(**config.model_dump())


def build_local(config: LocalConfig) -> LocalVICRegLoss:
    """The objective ``core/local``."""
    return LocalVICRegLoss(**config.model_dump())
