"""A trained encoder with its preprocessing: written to a folder, read from one, and used.

The folder ``model/`` holds ``config.json``, ``model.safetensors``, ``README.md`` and, where the preprocessing
needs files, ``assets/``. Nothing in it is code or names code: components are named as in a recipe and looked
up among the installed plugins, and weights are read as safetensors.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from torch import Tensor

from vicreg_core.classifiers.fitted.methods import FINETUNE
from vicreg_core.classifiers.fitted.saved import ENCODER, FittedClassifier, read_classifier
from vicreg_core.classifiers.fitted.saved import FOLDER as CLASSIFIER
from vicreg_core.contracts import Augmentation, Batch, DataInfo, Encoder
from vicreg_core.data.batch import to_channels_last, to_device
from vicreg_core.errors import RunError
from vicreg_core.inference.cache import model_digest
from vicreg_core.inference.embedder import BATCH_SIZE, Embedder
from vicreg_core.models.precision import Precision, resolve_device
from vicreg_core.pretrained.card import model_card
from vicreg_core.pretrained.files import (
    CONFIG,
    find_model,
    read_assets,
    read_config,
    read_weights,
    write_files,
)
from vicreg_core.pretrained.manifest import Manifest, saved_assets
from vicreg_core.recipes.load import LoadedRecipe, fingerprint
from vicreg_core.recipes.validation import parse


class PretrainedEncoder:
    """An encoder and the augmentation that makes its evaluation view.

    Attributes:
        encoder: in evaluation mode.
        augmentation: turns what a user holds into what the encoder takes.
        manifest: what ``config.json`` says.
        info: what the model knows of the data it was trained on.
        run: folder of the run whose model it is; ``None`` for a model on its own.
    """

    def __init__(
        self,
        encoder: Encoder,
        augmentation: Augmentation,
        manifest: Manifest,
        info: DataInfo,
        run: Path | None = None,
    ) -> None:
        self.encoder, self.augmentation = encoder.eval(), augmentation.eval()
        self.manifest, self.info, self.run = manifest, info, run

    @classmethod
    def from_pretrained(cls, folder: str | Path) -> PretrainedEncoder:
        """The encoder of a model folder or of a run; see :func:`load`."""
        return load(folder)

    @property
    def embedding_dim(self) -> int:
        """Width ``D`` of the vectors."""
        return self.encoder.embedding_dim

    def encode(
        self, items: Iterable[Any], batch_size: int = BATCH_SIZE, device: str | torch.device = "auto"
    ) -> NDArray[np.float32]:
        """The vectors ``(n, D) float32`` of items, in their order.

        A vector does not depend on the items beside it, up to the rounding of the sums within.

        Args:
            items: what the modality takes, e.g. paths, images, strings or arrays: a sequence or a generator.
                A path is one item; a folder is not searched.
            batch_size: items a pass.
            device: ``"auto"`` is the first of cuda, mps and cpu that is there. The encoder stays on it.

        Raises:
            TypeError: if ``items`` is a single string, path or mapping.
            DataError: an item cannot be read.
        """
        if isinstance(items, str | bytes | Path | dict):
            raise TypeError(
                f"encode() takes a sequence of items, got a single {type(items).__name__}; put it in a list: "
                "encode([item])"
            )
        place = resolve_device(device) if isinstance(device, str) else device
        embedder = Embedder(self.encoder, self.augmentation, device=place, batch_size=batch_size)
        return embedder.encode(items)

    @cached_property
    def classifier(self) -> FittedClassifier:
        """What ``vicreg fit`` made for this model.

        Raises:
            RunError: there is none, it is damaged, or it was made for another model.
        """
        if self.run is None:
            raise RunError("this model is not a run's, so it has no classifier: load the folder of the run")
        found = read_classifier(self.run / CLASSIFIER)
        made_by = self.manifest.augmentation.model_dump(mode="json")
        if found.model != model_digest(self.encoder, made_by):
            raise RunError(
                f"the classifier of {self.run} was fitted to another model, whose vectors mean other things: "
                f"run vicreg fit {self.run} again"
            )
        return found

    @cached_property
    def deciding(self) -> PretrainedEncoder:
        """The model on whose vectors the classifier decides: this one, or one that was trained on for it.

        Raises:
            RunError: as of :attr:`classifier`, or that model is damaged.
        """
        if self.classifier.method != FINETUNE or self.run is None:
            return self
        return load(self.run / CLASSIFIER / ENCODER)

    def predict(self, items: Iterable[Any]) -> NDArray[np.str_]:
        """The likeliest class ``(n,)`` of items as :meth:`encode` takes them, by name.

        Raises:
            RunError: the run has no classifier of this model (``vicreg fit``).
            DataError: an item cannot be read.
        """
        names: NDArray[np.str_] = self.classifier.decide(self.deciding.encode(items)).label
        return names

    def predict_proba(self, items: Iterable[Any]) -> NDArray[np.float32]:
        """Calibrated probabilities ``(n, K) float32`` of the classes ``self.classifier.classes``.

        Raises:
            RunError, DataError: as :meth:`predict`.
        """
        return self.classifier.probabilities(self.deciding.encode(items))

    def predict_set(self, items: Iterable[Any], coverage: float | None = None) -> list[tuple[str, ...]]:
        """The classes of each item that cannot be ruled out at a coverage (default: that of ``vicreg fit``).

        Raises:
            RunError, DataError: as :meth:`predict`.
        """
        classifier = self.classifier
        sets = classifier.sets(self.predict_proba(items), coverage)
        return [tuple(np.array(classifier.classes)[row].tolist()) for row in sets]

    @torch.no_grad()
    def encode_batch(self, batch: Batch) -> Tensor:
        """The vectors ``(B, D) float32`` of a collated batch, on the encoder's device.

        Computed in the caller's autocast, unless the encoder is not sound in that.
        """
        device = next(self.encoder.parameters()).device
        view = self.augmentation.to(device)(to_device(batch, device), None)
        with Precision.in_force(device).sound_for(self.encoder).autocast():
            vectors: Tensor = self.encoder(to_channels_last(view) if self.encoder.channels_last else view)
        return vectors.float()

    def untrained(self, seed: int) -> Encoder:
        """The same architecture with the random weights of ``seed``."""
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            return self.manifest.build_encoder(self.info)

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the model to a folder, which :func:`load` reads; what is there is replaced.

        Raises:
            RunError: when the disk refuses, or the folder holds something that is not a model.
        """
        _write(Path(folder), self.encoder, self.manifest, self.info)


def load(path: str | Path) -> PretrainedEncoder:
    """Load a trained encoder with its preprocessing.

    Args:
        path: a run folder (``runs/quickstart``), its ``model`` folder, or a folder ``save_pretrained`` wrote.

    Raises:
        RunError: there is no model, it is damaged, or it was written by a newer version.
        PluginError: it needs a plugin or an extra that is not installed.
    """
    folder = find_model(Path(path))
    try:
        manifest = parse(Manifest, read_config(folder))
    except ValidationError as error:
        wrong = error.errors()[0]
        where = ".".join(map(str, wrong["loc"]))
        raise RunError(f"{folder / CONFIG} is not the config of a model ({where}: {wrong['msg']})") from error
    info = DataInfo(manifest.facts, read_assets(folder, manifest.assets, manifest.sha256))
    weights = read_weights(folder, manifest.sha256)
    encoder = manifest.build_encoder(info)
    manifest.load_weights(encoder, weights, folder)
    if encoder.channels_last:
        encoder = encoder.to(memory_format=torch.channels_last)
    run = folder.parent if folder.name == "model" and (folder.parent / "recipe.yaml").is_file() else None
    return PretrainedEncoder(encoder, manifest.build_augmentation(info), manifest, info, run)


def save_pretrained(
    folder: Path,
    encoder: Encoder,
    *,
    info: DataInfo,
    loaded: LoadedRecipe,
    trained: dict[str, Any] | None = None,
) -> None:
    """Write a trained encoder and what it needs to be used; atomic, replaces an earlier model.

    Args:
        folder: e.g. ``runs/quickstart/model``.
        encoder: on any device.
        info: the training data's.
        loaded: the recipe it was trained by.
        trained: further JSON values on its training, e.g. ``{"steps": 500, "samples": 50_000}``.

    Raises:
        RunError: when the disk refuses.
    """
    training = {"recipe": loaded.source, "fingerprint": fingerprint(loaded.recipe), **(trained or {})}
    manifest = Manifest.of(encoder, info, loaded.data, training)
    _write(folder, encoder, manifest, info)


def _write(folder: Path, encoder: Encoder, manifest: Manifest, info: DataInfo) -> None:
    config, assets = manifest.model_dump(mode="json", exclude={"sha256"}), saved_assets(encoder, info)
    write_files(folder, config, encoder.state_dict(), assets, model_card(manifest))
