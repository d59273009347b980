"""Component specs: what a plugin's hooks return.

A spec is data. It names a component, says in one line what it is, and points at the code that builds it by
a ``"module:qualname"`` string that is imported only when the component is used, so that listing plugins
stays fast and a plugin whose extra is missing can still be listed. Interfaces grow by adding fields with
defaults here, never by adding arguments to a hook.

>>> EncoderSpec(name="conv", target="my_package.encoders:ConvEncoder", summary="a 1-D conv net").requires
()

What is wrong is said where the spec is made, not when a recipe first uses it:

>>> EncoderSpec(name="conv", target="my_package.encoders.ConvEncoder", summary="a 1-D conv net")
Traceback (most recent call last):
    ...
ValueError: target of component 'conv': expected 'module:qualname', got 'my_package.encoders.ConvEncoder'
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar

API_VERSION = 1
"""The version of the contracts in :mod:`vicreg_core.contracts` this core implements."""

NAME_RULE = "lower-case letters and digits joined by '-', '_' or '.'"
"""What the name of a plugin or component looks like, in words."""

_NAME = re.compile(r"[a-z0-9]+([-_.][a-z0-9]+)*")
_TARGET = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")


def is_component_name(name: str) -> bool:
    """Whether ``name`` follows :data:`NAME_RULE`."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentSpec:
    """One named component of a plugin.

    Attributes:
        name: lower-case name without a namespace, e.g. ``"resnet18"``; the registry addresses it as
            ``"<plugin>/<name>"`` where ``<plugin>`` is the entry point's name.
        target: ``"module:qualname"`` of the builder (signatures in :mod:`vicreg_core.contracts`).
        config: ``"module:qualname"`` of the pydantic model of the component's own recipe keys; ``None``
            for a component without any.
        summary: one line for ``vicreg plugin list``.
        requires: importable top-level names the target needs beyond the plugin's hard dependencies, e.g.
            ``("torchvision",)``.
        extra: what to ``pip install`` when one of ``requires`` is missing, e.g. ``"vicreg-suite[vision]"``;
            needed wherever ``requires`` is given.
        api: the contract version the component was written for.

    Raises:
        ValueError: for a field that is not of the form above.
    """

    arguments: ClassVar[tuple[str, ...]]
    """What :attr:`target` is called with, by position."""

    name: str
    target: str
    summary: str
    config: str | None = None
    requires: tuple[str, ...] = ()
    extra: str | None = None
    api: int = API_VERSION

    def __post_init__(self) -> None:
        of = f"of component {self.name!r}"
        if not is_component_name(self.name):
            raise ValueError(f"name {of}: expected {NAME_RULE}")
        for field, value in (("target", self.target), ("config", self.config)):
            if value is not None and not _TARGET.fullmatch(value):
                raise ValueError(f"{field} {of}: expected 'module:qualname', got {value!r}")
        if not self.summary.strip() or "\n" in self.summary:
            raise ValueError(f"summary {of}: expected one line, got {self.summary!r}")
        if not isinstance(self.requires, tuple) or not all(name.isidentifier() for name in self.requires):
            raise ValueError(f"requires {of}: expected a tuple of top-level names, got {self.requires!r}")
        if self.requires and not self.extra:
            raise ValueError(f"extra {of}: requires names what may be missing, so say what to pip install")


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderSpec(ComponentSpec):
    """``target(config, info: DataInfo) -> Encoder``.

    Attributes:
        offers: what objectives may need of it: ``"feature_maps"`` (``Encoder.map_layers``).
    """

    arguments = ("config", "info")
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AugmentationSpec(ComponentSpec):
    """``target(config, info: DataInfo) -> Augmentation``.

    Attributes:
        offers: what objectives may need of it: ``"clean"`` (``Augmentation.clean``).
    """

    arguments = ("config", "info")
    offers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec(ComponentSpec):
    """``target(config, split: "train" | "test") -> DatasetAdapter | None`` (``None``: no such split)."""

    arguments = ("config", "split")


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveSpec(ComponentSpec):
    """``target(config) -> Objective``.

    Attributes:
        needs: what the objective needs beside embeddings, as its :attr:`Objective.needs` says: ``"labels"``,
            ``"feature_maps"`` of the encoder, ``"clean"`` of the augmentation, ``"moving_average"``.
    """

    arguments = ("config",)
    needs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtocolSpec(ComponentSpec):
    """``target(config) -> Protocol``, an evaluation protocol."""

    arguments = ("config",)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportSpec(ComponentSpec):
    """``target(model: PretrainedEncoder, folder: Path) -> None`` writes a trained encoder for other tools.

    The folder does not exist yet; the target makes it, and raises ``RunError`` for an encoder it has no form
    for.

    Attributes:
        encoders: full names of the encoders the format takes, e.g. ``("text/bag",)``.
    """

    arguments = ("model", "folder")
    encoders: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecipeFolder:
    """A folder of recipe YAMLs inside a plugin's package; at most one a plugin.

    >>> RecipeFolder(package="my_package").folder
    'recipes'

    Attributes:
        package: importable package that holds the folder, e.g. ``"vicreg_vision"``; found without being
            imported.
        folder: path of the folder relative to the package's directory; the first of ``folder`` and
            ``checkout`` that exists is used.
        checkout: where the folder lies in a source checkout, relative to the package's directory.

    Raises:
        ValueError: for a package that is not an importable name.
    """

    package: str
    folder: str = "recipes"
    checkout: str | None = None

    def __post_init__(self) -> None:
        if not all(part.isidentifier() for part in self.package.split(".")):
            raise ValueError(f"package of a recipe folder: expected an importable name, got {self.package!r}")

    def locate(self) -> Path | None:
        """The folder on disk; ``None`` where the package or the folder does not exist."""
        root, *inner = self.package.split(".")
        found = find_spec(root)
        for location in (found and found.submodule_search_locations) or ():
            for choice in filter(None, (self.folder, self.checkout)):
                if (folder := Path(location, *inner, choice)).is_dir():
                    return folder.resolve()
        return None
