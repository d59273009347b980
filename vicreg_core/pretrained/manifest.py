"""What ``config.json`` of an exported model says, and how its parts are built again from that."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, ValidationError
from torch import Tensor

from vicreg_core.contracts import Augmentation, DataInfo, Encoder
from vicreg_core.errors import PluginError, RunError
from vicreg_core.plugins.component import Kind
from vicreg_core.plugins.loading import load_config, load_target
from vicreg_core.plugins.registry import load_registry
from vicreg_core.pretrained.files import FORMAT, START_ONLY
from vicreg_core.recipes.schema import PositiveInt, StrictModel
from vicreg_core.recipes.validation import parse


class BuiltComponent(StrictModel):
    """A component by name, with all its options, and the distribution that it came from."""

    name: str
    options: dict[str, Any]
    distribution: str


class Manifest(StrictModel):
    """The contents of ``config.json``.

    Attributes:
        format: of the folder.
        suite: version of vicreg-suite that wrote it.
        encoder: and its options, such that building it loads no other weights.
        augmentation: which makes the evaluation view.
        embedding_dim: width of the vectors.
        facts: ``DataInfo.facts`` of the training data.
        assets: names of the files in ``assets/``.
        training: how it was trained; for people.
        sha256: of each other file of the folder, by its name there.
    """

    format: PositiveInt
    suite: str
    encoder: BuiltComponent
    augmentation: BuiltComponent
    embedding_dim: PositiveInt
    facts: dict[str, Any]
    assets: tuple[str, ...]
    training: dict[str, Any]
    sha256: dict[str, str] = Field(default_factory=dict)

    @classmethod
    def of(
        cls, encoder: Encoder, info: DataInfo, recipe: Mapping[str, Any], training: dict[str, Any]
    ) -> Manifest:
        """The manifest of a trained encoder; ``recipe`` is the resolved recipe as plain values."""
        return cls(
            format=FORMAT,
            suite=version("vicreg-suite"),
            encoder=_component("encoder", {**recipe["encoder"], **encoder.rebuild_options}),
            augmentation=_component("augmentation", recipe["augmentation"]),
            embedding_dim=encoder.embedding_dim,
            facts=dict(info.facts),
            assets=tuple(sorted(saved_assets(encoder, info))),
            training=training,
        )

    def build_encoder(self, info: DataInfo) -> Encoder:
        """The encoder with fresh weights.

        Raises:
            PluginError: its plugin is not usable.
            RunError: the installed plugin does not take the saved options.
        """
        encoder: Encoder = _build("encoder", self.encoder, info)
        return encoder

    def build_augmentation(self, info: DataInfo) -> Augmentation:
        """The augmentation; raises as :meth:`build_encoder`."""
        augmentation: Augmentation = _build("augmentation", self.augmentation, info)
        return augmentation

    def load_weights(self, encoder: Encoder, weights: Mapping[str, Tensor], folder: Path) -> None:
        """Load saved weights into the encoder.

        Raises:
            RunError: they do not fit.
        """
        try:
            encoder.load_state_dict(weights)
        except RuntimeError as error:
            first = str(error).splitlines()[-1].strip()
            raise RunError(
                f"the weights in {folder} do not fit the encoder {self.encoder.name} of the installed plugin "
                f"({first}); the model was saved with {self.encoder.distribution}"
            ) from error


def saved_assets(encoder: Encoder, info: DataInfo) -> dict[str, bytes]:
    """The files to save with a model: the data's, save those of a fresh start, and the encoder's own."""
    kept = {name: content for name, content in info.assets.items() if not name.startswith(START_ONLY)}
    return {**kept, **encoder.assets}


def _component(kind: Kind, section: Mapping[str, Any]) -> BuiltComponent:
    options = {key: value for key, value in section.items() if key != "name"}
    distribution = load_registry().get(kind, section["name"]).distribution
    return BuiltComponent(name=section["name"], options=options, distribution=distribution)


def _build(kind: Kind, saved: BuiltComponent, info: DataInfo) -> Any:
    try:
        component = load_registry().get(kind, saved.name)
        model = load_config(component)
        build = load_target(component)
    except PluginError as error:
        raise PluginError(f"the model was saved with {saved.distribution}: {error}") from error
    try:
        config = None if model is None else parse(model, saved.options)
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise RunError(
            f"{component.distribution} does not take the saved options of {kind} {saved.name} ({where}: "
            f"{wrong['msg']}); the model was saved with {saved.distribution}"
        ) from error
    with torch.random.fork_rng():
        return build(config, info)
