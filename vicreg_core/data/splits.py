"""The training and evaluation samples of a recipe."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from vicreg_core.contracts import DatasetAdapter
from vicreg_core.contracts.stream import StreamAdapter
from vicreg_core.data.holdout import holdout_split
from vicreg_core.data.label_file import join_labels, read_label_file
from vicreg_core.data.labelled import count_labelled
from vicreg_core.data.relabelled import few_labels, without_class
from vicreg_core.data.subset import Subset
from vicreg_core.errors import DataError
from vicreg_core.plugins.loading import load_target
from vicreg_core.plugins.registry import load_registry
from vicreg_core.recipes.schema import DataSection

Samples: TypeAlias = tuple[DatasetAdapter, DatasetAdapter | None]
"""The training samples and, where there is one, the labelled evaluation samples."""

_opened: ContextVar[dict[tuple[str, int, bool], Samples] | None] = ContextVar("opened", default=None)


@contextmanager
def opened_once() -> Iterator[None]:
    """Within it the samples of one ``data`` section and seed are opened once, and given again after that.

    For a command that trains, evaluates and reports on the same samples: reading them may cost more than
    an epoch. They stay in memory until it is left.
    """
    token = _opened.set({})
    try:
        yield
    finally:
        _opened.reset(token)


def open_data(section: DataSection, config: Any, seed: int, *, stream: bool = False) -> Samples:
    """The training samples and, where there is one, the labelled evaluation samples.

    A stream of shards is given as such to who trains on it; everyone else gets its sample, divided as any
    other dataset.

    A dataset without a test split of its own but with labels gives up ``section.holdout`` of its samples,
    drawn by ``seed``, stratified by label and never across a group: those are not trained on. Where only some
    samples are labelled, it is those that are held out, and where they are too few, none, which is warned of.

    Args:
        section: the recipe's ``data``.
        config: the dataset's validated config.
        seed: the recipe's seed.
        stream: give a stream of shards itself, and no evaluation samples beside it.

    Raises:
        DataError: for an empty dataset or ids that are not unique.
    """
    opened = _opened.get()
    if opened is None:
        return _open(section, config, seed, stream)
    key = (section.model_dump_json(), seed, stream)
    if key not in opened:
        opened[key] = _open(section, config, seed, stream)
    return opened[key]


def open_test(section: DataSection, config: Any) -> DatasetAdapter | None:
    """The dataset's own test split, where it has one."""
    build = load_target(load_registry().get("dataset", section.name))
    found: DatasetAdapter | None = build(config, "test")
    return found


def _open(section: DataSection, config: Any, seed: int, stream: bool) -> Samples:
    """Divided, with as many labels in training as the recipe keeps."""
    build = load_target(load_registry().get("dataset", section.name))
    train: DatasetAdapter | None = build(config, "train")
    if train is None or len(train) == 0:
        raise DataError(f"data: {section.name} found no training samples")
    if isinstance(train, StreamAdapter):
        if stream:
            return train, None
        train, rows = train.sample(), len(train)
        warnings.warn(
            f"data: scores and vectors are of a sample of {len(train):,} of the {rows:,} samples of the "
            "stream (data.sample)",
            stacklevel=2,
        )
    train, test = _divided(section, train, build(config, "test"), seed)
    return train if section.label_count is None else few_labels(train, section.label_count, seed), test


def _divided(section: DataSection, train: DatasetAdapter, test: DatasetAdapter | None, seed: int) -> Samples:
    _require_unique_ids(train, section.name)
    train, test = _relabelled(section, train, test)
    if test is not None or train.labels is None or section.holdout == 0:
        return train, test
    try:
        kept, held = holdout_split(train, section.holdout, seed)
    except DataError as error:
        if not count_labelled(train):
            raise
        warnings.warn(f"no samples are held out, so there will be no scores: {error}", stacklevel=2)
        return train, None
    return Subset(train.for_training(kept), kept), Subset(train, held)


def _relabelled(section: DataSection, train: DatasetAdapter, test: DatasetAdapter | None) -> Samples:
    """Both splits with the labels that the recipe's own keys say."""
    if section.labels is not None:
        train, test = join_labels(read_label_file(Path(section.labels).expanduser()), train, test)
    if section.unlabelled is not None:
        classes, name = train.classes, section.unlabelled
        train = without_class(train, name, classes)
        test = None if test is None else without_class(test, name, classes)
    return train, test


def _require_unique_ids(data: DatasetAdapter, name: str) -> None:
    values, counts = np.unique(np.asarray(data.ids), return_counts=True)
    if len(values) < len(data):
        twice = values[counts > 1][0]
        raise DataError(
            f"data: {name} gives the id {twice!r} to {counts.max()} samples; ids must be unique, since they "
            "key the randomness of views and name the rows of exported vectors"
        )
