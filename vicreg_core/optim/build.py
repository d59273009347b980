"""The optimiser a recipe asks for."""

from __future__ import annotations

from torch import nn
from torch.optim import SGD, AdamW, Optimizer

from vicreg_core.optim.groups import parameter_groups
from vicreg_core.optim.lars import LARS
from vicreg_core.recipes.schema import OptimizerSection


def build_optimizer(section: OptimizerSection, module: nn.Module) -> Optimizer:
    """The optimiser over ``module``'s trained parameters; the trainer sets the learning rate each step."""
    groups = parameter_groups(module, section.weight_decay)
    if section.name == "lars":
        return LARS(
            groups,
            lr=section.lr,
            momentum=section.momentum,
            trust_coefficient=section.trust_coefficient,
            clip=section.clip_trust,
        )
    if section.name == "sgd":
        return SGD(groups, lr=section.lr, momentum=section.momentum)
    return AdamW(groups, lr=section.lr, betas=section.betas)


def peak_learning_rate(section: OptimizerSection, batch_size: int) -> float:
    """``lr``, scaled by ``batch_size / 256`` where the recipe says so (the linear scaling rule)."""
    return section.lr * batch_size / 256 if section.scale_lr else section.lr
