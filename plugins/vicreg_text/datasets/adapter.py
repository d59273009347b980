"""The dataset adapter of documents."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.contracts import UNLABELLED, Batch, DataInfo, DatasetAdapter, Floor
from vicreg_core.data.labelled import class_order
from vicreg_core.errors import DataError
from vicreg_text.datasets.documents import Documents
from vicreg_text.datasets.floor import Floors
from vicreg_text.datasets.neighbours import Neighbours, nearest_documents
from vicreg_text.datasets.partners import Partners
from vicreg_text.tokens.arrays import Tokens, tokenise
from vicreg_text.tokens.tokenizer import FILE, parse_tokenizer, unknown_id

_PARTNERS = 4
_NAMED = 10


class TextDataset(DatasetAdapter):
    """Documents as memory-mapped token ids.

    A raw batch is ragged, so that one long document costs its own length and not that of the batch::

        {"length": (B,) int64, "tokens": (length.sum(),) int32}

    and, where the recipe names ``data.positives`` or asks for ``data.neighbours``, beside it in the same form
    other documents, with the same key or nearest to it: ``{"partner_length": (B, P) int64, "partner_tokens":
    (...,) int32}``, of length 0 where there are fewer. Data read for a model has no neighbours.

    Args:
        documents: texts and columns.
        fit: what is fitted to the training documents; called when it is first needed.
        floors: features without learning, from the training documents.
        classes: names of the classes, where there are labels.
        neighbours: nearest documents that are offered as partners.
        trained: ``(m,) int64``, the documents that are trained on and may be partners; ``None``: all.
    """

    in_memory = True

    def __init__(
        self,
        documents: Documents,
        fit: Callable[[], DataInfo],
        floors: Floors,
        classes: Sequence[str] = (),
        *,
        neighbours: int = 0,
        trained: NDArray[np.int64] | None = None,
    ) -> None:
        self.documents, self._fit, self._floors = documents, fit, floors
        self._neighbours, self._trained = neighbours, trained
        self.classes = tuple(classes)
        self.ids = _ids(documents)
        self.labels = _labels(documents, self.classes) if classes else None
        self.groups = _groups(documents)
        self.skipped = tuple(documents.skipped)

    @cached_property
    def info(self) -> DataInfo:  # type: ignore[override]
        """Vocabulary facts, the tokenizer and, for a fresh encoder, the corpus' token vectors."""
        return self._fit()

    @cached_property
    def tokens(self) -> Tokens:
        """The token ids of the documents, derived now or found in the cache."""
        tokenizer_json = self.info.assets[FILE]
        tokens = tokenise(self.documents, tokenizer_json)
        empty = tokens.unknown(unknown_id(parse_tokenizer(tokenizer_json)))
        if len(empty):
            named = ", ".join(str(self.ids[row]) for row in empty[:_NAMED]) + (
                ", ..." if len(empty) > _NAMED else ""
            )
            warnings.warn(
                f"{self.documents.name}: the tokenizer knows no token of {len(empty):,} of {len(self):,} "
                f"documents (data.id {named}); their vectors say nothing of them: zeros, or one for all",
                stacklevel=2,
            )
        return tokens

    @cached_property
    def metadata(self) -> Mapping[str, Sequence[Any]]:  # type: ignore[override]
        """The number of tokens and the recipe's metadata columns."""
        return {"tokens": self.lengths.tolist(), **self.documents.metadata()}

    @cached_property
    def _partners(self) -> Partners | Neighbours | None:
        if not self.info.facts["positives"]:
            return None
        if self._neighbours:
            among = np.arange(len(self)) if self._trained is None else np.sort(self._trained)
            key, assets, most = self.documents.key, self.info.assets, self._floors.max_fit
            return nearest_documents(self.tokens, key, assets, self._neighbours, among, most)
        # Data without the key, read for a model trained with one: every document is its own partner.
        return Partners(self.documents.column("positives") or [None] * len(self), _PARTNERS)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """``(n,) int64`` tokens of each document."""
        return self.tokens.lengths

    def __getitems__(self, indices: Sequence[int] | NDArray[np.int64]) -> Batch:
        """A ragged batch of the documents of ``indices``."""
        rows = np.asarray(indices, dtype=np.int64)
        lengths, flat = self.tokens.gather(rows)
        batch = {"length": torch.from_numpy(lengths), "tokens": torch.from_numpy(flat)}
        if self._partners is not None:
            partners, present = self._partners.of(rows)
            lengths, flat = self.tokens.gather(partners.ravel(), present.ravel())
            batch["partner_length"] = torch.from_numpy(lengths.reshape(partners.shape))
            batch["partner_tokens"] = torch.from_numpy(flat)
        return batch

    def __getitem__(self, index: int) -> list[int]:
        """The token ids of one document: the sample ``Augmentation.collate`` takes."""
        _, flat = self.tokens.gather(np.array([index]))
        ids: list[int] = flat.tolist()
        return ids

    def raw_features(self, indices: NDArray[np.int64]) -> NDArray[np.float32]:
        """``(len(indices), 256) float32``: LSA of TF-IDF, fitted on the training documents."""
        return self._floors.lsa(self.documents, indices)

    def floors(self) -> Mapping[str, Floor]:
        """LSA, and TF-IDF of words and of characters."""
        return self._floors.of(self.documents)

    def for_training(self, rows: NDArray[np.int64]) -> TextDataset:
        """The same documents; only those at ``rows`` are neighbours of one another."""
        return TextDataset(
            self.documents,
            self._fit,
            self._floors,
            self.classes,
            neighbours=self._neighbours,
            trained=rows,
        )

    def for_model(self, info: DataInfo) -> TextDataset:
        """The same documents, read by the model's tokenizer; nothing is fitted to them.

        Raises:
            DataError: the model is not one of documents.
        """
        if info.facts.get("kind") != "text":
            raise DataError(f"{self.documents.name} holds documents, and the model was trained on other data")
        return TextDataset(self.documents, partial(_known, info), self._floors, self.classes)


def _known(info: DataInfo) -> DataInfo:
    """What a saved model was fitted to; a function by name, so that the dataset can be pickled."""
    return info


def class_list(documents: Documents) -> tuple[str, ...]:
    """The classes of a training split in order: by value where all are integers, else by name.

    Raises:
        DataError: where all labels are the same.
    """
    names = {name for name in documents.column("label") or () if name is not None}
    if len(names) == 1:
        raise DataError(
            f"{documents.name}: every label is {names.pop()!r}, and one class tells nothing apart; "
            "name another data.label, or none to train without labels"
        )
    return tuple(sorted(names, key=class_order))


def _labels(documents: Documents, classes: Sequence[str]) -> NDArray[np.int64] | None:
    """Class indices, -1 where a document has no label; ``None`` where none has."""
    index: dict[str | None, int] = {None: UNLABELLED} | {name: i for i, name in enumerate(classes)}
    labels = documents.column("label") or []
    for row, label in enumerate(labels):
        if label not in index:
            raise DataError(
                f"{documents.name}: row {int(documents.numbers()[row])} (counted from 0) has the label "
                f"{label!r}, which no training row has; the classes are {', '.join(map(repr, classes[:20]))}"
            )
    encoded = np.array([index[label] for label in labels], dtype=np.int64)
    return encoded if (encoded != UNLABELLED).any() else None


def _ids(documents: Documents) -> Sequence[str] | NDArray[np.int64]:
    ids = documents.column("id")
    if ids is None:
        return documents.numbers()
    if None in ids:
        row = int(documents.numbers()[ids.index(None)])
        raise DataError(f"{documents.name}: row {row} (counted from 0) has no id in the column data.id names")
    return [str(i) for i in ids]


def _groups(documents: Documents) -> NDArray[Any] | None:
    """The group column, else the positives': documents that are views of one another never part."""
    groups = documents.column("group") or documents.column("positives")
    if groups is None:
        return None
    alone = f"row {{}} of {documents.name}"  # a document without a group is one by itself
    named = [
        alone.format(n) if group is None else group
        for n, group in zip(documents.numbers().tolist(), groups, strict=True)
    ]
    return np.array(named, dtype=object)
