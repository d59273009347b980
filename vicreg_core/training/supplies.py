"""What an objective needs of a step beside embeddings, supplied by what it declares."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vicreg_core.contracts import Augmentation, Batch, DatasetAdapter, Encoder
from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.contracts.stream import at_hand
from vicreg_core.data.loader import ViewLoader
from vicreg_core.errors import DataError, RecipeError
from vicreg_core.inference.embedder import Embedder
from vicreg_core.models.joint_embedding import JointEmbedding, ViewOutputs, feature_maps
from vicreg_core.objectives.base import Objective, StepInputs, Widths
from vicreg_core.recipes.schema import Recipe
from vicreg_core.training.passes import Passes


class Supplies:
    """Gives an objective the inputs of each step, and keeps the moving average of the model if it is needed.

    Args:
        objective: whose needs they are.
        model: encoder and projector on their device, as they are before the first step.
        loader: of the views; of the clean samples too, where they are needed.
        passes: of the model, and so of its moving average.
        total_steps: of the run.
    """

    def __init__(
        self,
        objective: Objective,
        model: JointEmbedding,
        loader: ViewLoader,
        passes: Passes,
        total_steps: int,
    ) -> None:
        self.needs, self.momentum = objective.needs, objective.momentum
        self.model, self.loader = model, loader
        self.passes, self.total_steps = passes, total_steps
        self.average: JointEmbedding | None = None
        if "moving_average" in self.needs:
            self.average = copy.deepcopy(model).requires_grad_(False)

    def of_step(self, step: int, batches: list[Batch], outputs: ViewOutputs) -> StepInputs:
        """The inputs of a step.

        Args:
            step: counted from 0.
            batches: what the loader gave: the views, then the clean samples where they are needed.
            outputs: of the model for the views.
        """
        views, clean = batches[: self.loader.views], batches[self.loader.views :]
        averages: list[Tensor] = []
        if self.average is not None:
            averages = self.passes.of_average(self.average, views).embeddings
        return StepInputs(
            outputs.embeddings,
            self.loader.labels(step) if "labels" in self.needs else None,
            outputs.representations,
            outputs.feature_maps,
            clean[0] if clean and isinstance(clean[0], Tensor) else None,
            averages,
        )

    @torch.no_grad()
    def follow(self, step: int) -> None:
        """Move the average towards the model as it is after ``step``, counted from 0.

        Its momentum rises to 1 by a half cosine (arXiv:2006.07733, section 3.2). Batch norm's running
        statistics are its own, of its own forward passes.
        """
        if self.average is None:
            return
        share = (1 - self.momentum) * (math.cos(math.pi * step / self.total_steps) + 1) / 2
        for average, parameter in zip(self.average.parameters(), self.model.parameters(), strict=True):
            average.lerp_(parameter, share)

    def state_dict(self) -> dict[str, Any] | None:
        """Of the moving average; ``None`` where there is none."""
        return None if self.average is None else self.average.state_dict()

    def load_state_dict(self, state: dict[str, Any] | None) -> None:
        """Restore :meth:`state_dict`'s result."""
        if self.average is not None and state is not None:
            self.average.load_state_dict(state)


def prepare_objective(
    objective: Objective,
    recipe: Recipe,
    data: DatasetAdapter,
    augmentation: Augmentation,
    encoder: Encoder,
    device: torch.device,
) -> None:
    """Build the objective's own weights, keyed by the recipe's seed.

    Raises:
        DataError: it learns from labels, and no training sample has one.
        RecipeError: the encoder or the augmentation lacks what it needs, or ``train.compile`` is in the way.
    """
    needs = objective.needs
    names = " + ".join([recipe.objective.name, *(each.name for each in recipe.objective.also)])
    if "labels" in needs and data.labels is None:
        raise DataError(
            f"objective {names} learns from labels, and no training sample has one; name "
            "them (data.label, data.labels=FILE), or take an objective without labels, such as core/vicreg"
        )
    if "feature_maps" in needs and recipe.train.compile:
        raise RecipeError(
            f"objective {names} learns from feature maps, which a compiled model does not hand out; set "
            "train.compile=false"
        )
    maps: tuple[int, ...] = ()
    clean = 0
    if {"feature_maps", "clean"} & needs:
        view = next(Embedder(encoder, augmentation, device=device).batches(at_hand(data), np.arange(1)))
        if "feature_maps" in needs:
            maps = _map_widths(encoder, view)
            if not maps:
                raise RecipeError(
                    f"objective {names} learns from feature maps, and encoder {recipe.encoder.name} offers "
                    "none (Encoder.map_layers is empty)"
                )
        if "clean" in needs:
            clean = _clean_width(augmentation, view, names, recipe.augmentation.name)
    torch.manual_seed(mix_int(recipe.seed, stream_id("objective")))
    widths = Widths(encoder.embedding_dim, recipe.projector.dims[-1], len(data.classes), maps, clean)
    objective.prepare(widths)


@torch.no_grad()
def _map_widths(encoder: Encoder, view: Batch) -> tuple[int, ...]:
    training = encoder.training
    encoder.eval()
    try:
        with feature_maps(encoder) as seen:
            encoder(view)
    finally:
        encoder.train(training)
    return tuple(each.shape[1] for each in seen[: len(encoder.map_layers)])


def _clean_width(augmentation: Augmentation, view: Batch, objective: str, name: str) -> int:
    try:
        return int(augmentation.clean(view).shape[1])
    except ValueError as error:
        raise RecipeError(
            f"objective {objective} rebuilds samples, and augmentation {name} does not say what of them "
            f"({error})"
        ) from None
