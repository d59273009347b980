"""The conformance tests of augmentations."""

from __future__ import annotations

import pickle
import random
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

import numpy as np
import torch

from vicreg_core.contracts import Augmentation, Batch
from vicreg_core.contracts.keys import hash_ids
from vicreg_core.contracts.severity import SEVERITIES
from vicreg_core.data.batch import to_device
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.sampler import Share, StepPlan
from vicreg_core.plugins.component import Kind
from vicreg_core.testing.base import ComponentConformance
from vicreg_core.testing.comparison import difference, parts_of, rows_of
from vicreg_core.testing.requirement import require

_ROWS = 8
_STEPS = 3


class AugmentationConformance(ComponentConformance):
    """What the core relies on in an augmentation: inherit, and name it in :attr:`component`."""

    kind: ClassVar[Kind] = "augmentation"
    views_differ: ClassVar[bool] = True
    """False for an augmentation that leaves it to the encoder's dropout to tell views apart."""

    def test_a_view_is_a_batch_of_the_same_samples(self) -> None:
        """A tensor or a mapping of tensors, a row a sample; the evaluation view has the same form."""
        rows = self.bench.rows(_ROWS)
        random_view, evaluation = self.bench.view(rows), self.bench.view(rows, None)
        for view in (random_view, evaluation):
            _require_tensors(view)
            shapes = {name: tuple(tensor.shape) for name, tensor in parts_of(view).items()}
            whole = all(shape[:1] == (len(rows),) for shape in shapes.values())
            require(whole, f"the view of {len(rows)} samples has tensors of shape {shapes}")
        require(
            parts_of(random_view).keys() == parts_of(evaluation).keys(),
            f"a random view has {sorted(parts_of(random_view))}, the evaluation view "
            f"{sorted(parts_of(evaluation))}",
        )

    def test_the_same_key_makes_the_same_view(self) -> None:
        """Whatever the state of the generators: all randomness comes from the keys."""
        rows = self.bench.rows(_ROWS)
        for view in (0, None):
            with _generators_at(0):
                first = self.bench.view(rows, view)
            with _generators_at(1):
                second = self.bench.view(rows, view)
            what = "the evaluation view" if view is None else "a view"
            reason = difference(first, second, tolerance=0)
            require(not reason, f"{what} made twice with the same keys differs: {reason}")

    def test_another_key_makes_another_view(self) -> None:
        """Another view and another epoch are other keys."""
        rows = self.bench.rows(_ROWS)
        first = self.bench.view(rows)
        for what, other in {
            "another view": self.bench.view(rows, 1),
            "another epoch": self.bench.view(rows, 0, epoch=1),
        }.items():
            differs = difference(first, other, tolerance=0) is not None
            seen = "another" if differs else "the same"
            require(differs == self.views_differ, f"{what} of the same samples is {seen}")

    def test_a_view_does_not_depend_on_its_batch(self) -> None:
        """Some of the samples, in another order, give the same rows."""
        rows = self.bench.rows(_ROWS)
        some = list(range(len(rows)))[::-2]
        for view in (0, None):
            whole, part = self.bench.view(rows, view), self.bench.view([rows[i] for i in some], view)
            reason = difference(rows_of(whole, some), part)
            require(not reason, f"views depend on the rest of the batch: {reason}")

    def test_views_do_not_depend_on_worker_count_and_order(self) -> None:
        """Steps read by two workers, and one step alone, are those of one process in order."""
        expected = list(self._loader(workers=0)(0, _STEPS))
        alone = next(self._loader(workers=0)(_STEPS - 1, _STEPS))
        by_workers = list(self._loader(workers=2)(0, _STEPS))
        for what, step, views in [
            ("read alone", _STEPS - 1, alone),
            *(("read by two workers", step, views) for step, views in enumerate(by_workers)),
        ]:
            for one, other in zip(expected[step], views, strict=True):
                reason = difference(one, other)
                require(not reason, f"step {step} {what} has other views: {reason}")

    def test_it_leaves_its_input_alone(self) -> None:
        """All views are made of one batch, so ``forward`` must not write to it."""
        rows = self.bench.rows(_ROWS)
        keys = self.bench.keys(rows)
        raw = self.bench.raw(rows, keys)
        before = {name: tensor.clone() for name, tensor in parts_of(raw).items()}
        self.bench.augmentation(raw, keys)
        reason = difference(before, parts_of(raw), tolerance=0)
        require(not reason, f"forward changes the batch it is given: {reason}")
        raw = self.bench.raw(rows, None)
        before = {name: tensor.clone() for name, tensor in parts_of(raw).items()}
        for name in self.bench.augmentation.corruptions:
            self.bench.augmentation.corrupt(raw, name, SEVERITIES[-1], keys)
            reason = difference(before, parts_of(raw), tolerance=0)
            require(not reason, f"corruption {name!r} changes the batch it is given: {reason}")

    def test_corruptions_are_evaluation_views_of_a_sample_and_its_key(self) -> None:
        """What it offers for the protocol ``robustness``: keyed, by sample, and refused where not offered."""
        rows = self.bench.rows(_ROWS)
        evaluation, some = parts_of(self.bench.view(rows, None)), list(range(len(rows)))[::-2]
        for name in self.bench.augmentation.corruptions:
            for severity in (SEVERITIES[0], SEVERITIES[-1]):
                with _generators_at(0):
                    whole = self.bench.corrupted(rows, name, severity)
                with _generators_at(1):
                    part = self.bench.corrupted([rows[i] for i in some], name, severity)
                alike = parts_of(whole).keys() == evaluation.keys() and all(
                    len(tensor) == len(rows) for tensor in parts_of(whole).values()
                )
                require(alike, f"corruption {name!r} does not give a view of the form of the evaluation view")
                reason = difference(rows_of(whole, some), part)
                require(not reason, f"corruption {name!r} depends on more than sample and key: {reason}")
            with suppress(ValueError):
                self.bench.corrupted(rows, name, SEVERITIES[-1] + 1)
                require(False, f"corruption {name!r} takes a severity of {SEVERITIES[-1] + 1}")

    def test_it_and_its_batches_go_to_workers_and_devices(self) -> None:
        """The augmentation can be pickled, and every tensor of a batch moves."""
        rows = self.bench.rows(_ROWS)
        keys = self.bench.keys(rows)
        raw = self.bench.raw(rows, keys)
        _require_tensors(raw)
        moved = parts_of(to_device(raw, torch.device("meta")))
        require(all(part.is_meta for part in moved.values()), "a batch cannot be moved to another device")
        try:
            copied: Augmentation = pickle.loads(pickle.dumps(self.bench.build_augmentation()))
        except Exception as error:
            require(False, f"it cannot be pickled, as workers need: {type(error).__name__}: {error}")
        reason = difference(copied(raw, keys), self.bench.augmentation(raw, keys))
        require(not reason, f"an augmentation that was pickled makes other views: {reason}")

    def _loader(self, workers: int) -> ViewLoader:
        data = self.bench.data
        plan = StepPlan(len(data), max(2, min(_ROWS, len(data) // _STEPS)), seed=0)
        share = Share(plan, hash_ids(data.ids))
        return ViewLoader(
            data, self.bench.augmentation, share, views=2, device=torch.device("cpu"), workers=workers
        )


def _require_tensors(batch: Batch) -> None:
    for tensor in batch.values() if isinstance(batch, dict) else [batch]:
        given = type(tensor).__name__
        require(isinstance(tensor, torch.Tensor), f"a batch is a tensor or a dict of tensors, got {given}")


@contextmanager
def _generators_at(seed: int) -> Iterator[None]:
    """The global generators at a seed, and afterwards where they were."""
    states = random.getstate(), np.random.get_state()
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed)
        yield
    random.setstate(states[0])
    np.random.set_state(states[1])
