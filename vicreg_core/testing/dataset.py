"""The conformance tests of dataset adapters."""

from __future__ import annotations

import json
import pickle
from typing import Any, ClassVar

import numpy as np
import torch

from vicreg_core.contracts import UNLABELLED, Batch
from vicreg_core.data.reading import is_vectorised, prepare_batch
from vicreg_core.plugins.component import Kind
from vicreg_core.testing.base import ComponentConformance
from vicreg_core.testing.comparison import difference
from vicreg_core.testing.requirement import require

_ROWS = 8


class DatasetConformance(ComponentConformance):
    """What the core relies on in a dataset adapter: inherit, and name it in :attr:`component`."""

    kind: ClassVar[Kind] = "dataset"

    def test_ids_are_unique_and_the_same_every_time(self) -> None:
        """Ids key the randomness of views and name the rows of exported vectors."""
        data, again = self.bench.data, self.bench.build_data("train")
        ids = list(data.ids)
        require(len(ids) == len(data) > 0, f"{len(ids)} ids for {len(data)} samples")
        kinds = {type(each).__name__ for each in ids if not isinstance(each, str | int | np.integer)}
        require(not kinds, f"an id is a string or an integer, got {', '.join(sorted(kinds))}")
        require(len(set(ids)) == len(ids), f"{len(ids) - len(set(ids))} ids are not unique")
        stable = again is not None and list(again.ids) == ids
        require(stable, "reading the dataset again gives other ids, or the same in another order")

    def test_reading_again_gives_the_same_samples(self) -> None:
        """Without an augmentation's randomness, a sample is what its id names."""
        rows, again = self.bench.rows(_ROWS), self.bench.build_data("train")
        require(again is not None, "reading the dataset again gives no training split")
        first, second = self._batch(self.bench.data, rows), self._batch(again, rows)
        reason = difference(first, second)
        require(not reason, f"reading the dataset again gives other samples: {reason}")

    def test_a_batch_holds_what_single_samples_are(self) -> None:
        """``__getitems__`` equals ``__getitem__`` in every order, for lists and arrays of indices."""
        rows = self.bench.rows(_ROWS)[::-1]
        augmentation, data = self.bench.augmentation, self.bench.data
        single = augmentation(prepare_batch(augmentation, [data[row] for row in rows], None), None)
        for indices in (rows, np.asarray(rows)):
            reason = difference(single, self._batch(data, indices))
            name = type(indices).__name__
            require(not reason, f"__getitems__({name}) is not what __getitem__ gives: {reason}")

    def test_labels_and_the_like_are_absent_or_whole(self) -> None:
        """Labels are optional; where there are some, every column has an entry a sample."""
        data = self.bench.data
        if data.labels is not None:
            form = f"{getattr(data.labels, 'shape', None)} {getattr(data.labels, 'dtype', None)}"
            require(form == f"({len(data)},) int64", f"labels: expected ({len(data)},) int64, got {form}")
            low, high = int(data.labels.min()), int(data.labels.max())
            known = low >= UNLABELLED and high < len(data.classes)
            require(known, f"labels from {low} to {high}, but there are {len(data.classes)} classes")
            require(high >= 0, "labels that are all -1; labels is None where no sample is labelled")
        columns: dict[str, Any] = dict(data.metadata)
        if data.groups is not None:
            columns["groups"] = data.groups
        short = [name for name, column in columns.items() if len(column) != len(data)]
        require(not short, f"not one entry a sample: {', '.join(short)}")

    def test_its_info_can_be_saved_with_a_model(self) -> None:
        """Facts are JSON values, assets are bytes."""
        info = self.bench.data.info
        facts = dict(info.facts)
        try:
            saved = json.loads(json.dumps(facts, allow_nan=False))
        except (TypeError, ValueError) as error:
            saved = f"json: {error}"
        require(saved == facts, f"info.facts do not survive JSON: {saved!r}")
        wrong = [name for name, content in info.assets.items() if not isinstance(content, bytes)]
        require(not wrong, f"info.assets that are not bytes: {', '.join(wrong)}")

    def test_it_goes_to_worker_processes(self) -> None:
        """Where the loader would send it there, it can be pickled, and the copy reads the same."""
        rows, data = self.bench.rows(2), self.bench.data
        if is_vectorised(data, self.bench.augmentation):
            return
        try:
            copied = pickle.loads(pickle.dumps(data))
        except Exception as error:
            require(False, f"it cannot be pickled, as workers need: {type(error).__name__}: {error}")
        reason = difference(self._batch(copied, rows), self._batch(data, rows))
        require(not reason, f"a copy that was pickled reads other samples: {reason}")

    def test_floors_are_absent_or_a_row_a_sample(self) -> None:
        """``(n, F) float32`` without gaps, each: the floors that representations are shown beside."""
        indices = np.asarray(self.bench.rows(_ROWS), dtype=np.int64)
        floors = self.bench.data.floors()
        first = next(iter(floors), None)
        require(first == "raw_features", f"floors: expected 'raw_features' first, got {first!r}")
        for name, floor in floors.items():
            features = floor.features(indices)
            if features is None:
                continue
            form = f"{features.shape[:1]} {features.dtype}, {features.ndim}-D"
            expected = f"({len(indices)},) float32, 2-D"
            require(form == expected, f"floor {name!r}: expected rows and dtype {expected}, got {form}")
            require(bool(np.isfinite(features).all()), f"floor {name!r} is not finite")

    def test_told_what_is_trained_on_it_holds_the_same_samples(self) -> None:
        """``for_training`` may change what samples hold of one another, not which samples there are."""
        data, rows = self.bench.data, np.asarray(self.bench.rows(_ROWS), dtype=np.int64)
        told = data.for_training(rows)
        require(list(told.ids) == list(data.ids), "for_training gives other ids, or others in their order")
        labels = (data.labels, told.labels)
        require(np.array_equal(*labels), "for_training gives other labels")  # type: ignore[arg-type]
        require(told.info.facts == data.info.facts, "for_training gives other facts")

    @torch.no_grad()
    def _batch(self, data: Any, rows: Any) -> Batch:
        """The evaluation view of some samples, read as one batch."""
        augmentation = self.bench.augmentation
        if augmentation.per_sample:
            samples = [data[int(row)] for row in rows]
            raw = prepare_batch(augmentation, samples, None)
        else:
            read = data.__getitems__(rows)
            raw = read if data.in_memory else augmentation.collate(read)
        made: Batch = augmentation(raw, None)
        return made
