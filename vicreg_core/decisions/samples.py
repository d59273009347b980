"""The samples of a run with their vectors and the labels that are known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.pool import Pool
from vicreg_core.contracts import UNLABELLED, DatasetAdapter, Shown
from vicreg_core.data.label_file import join_labels, read_label_file
from vicreg_core.data.labelled import labelled, labelled_first
from vicreg_core.data.splits import open_data
from vicreg_core.data.subset import Subset
from vicreg_core.evaluation.subjects.bench import Bench
from vicreg_core.evaluation.subjects.opening import as_taken, bench_on
from vicreg_core.evaluation.subjects.subject import Features, Subject
from vicreg_core.inference.cache import model_digest
from vicreg_core.inference.embedder import Embedder
from vicreg_core.pretrained import PretrainedEncoder, load
from vicreg_core.recipes.load import LoadedRecipe, load_recipe
from vicreg_core.vectors.of_run import seen_of

MOST_SAMPLES = 100_000
"""Training samples that a classifier learns from; of more, the labelled ones and a draw of the rest."""

_TEXT = 300

Say = Callable[[str], None]


@dataclass(frozen=True)
class RunSamples:
    """What a run knows of its samples.

    Attributes:
        model: the trained encoder.
        digest: of the model.
        loaded: the recipe.
        bench: the training samples with their labels, and the labelled ones that were held out.
        suggested: which samples are labelled was suggested, not drawn.
    """

    model: PretrainedEncoder
    digest: str
    loaded: LoadedRecipe
    bench: Bench
    suggested: bool = False

    def encoded(self) -> Subject:
        """The encoder's features of both."""
        return self.bench.encoder("encoder", self.model.encoder)

    def seen(self, data: DatasetAdapter, rows: NDArray[np.int64]) -> list[Shown]:
        """Some samples for people, as the evaluation view shows them; empty where nothing is shown."""
        return seen_of(self._embedder, Subset(data, rows))

    @cached_property
    def _embedder(self) -> Embedder:
        model, bench = self.model, self.bench
        return Embedder(model.encoder, model.augmentation, device=bench.device, workers=bench.workers)


def open_samples(
    run: Path,
    labels: Path | None,
    *,
    overrides: Sequence[str] = (),
    most: int | None = MOST_SAMPLES,
    command: str,
    say: Say = lambda _: None,
) -> RunSamples:
    """The samples of a run, with the labels of a file where one is given.

    With a file no sample is held out by the recipe's labels: every row of the file may be learnt from.

    Args:
        run: folder of a finished run.
        labels: a table with the columns label and id (or path), in place of the data's own labels.
        overrides: ``key.path=value`` of the recipe.
        most: training samples, labelled ones first; ``None``: all.
        command: what the user typed, for messages.
        say: told what is being done.

    Raises:
        VicregError: no model, data or labels that cannot be read.
    """
    model = load(run)
    given = [*overrides, "data.labels=null"] if labels is not None else list(overrides)
    loaded = load_recipe(str(run / "recipe.yaml"), given, command=command)
    train, test = open_data(loaded.recipe.data, loaded.configs["dataset"], loaded.recipe.seed)
    file = None if labels is None else read_label_file(labels, "--labels")
    if file is not None:
        train, test = join_labels(file, train, test, "--labels")
    seed = loaded.recipe.seed
    bench = bench_on(
        run / "cache" / "vectors",
        model,
        loaded,
        loaded.recipe.train,
        labelled_first(as_taken(train, model), most, seed),
        None if test is None else labelled(as_taken(test, model)),
        say,
    )
    digest = model_digest(model.encoder, model.manifest.augmentation.model_dump(mode="json"))
    return RunSamples(model, digest, loaded, bench, file is not None and file.suggested)


def pool_of(features: Features, bench: Bench, *, balanced: bool) -> Pool:
    """The pool that a classifier learns from."""
    data = bench.train
    return Pool(
        vectors=features.vectors,
        labels=labels_of(data),
        classes=len(data.classes),
        groups=data.groups,
        balanced=balanced,
        seed=bench.seed,
        device=bench.device,
    )


def without_labels(pool: Pool) -> Pool:
    """The same samples, none of them labelled."""
    return replace(pool, labels=np.full(len(pool.labels), UNLABELLED))


def labels_of(data: DatasetAdapter) -> NDArray[np.int64]:
    """``(n,) int64``, -1 where a sample has no label."""
    return np.full(len(data), UNLABELLED) if data.labels is None else data.labels


def texts_of(opened: RunSamples, data: DatasetAdapter, rows: NDArray[np.int64]) -> list[str]:
    """The beginning of each sample where samples are shown as texts; else empty."""
    texts = [" ".join(one.split())[:_TEXT] for one in opened.seen(data, rows) if isinstance(one, str)]
    return texts or [""] * len(rows)
