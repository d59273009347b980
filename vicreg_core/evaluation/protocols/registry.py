"""Evaluation protocols, the core's and those of plugins, by their names in recipes."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Any

from vicreg_core.plugins.loading import load_config, load_target
from vicreg_core.plugins.registry import load_registry
from vicreg_core.recipes.protocols import find_protocol

if TYPE_CHECKING:
    from pydantic import BaseModel

    from vicreg_core.evaluation.subjects.subject import Subject


class Protocol(typing.Protocol):
    """What scores a subject: what the target of a plugin's ``ProtocolSpec`` builds from its options.

    The result is a mapping of JSON values. With one headline it holds ``metric`` (a name), the value under
    that name, ``interval`` (its 95 % interval, or ``None``) and ``n`` (test samples); with several it holds
    ``rows``, a list of such mappings, each with a ``name``. A headline is larger where better, and is
    compared with that of the floors unless ``comparable`` is ``False``. ``summary``, where there is one, is
    a sentence shown to people. All else is the protocol's own.
    """

    @property
    def needs_labels(self) -> bool:
        """True where the protocol scores labelled test samples; it is not called where there are none."""

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """Score a subject."""


def load_protocol(name: str, config: BaseModel | None = None) -> Protocol:
    """The protocol of a name.

    Args:
        name: as in recipes, e.g. ``knn`` or ``text/sts``.
        config: its options; ``None``: the defaults.

    Raises:
        PluginError: no such protocol, or the plugin it comes from is not usable.
    """
    component = find_protocol(load_registry(), name)
    if config is None and (model := load_config(component)) is not None:
        config = model()
    built: Protocol = load_target(component)(config)
    return built
