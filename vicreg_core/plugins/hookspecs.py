"""The hooks a plugin may implement; each takes no argument and returns a list of frozen dataclasses.

Implement a hook as a module-level function marked with :data:`hookimpl`, in the module that the plugin's
entry point in the group ``vicreg.plugins`` names. The entry point's name is the plugin's namespace::

    [project.entry-points."vicreg.plugins"]
    signals = "my_package.plugin"

>>> from vicreg_core.plugins import EncoderSpec, hookimpl
>>> @hookimpl
... def vicreg_encoders():
...     return [EncoderSpec(name="conv", target="my_package.encoders:ConvEncoder", summary="a 1-D conv net")]
>>> [spec.name for spec in vicreg_encoders()]
['conv']

A recipe then says ``encoder: {name: signals/conv}``. The module is imported by every ``vicreg`` command, so
it imports nothing but :mod:`vicreg_core.plugins`; ``target`` and ``config`` strings name the rest.
"""

from __future__ import annotations

import pluggy

from vicreg_core.plugins.specs import (
    AugmentationSpec,
    DatasetSpec,
    EncoderSpec,
    ExportSpec,
    ObjectiveSpec,
    ProtocolSpec,
    RecipeFolder,
)

PROJECT = "vicreg"
ENTRY_POINT_GROUP = "vicreg.plugins"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def vicreg_encoders() -> list[EncoderSpec]:  # type: ignore[empty-body]
    """Encoders: modules that turn a batch into representations.

    >>> EncoderSpec(name="conv", target="my_package.encoders:ConvEncoder", summary="a 1-D conv net").name
    'conv'
    """


@hookspec
def vicreg_augmentations() -> list[AugmentationSpec]:  # type: ignore[empty-body]
    """Augmentations: what makes a view of a sample.

    >>> AugmentationSpec(name="standard", target="my_package.views:Standard", summary="shift and noise").name
    'standard'
    """


@hookspec
def vicreg_datasets() -> list[DatasetSpec]:  # type: ignore[empty-body]
    """Dataset adapters: where samples come from.

    >>> DatasetSpec(name="csv", target="my_package.data:read", summary="a CSV, a sample a row").name
    'csv'
    """


@hookspec
def vicreg_objectives() -> list[ObjectiveSpec]:  # type: ignore[empty-body]
    """Objectives: losses over the embeddings of the views.

    >>> ObjectiveSpec(name="mine", target="my_package.losses:Mine", summary="a loss on two views").name
    'mine'
    """


@hookspec
def vicreg_protocols() -> list[ProtocolSpec]:  # type: ignore[empty-body]
    """Evaluation protocols of a modality, beside those of the core.

    >>> ProtocolSpec(name="sts", target="my_package.sts:Sts", summary="sentence similarity").name
    'sts'
    """


@hookspec
def vicreg_exports() -> list[ExportSpec]:  # type: ignore[empty-body]
    """Formats that ``vicreg export`` writes trained encoders in, for tools outside the suite.

    >>> taken = ("mine/conv",)
    >>> ExportSpec(name="onnx", target="my_package.onnx:write", summary="ONNX", encoders=taken).encoders
    ('mine/conv',)
    """


@hookspec
def vicreg_recipes() -> list[RecipeFolder]:  # type: ignore[empty-body]
    """The plugin's folder of recipes, each addressed as ``<plugin>/<file name without .yaml>``.

    >>> RecipeFolder(package="my_package")
    RecipeFolder(package='my_package', folder='recipes', checkout=None)
    """
