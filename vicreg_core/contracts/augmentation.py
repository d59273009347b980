"""How samples become views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from vicreg_core.contracts.batch import Batch, Shown
from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.show import show_images


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
            ValueError: no such corruption or severity (:func:`vicreg_core.contracts.severity.strength`).
        """
        raise ValueError(f"{type(self).__name__} offers no corruption {name!r}")

    def clean(self, batch: Batch) -> Tensor:
        """What a decoder rebuilds of evaluation views: ``(B, T)`` floating, the same ``T`` for every batch.

        Small pictures, channels, counts of tokens: what of a sample is worth keeping, in some hundred
        numbers. A modality that says it puts ``offers=("clean",)`` into the augmentation's spec; the
        objective ``core/reconstruction`` needs it.

        Args:
            batch: what ``forward(batch, None)`` made.

        Raises:
            ValueError: there is no such thing.
        """
        raise ValueError(f"{type(self).__name__} does not say what a decoder shall rebuild")

    def show(self, views: Batch) -> Sequence[Shown] | None:
        """Each sample of what :meth:`forward` made, as a picture or text for reports.

        By default tensors ``(B, C, H, W)`` are shown as pictures; ``None`` says that there is nothing to see.
        """
        return show_images(views)
