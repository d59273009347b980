"""The contracts between the core and a modality: dataset adapter, augmentation, encoder.

The life of a batch::

    indices -> DatasetAdapter.__getitems__ -> Augmentation.prepare (per sample, in loader workers; optional)
            -> Augmentation.forward (batched, on the device) -> Encoder.forward -> projector -> objective

A *batch* is a tensor or a mapping of tensors. The core looks at nothing in it: it moves it to a device. What
``Augmentation.forward`` makes has the sample as the first dimension of every tensor; what it is given may be
ragged, such as the tokens of all documents in one row with their lengths.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.data import Dataset

from vicreg_core.data.keys import Keys
from vicreg_core.errors import DataError

Batch: TypeAlias = Tensor | dict[str, Tensor]
Split: TypeAlias = Literal["train", "test"]
Shown: TypeAlias = NDArray[np.uint8] | str
"""A sample for people: a picture ``(H, W)`` or ``(H, W, 3) uint8``, or a text."""


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
    """``(n,) int64`` class indices into :attr:`classes`, or ``None`` for unlabelled data."""

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
        """``(len(indices), F) float32`` features without any learning (pixels, TF-IDF, intensity statistics).

        The floor every representation is shown beside. ``None`` where the modality has none.
        """
        return None

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


class Augmentation(nn.Module):
    """Makes one view of each sample of a batch; ``keys=None`` makes the evaluation view instead.

    The same object therefore owns the whole road from what a user holds to what the encoder takes::

        ingest(item) -> sample -> prepare(sample, key) -> collate -> forward(batch, keys)
    """

    per_sample: bool = False
    """True where :meth:`prepare` must run for each sample and view before samples can be batched."""

    corruptions: Mapping[str, str] = {}
    """What :meth:`corrupt` can do to samples, one line each by name; empty where it can do nothing."""

    def ingest(self, item: Any) -> Any:
        """Turn what a user holds (a path, a PIL image, a string, an array) into a raw sample.

        Raises:
            DataError: naming the item, where it cannot be read.
        """
        return item

    def prepare(self, sample: Any, key: Keys | None) -> Any:
        """Bring one raw sample to the common shape of a batch; runs in loader workers.

        Args:
            sample: what ``DatasetAdapter.__getitem__`` returned.
            key: a key of length 1 for a random view; ``None`` for the evaluation view.
        """
        return sample

    def collate(self, samples: Sequence[Any]) -> Batch:
        """Stack prepared samples into a batch; the default stacks tensors of one shape."""
        return torch.stack([torch.as_tensor(s) for s in samples])

    def forward(self, batch: Batch, keys: Keys | None = None) -> Batch:
        """Make one view of a whole batch on its device, ``(B, ...)``, without writing to ``batch``."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward(batch, keys)")

    def corrupt(self, batch: Batch, name: str, severity: int, keys: Keys) -> Batch:
        """The evaluation view of samples that reach the encoder in a worse state than they were stored in.

        It stands in for ``forward(batch, None)``: ``batch`` is what that takes, here made of samples prepared
        with ``key=None``, and is left as it is; the result is of the form that it gives. The damage is done
        before any normalisation, on the modality's natural scale. Its random part is a pure function of the
        key and the name: a higher severity turns up the same draws.

        Args:
            batch: ``(B, ...)`` on its device.
            name: one of :attr:`corruptions`.
            severity: 1 (hardly minded by a person) to 5 (little is left).
            keys: one key a sample, on the batch's device.

        Raises:
            ValueError: no such corruption or severity (:func:`vicreg_core.data.severity.strength`).
        """
        raise ValueError(f"{type(self).__name__} offers no corruption {name!r}")

    def show(self, views: Batch) -> Sequence[Shown] | None:
        """Each sample of what :meth:`forward` made, as a picture or text for reports.

        By default tensors ``(B, C, H, W)`` are shown as pictures; ``None`` says that there is nothing to see.
        """
        from vicreg_core.data.show import show_images

        return show_images(views)


class Encoder(nn.Module):
    """Turns a batch into representations: ``forward(batch) -> (B, embedding_dim)``, floating."""

    embedding_dim: int
    """Width of the representation."""

    channels_last: bool = False
    """True where a 4-D input and the weights are faster in ``torch.channels_last`` memory format."""

    @property
    def rebuild_options(self) -> Mapping[str, Any]:
        """Options that replace the recipe's when a saved encoder is built before its weights are loaded.

        An encoder that starts from downloaded weights switches that off here, e.g. ``{"weights": "none"}``,
        so that a saved model needs no network. The untrained floor of an evaluation is built with them too.
        """
        return {}

    @property
    def assets(self) -> Mapping[str, bytes]:
        """Further files to save with the encoder; the builder finds them in ``DataInfo.assets``."""
        return {}
