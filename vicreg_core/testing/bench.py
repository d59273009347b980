"""A recipe taken apart: each part of its chain, built alone, and the road from samples to views."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter, Encoder, Split
from vicreg_core.contracts.keys import Keys, hash_ids
from vicreg_core.data.reading import prepare_batch
from vicreg_core.plugins.component import Kind
from vicreg_core.plugins.loading import load_config, load_target
from vicreg_core.plugins.registry import Registry
from vicreg_core.recipes.load import LoadedRecipe
from vicreg_core.recipes.schema import Component
from vicreg_core.recipes.validation import parse


class Bench:
    """The parts of one recipe.

    Args:
        loaded: the recipe.
        registry: where its components are looked up.
    """

    def __init__(self, loaded: LoadedRecipe, registry: Registry) -> None:
        self.loaded, self.registry = loaded, registry

    @cached_property
    def data(self) -> DatasetAdapter:
        """The training samples, whole: what a recipe holds out for evaluation is part of them."""
        data = self.build_data("train")
        if data is None:
            raise ValueError(f"{self.loaded.recipe.data.name} has no training samples")
        return data

    @cached_property
    def augmentation(self) -> Augmentation:
        """The augmentation."""
        return self.build_augmentation()

    def build_data(self, split: Split) -> DatasetAdapter | None:
        """A split, read again."""
        built: DatasetAdapter | None = self._target("dataset")(self.loaded.configs["dataset"], split)
        return built

    def build_augmentation(self) -> Augmentation:
        """The augmentation, built again."""
        built: Augmentation = self._target("augmentation")(
            self.loaded.configs["augmentation"], self.data.info
        )
        return built

    def build_encoder(self, seed: int = 0, *, for_weights: Encoder | None = None) -> Encoder:
        """The encoder with the random weights of ``seed``.

        Args:
            seed: of its weights.
            for_weights: an encoder whose saved weights it is to take; it is then built as a saved model is.
        """
        section: Component = self.loaded.recipe.encoder
        options = {**section.options, **(for_weights.rebuild_options if for_weights else {})}
        model = load_config(self.registry.get("encoder", section.name))
        config = parse(model, options) if model else None
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            built: Encoder = self._target("encoder")(config, self.data.info)
        return built

    def rows(self, most: int) -> list[int]:
        """Up to ``most`` samples, spread over the dataset."""
        count = min(most, len(self.data))
        return [i * len(self.data) // count for i in range(count)]

    def keys(self, rows: Sequence[int], view: int = 0, epoch: int = 0) -> Keys:
        """The random keys of some samples."""
        return Keys.of(0, epoch, hash_ids(self.data.ids)[list(rows)], view)

    def raw(self, rows: Sequence[int], keys: Keys | None) -> Batch:
        """What :meth:`Augmentation.forward` is given of some samples, as the loader reads it."""
        augmentation, data = self.augmentation, self.data
        if augmentation.per_sample:
            return prepare_batch(augmentation, [data[row] for row in rows], keys)
        samples: Any = data.__getitems__(list(rows))
        return samples if data.in_memory else augmentation.collate(samples)

    @torch.no_grad()
    def view(self, rows: Sequence[int], view: int | None = 0, epoch: int = 0) -> Batch:
        """A view of some samples; the evaluation view where ``view`` is ``None``."""
        keys = None if view is None else self.keys(rows, view, epoch)
        made: Batch = self.augmentation(self.raw(rows, keys), keys)
        return made

    @torch.no_grad()
    def corrupted(self, rows: Sequence[int], name: str, severity: int) -> Batch:
        """The evaluation view of some samples that were corrupted."""
        raw = self.raw(rows, None)
        return self.augmentation.corrupt(raw, name, severity, self.keys(rows))

    def _target(self, kind: Kind) -> Any:
        sections = {"dataset": "data"}
        name = getattr(self.loaded.recipe, sections.get(kind, kind)).name
        return load_target(self.registry.get(kind, name))
