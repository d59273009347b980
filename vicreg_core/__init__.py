"""Self-supervised representation learning by VICReg (arXiv:2105.04906), for any modality.

Importing this package imports nothing else: each public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vicreg_core.errors import (
        DataError,
        PluginError,
        RecipeError,
        RunError,
        TrainingFailed,
        TrainingInterrupted,
        VicregError,
    )
    from vicreg_core.objectives.vicreg import VICRegLoss
    from vicreg_core.pretrained import load

    __version__: str

_MODULE_OF = {
    "DataError": "vicreg_core.errors",
    "PluginError": "vicreg_core.errors",
    "RecipeError": "vicreg_core.errors",
    "RunError": "vicreg_core.errors",
    "TrainingFailed": "vicreg_core.errors",
    "TrainingInterrupted": "vicreg_core.errors",
    "VICRegLoss": "vicreg_core.objectives.vicreg",
    "VicregError": "vicreg_core.errors",
    "load": "vicreg_core.pretrained",
}

__all__ = [
    "DataError",
    "PluginError",
    "RecipeError",
    "RunError",
    "TrainingFailed",
    "TrainingInterrupted",
    "VICRegLoss",
    "VicregError",
    "__version__",
    "load",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("vicreg-suite")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULE_OF[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
