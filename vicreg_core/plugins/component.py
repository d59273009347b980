"""A component as the registry knows it: a plugin's spec, with the plugin it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from types import MappingProxyType
from typing import Literal, TypeAlias

from vicreg_core.plugins.specs import (
    AugmentationSpec,
    ComponentSpec,
    DatasetSpec,
    EncoderSpec,
    ExportSpec,
    ObjectiveSpec,
    ProtocolSpec,
)

Kind: TypeAlias = Literal["encoder", "augmentation", "dataset", "objective", "protocol", "export"]

SPEC_OF: Mapping[Kind, type[ComponentSpec]] = MappingProxyType(
    {
        "encoder": EncoderSpec,
        "augmentation": AugmentationSpec,
        "dataset": DatasetSpec,
        "objective": ObjectiveSpec,
        "protocol": ProtocolSpec,
        "export": ExportSpec,
    }
)
"""The spec each kind's hook returns; the hook is ``vicreg_<kind>s``."""


@dataclass(frozen=True, slots=True)
class Component:
    """A spec under its full name, with the distribution to name when it fails.

    Attributes:
        kind: what it is.
        name: ``"<plugin>/<spec.name>"``, as recipes write it.
        distribution: name and version of the plugin's distribution, e.g. ``"vicreg-suite 0.1.0"``.
        spec: what the plugin's hook returned.
    """

    kind: Kind
    name: str
    distribution: str
    spec: ComponentSpec

    @property
    def target(self) -> str:
        """``"module:qualname"`` of the builder."""
        return self.spec.target

    @property
    def config(self) -> str | None:
        """``"module:qualname"`` of the config model."""
        return self.spec.config

    @property
    def summary(self) -> str:
        """One line on what it is."""
        return self.spec.summary

    @property
    def requires(self) -> tuple[str, ...]:
        """Importable names the target needs."""
        return self.spec.requires

    @property
    def extra(self) -> str | None:
        """What to ``pip install`` for :attr:`requires`."""
        return self.spec.extra

    @property
    def missing(self) -> tuple[str, ...]:
        """Those of :attr:`requires` that are not installed; nothing is imported to find out."""
        return tuple(name for name in self.requires if not _installed(name))

    def missing_extra(self) -> str:
        """The sentence for a user who needs this component and lacks its extra."""
        return (
            f"{self.kind} {self.name!r} needs {', '.join(self.missing)}, which is not installed: "
            f"{install_line(self.extra)}"
        )


def install_line(extra: str | None) -> str:
    """The command that installs an extra; quoted, since shells expand square brackets."""
    return f"pip install '{extra}'"


def _installed(name: str) -> bool:
    """Whether a top-level module or package exists.

    A folder without ``__init__.py`` does not count: a user's own ``datasets/`` in the working directory
    would otherwise pass for the library of that name.
    """
    found = find_spec(name)
    return found is not None and found.origin is not None
