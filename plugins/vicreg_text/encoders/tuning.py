"""Which weights of a pretrained encoder are trained: all, the last layers, or low-rank updates."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

from vicreg_core.errors import DataError
from vicreg_text.encoders.config import HuggingFaceEncoderConfig

_LAYER = re.compile(r"(?:^|\.)(?:layers?|h|blocks?)\.(\d+)\.")


def choose_trained(model: Any, config: HuggingFaceEncoderConfig) -> Any:
    """The model with everything else frozen.

    Raises:
        DataError: where the model's layers cannot be told apart, or peft is missing.
    """
    if config.tune == "last":
        _freeze_all_but_last(model, config.last_layers)
    elif config.tune == "lora":
        model = _with_low_rank_updates(model, config)
    _freeze_pooler(model)
    return model


def _freeze_pooler(model: Any) -> None:
    """The head on the first token takes no part in the representation, so it never gets a gradient."""
    for name, parameter in model.named_parameters():
        if "pooler" in name.split("."):
            parameter.requires_grad_(False)


def _freeze_all_but_last(model: Any, count: int) -> None:
    layer_of = {name: _layer_of(name) for name, _ in model.named_parameters()}
    numbered = [layer for layer in layer_of.values() if layer is not None]
    if not numbered:
        raise DataError(f"encoder.tune=last: {type(model).__name__} has no numbered layers; use tune: full")
    first_trained = max(numbered) + 1 - count
    for name, parameter in model.named_parameters():
        layer = layer_of[name]
        if layer is None or layer < first_trained:
            parameter.requires_grad_(False)


def _layer_of(name: str) -> int | None:
    found = _LAYER.search(name)
    return int(found.group(1)) if found else None


def _with_low_rank_updates(model: Any, config: HuggingFaceEncoderConfig) -> Any:
    """LoRA (Hu et al., arXiv:2106.09685) on every linear layer of the model's blocks."""
    try:
        peft: Any = import_module("peft")
    except ImportError:
        raise DataError("encoder.tune=lora needs peft: pip install peft") from None
    rank = config.lora_rank
    settings = peft.LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear")
    return peft.get_peft_model(model, settings)
