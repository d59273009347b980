"""Evaluation protocols by name; nothing heavy is imported until one is used."""

from __future__ import annotations

import typing
from collections.abc import Mapping
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from vicreg_core.errors import PluginError
from vicreg_core.plugins.suggest import did_you_mean

if TYPE_CHECKING:
    from vicreg_core.evaluation.subjects.subject import Subject

_CORE: Mapping[str, str] = MappingProxyType(
    {
        "knn": "vicreg_core.evaluation.protocols.knn:WeightedKNN",
        "linear": "vicreg_core.evaluation.protocols.linear:LinearProbe",
        "label-fractions": "vicreg_core.evaluation.protocols.label_fractions:LabelFractions",
        "finetune": "vicreg_core.evaluation.protocols.finetune:Finetune",
        "clustering": "vicreg_core.evaluation.protocols.clustering:Clustering",
        "retrieval": "vicreg_core.evaluation.protocols.retrieval:Retrieval",
        "rank": "vicreg_core.evaluation.protocols.rank:RankDiagnostics",
        "robustness": "vicreg_core.evaluation.protocols.robustness:Robustness",
    }
)

NAMES = tuple(_CORE)
"""The core's own protocols; those of plugins are addressed as ``<plugin>/<protocol>``."""


class Protocol(typing.Protocol):
    """What scores a subject: the core's protocols, and what a plugin's ``ProtocolSpec`` target builds.

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


def load_protocol(name: str) -> Protocol:
    """The protocol of a name, with its default options.

    Raises:
        PluginError: no such protocol, or the plugin it comes from is not usable.
    """
    if target := _CORE.get(name):
        module, _, qualname = target.partition(":")
        protocol: Protocol = getattr(import_module(module), qualname)()
        return protocol
    if "/" not in name:
        hint = did_you_mean(name, NAMES)
        raise PluginError(f"no evaluation protocol {name!r}{hint} (there are: {', '.join(NAMES)})")
    from vicreg_core.plugins.loading import load_config, load_target
    from vicreg_core.plugins.registry import load_registry

    component = load_registry().get("protocol", name)
    config = load_config(component)
    built: Protocol = load_target(component)(None if config is None else config())
    return built
