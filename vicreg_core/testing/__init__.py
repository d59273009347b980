"""What plugin authors test with: conformance tests to inherit, and fixtures that pytest finds by itself.

>>> from vicreg_core.testing import EncoderConformance
>>> class TestConv(EncoderConformance):
...     component = "signals/conv"

Importing this package imports nothing else: each public name is loaded when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vicreg_core.testing.augmentation import AugmentationConformance
    from vicreg_core.testing.check import check_plugin
    from vicreg_core.testing.dataset import DatasetConformance
    from vicreg_core.testing.encoder import EncoderConformance
    from vicreg_core.testing.objective import ObjectiveConformance
    from vicreg_core.testing.plugin import PluginConformance
    from vicreg_core.testing.protocol import ProtocolConformance
    from vicreg_core.testing.running import run_recipe

_MODULE_OF = {
    "AugmentationConformance": "augmentation",
    "DatasetConformance": "dataset",
    "EncoderConformance": "encoder",
    "ObjectiveConformance": "objective",
    "PluginConformance": "plugin",
    "ProtocolConformance": "protocol",
    "check_plugin": "check",
    "run_recipe": "running",
}

__all__ = [
    "AugmentationConformance",
    "DatasetConformance",
    "EncoderConformance",
    "ObjectiveConformance",
    "PluginConformance",
    "ProtocolConformance",
    "check_plugin",
    "run_recipe",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
