"""From the sources of a recipe to the dataset adapter of one split."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from vicreg_core.contracts import DataInfo, Split
from vicreg_core.errors import DataError
from vicreg_text.cache import digest_of, key_of
from vicreg_text.datasets.adapter import TextDataset, class_list
from vicreg_text.datasets.config import CorpusConfig
from vicreg_text.datasets.documents import Documents, open_documents
from vicreg_text.datasets.floor import Floors
from vicreg_text.datasets.source import Source
from vicreg_text.tokens.arrays import Tokens, fit_tokenizer, tokenise
from vicreg_text.tokens.statistics import starting_assets
from vicreg_text.tokens.tokenizer import FILE, Vocabulary, parse_tokenizer


def open_split(
    config: CorpusConfig, split: Split, train: Source, test: Callable[[], Source] | None
) -> TextDataset | None:
    """The adapter of one split; tokenizer, classes and statistics are those of the training documents.

    Args:
        config: the dataset's recipe keys.
        split: which one.
        train: the training documents.
        test: opens the test documents, where the recipe names any.

    Raises:
        DataError: saying which row or file is at fault and what to do.
    """
    if split == "test" and test is None:
        return None
    documents = open_documents(train, config.on_error)
    fit = TrainingFit(config, documents)
    classes = class_list(documents)
    floors = Floors(documents, config.max_fit)
    if split == "test" and test is not None:
        documents = open_documents(test(), config.on_error)
    return TextDataset(documents, fit, floors, classes, neighbours=config.neighbours * (split == "train"))


_SHORT = 20
"""Median tokens below which parts of a document share too little: questions and titles have some 12."""


class TrainingFit:
    """What is fitted to the training documents, at the moment it is asked for.

    Data that is read for a saved model asks for nothing: it may be a handful of documents, to which nothing
    could be fitted.

    Args:
        config: the dataset's recipe keys.
        documents: the training documents.
    """

    def __init__(self, config: CorpusConfig, documents: Documents) -> None:
        self.config, self.documents = config, documents

    def __call__(self) -> DataInfo:
        """That of the data."""
        return self.info

    @cached_property
    def info(self) -> DataInfo:
        """The tokenizer, what views and encoders must know of it, and the corpus' token vectors.

        Raises:
            DataError: where nothing can be learnt from the documents.
        """
        config, documents = self.config, self.documents
        tokenizer_json = fit_tokenizer(documents, config.tokenizer, config.max_fit)
        tokens = tokenise(documents, tokenizer_json)
        _require_views(documents, tokens.lengths)
        _require_variety(documents, tokens)
        if config.tokenizer.kind != "grams" and config.tokenizer.pretrained is None:
            _advise_if_short(documents, tokens.lengths)
        vocabulary = Vocabulary.of(parse_tokenizer(tokenizer_json))
        assets = {FILE: tokenizer_json}
        if config.token_vectors:
            key = key_of(documents.key, digest_of(tokenizer_json))
            assets |= starting_assets(tokens, key, vocabulary.size, config.token_vectors, config.max_fit)
        facts = {
            "kind": "text",
            **vocabulary.facts(),
            "tokenizer": config.tokenizer.pretrained,
            "token_vectors": config.token_vectors,
            "positives": documents.column("positives") is not None or config.neighbours > 0,
        }
        return DataInfo(facts=facts, assets=assets)


def _require_views(documents: Documents, lengths: NDArray[np.int64]) -> None:
    short = int((lengths < 2).sum())
    if 2 * short > len(lengths):
        raise DataError(
            f"{documents.name}: {short:,} of {len(lengths):,} documents have a single token, so that two "
            "views of them are the same; bring longer texts, or join columns (data.text=[title, body])"
        )


def _advise_if_short(documents: Documents, lengths: NDArray[np.int64]) -> None:
    median = int(np.median(lengths))
    if median < _SHORT:
        warnings.warn(
            f"{documents.name}: half of the documents have at most {median} tokens, so that two parts of one "
            "share hardly a word; the recipe text/short is made for such texts",
            stacklevel=2,
        )


def _require_variety(documents: Documents, tokens: Tokens) -> None:
    if len(documents) < 2:
        raise DataError(f"{documents.name} holds one document; VICReg compares documents and needs many")
    first = tokens.flat[: tokens.offsets[1]]
    same = (
        tokens.lengths[0] == tokens.lengths[-1]
        and (tokens.lengths == tokens.lengths[0]).all()
        and np.array_equal(tokens.flat, np.tile(first, len(documents)))
    )
    if same:
        raise DataError(
            f"{documents.name}: all {len(documents):,} documents hold the same text; nothing to learn"
        )
