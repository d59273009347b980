"""Where samples come from, and what must be known of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset

from vicreg_core.errors import DataError

Split: TypeAlias = Literal["train", "test"]

UNLABELLED = -1
"""In :attr:`DatasetAdapter.labels`: this sample has none."""


@dataclass(frozen=True, slots=True)
class DataInfo:
    """What an augmentation and an encoder must know of the data; saved with the model.

    Attributes:
        facts: JSON values, e.g. ``{"channels": 3, "height": 32, "width": 32}``. The keys are the modality's
            own. They land in ``model/config.json``, so a model loads without its dataset.
        assets: files by name, e.g. a tokenizer or fitted statistics; ``/`` in a name is a folder. They are
            saved with the model, except those under ``init/``, which only a fresh encoder reads.
    """

    facts: Mapping[str, Any] = field(default_factory=dict)
    assets: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Floor:
    """Features without any learning, beside which representations are shown.

    Attributes:
        features: gives ``(len(indices), F) float32`` of some samples, or ``None`` where there are none.
        cosines: angles between them mean something as they are, such as those of TF-IDF. Otherwise they are
            standardised first.
    """

    features: Callable[[NDArray[np.int64]], NDArray[np.float32] | None]
    cosines: bool = False


class DatasetAdapter(Dataset[Any]):
    """A map-style dataset of raw samples with stable ids.

    A subclass gives :attr:`ids`, :attr:`info` and either :meth:`__getitem__` (per-file data: loaded in
    worker processes, then brought to one shape by ``Augmentation.prepare``) or :meth:`__getitems__`
    (in-memory or memory-mapped data: one vectorised read a batch, no worker processes).
    """

    in_memory: bool = False
    """True where ``__getitems__`` is a vectorised read that needs no worker process."""

    ids: Sequence[str] | NDArray[np.int64]
    """One stable, unique id a sample; the key of its randomness and of its row in exported vectors."""

    info: DataInfo
    """What augmentation and encoder must know of the data."""

    labels: NDArray[np.int64] | None = None
    """``(n,) int64`` indices into :attr:`classes`, -1 where a sample has no label; ``None`` where none has.

    Training uses every sample; splits hold out, and evaluations score, the labelled ones.
    """

    classes: Sequence[str] = ()
    """Names of the classes, by index; empty for unlabelled data."""

    groups: NDArray[Any] | None = None
    """``(n,)`` group of each sample (plate, patient, document): evaluation splits never cross a group."""

    metadata: Mapping[str, Sequence[Any]] = {}
    """Further columns of length ``n`` to carry into exported vectors."""

    skipped: Sequence[str] = ()
    """What ``on_error: skip`` left out, one "name: reason" a sample."""

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Any:
        """One raw sample, in the form ``Augmentation.prepare`` takes."""
        raise NotImplementedError(f"{type(self).__name__} defines neither __getitem__ nor __getitems__")

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> Any:
        """The raw samples of ``indices``: one batch where :attr:`in_memory`, else a list of samples."""
        return [self[int(i)] for i in indices]

    def raw_features(self, indices: NDArray[np.int64]) -> NDArray[np.float32] | None:
        """``(len(indices), F) float32`` features without any learning (pixels, LSA, intensity statistics).

        The floor every representation is shown beside. ``None`` where the modality has none.
        """
        return None

    def floors(self) -> Mapping[str, Floor]:
        """All features without learning that an evaluation shows representations beside, by name.

        The first is ``"raw_features"``: :meth:`raw_features`. Others are named as tables shall name them. The
        highest of all floors is the one a score is judged by, so offer the best known without learning.
        """
        return {"raw_features": Floor(self.raw_features)}

    def for_training(self, rows: NDArray[np.int64]) -> DatasetAdapter:
        """These samples, of which those at ``rows`` are trained on and the others held out.

        A dataset whose samples hold parts of one another, such as neighbours as positives, overrides this, so
        that no part of a sample that is held out comes into one that is trained on.

        Args:
            rows: ``(m,) int64``, unlike each other.
        """
        return self

    def for_model(self, info: DataInfo) -> DatasetAdapter:
        """These samples in the form that a saved model takes, where they are evaluated or embedded with it.

        A dataset whose samples depend on what was fitted to it, such as token ids on a tokenizer, overrides
        this and reads them with the model's ``info.assets`` instead of its own.

        Args:
            info: what the model knows of the data it was trained on.

        Raises:
            DataError: the samples are of a form that the model does not take.
        """
        for name, content in self.info.assets.items():
            if info.assets.get(name, content) != content:
                raise DataError(
                    f"this data comes with a {name} of its own, which differs from the model's: the model "
                    "can only be used on data read in the way of its training data"
                )
        return self
