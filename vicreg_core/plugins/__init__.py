"""The plugin host: hooks, component specs and the registry that finds them."""

from vicreg_core.plugins.family import family
from vicreg_core.plugins.hookspecs import ENTRY_POINT_GROUP, hookimpl, hookspec
from vicreg_core.plugins.specs import (
    API_VERSION,
    AugmentationSpec,
    ComponentSpec,
    DatasetSpec,
    EncoderSpec,
    ExportSpec,
    ObjectiveSpec,
    ProtocolSpec,
    RecipeFolder,
)

__all__ = [
    "API_VERSION",
    "ENTRY_POINT_GROUP",
    "AugmentationSpec",
    "ComponentSpec",
    "DatasetSpec",
    "EncoderSpec",
    "ExportSpec",
    "ObjectiveSpec",
    "ProtocolSpec",
    "RecipeFolder",
    "family",
    "hookimpl",
    "hookspec",
]
