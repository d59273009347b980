"""Which sections of a recipe name a component, and of which kind."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from vicreg_core.plugins.component import Kind

COMPONENT_SECTIONS: Mapping[str, Kind] = MappingProxyType(
    {"data": "dataset", "augmentation": "augmentation", "encoder": "encoder", "objective": "objective"}
)


def expand_names(data: dict[str, Any]) -> None:
    """Write ``encoder: vision/resnet18`` out as ``encoder: {name: vision/resnet18}``, in place."""
    for section in COMPONENT_SECTIONS:
        if isinstance(data.get(section), str):
            data[section] = {"name": data[section]}
