"""Sentence similarity: do cosines rank pairs as people do?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vicreg_core.evaluation.subjects.subject import Features, Subject

_WIDTH = 256


class Pairs(NamedTuple):
    """Sentence pairs among the samples of a ``text/pairs`` dataset.

    Attributes:
        first, second: ``(P,) int64`` rows of the two sentences of each pair.
        scores: ``(P,) float64``, similarity by human judgement.
    """

    first: NDArray[np.int64]
    second: NDArray[np.int64]
    scores: NDArray[np.float64]


def pairs_of(features: Features) -> Pairs | None:
    """The scored pairs of which both sentences are there; ``None`` for other data."""
    names, scores = features.metadata.get("pair"), features.metadata.get("score")
    if names is None or scores is None:
        return None
    rows: dict[Any, list[int]] = {}
    for row, (name, score) in enumerate(zip(names, scores, strict=True)):
        if score is not None:
            rows.setdefault(name, []).append(row)
    both = np.array([pair for pair in rows.values() if len(pair) == 2], dtype=np.int64).reshape(-1, 2)
    return Pairs(both[:, 0], both[:, 1], np.array([float(scores[row]) for row in both[:, 0]]))


def cosines(vectors: NDArray[np.float32], pairs: Pairs) -> NDArray[np.float64]:
    """``(P,) float64`` cosine similarity of the two vectors of each pair; 0 where one is zero."""
    wide = vectors.astype(np.float64)
    unit = wide / np.maximum(np.linalg.norm(wide, axis=1, keepdims=True), 1e-12)
    similarity: NDArray[np.float64] = (unit[pairs.first] * unit[pairs.second]).sum(1)
    return similarity


def spearman(similarity: NDArray[np.float64], scores: NDArray[np.float64]) -> float:
    """Spearman's rank correlation; 0 where one side is constant."""
    from scipy.stats import rankdata  # type: ignore[import-untyped]

    ranks = np.stack([rankdata(similarity), rankdata(scores)])
    centred = ranks - ranks.mean(1, keepdims=True)
    norm = math.sqrt(float((centred[0] ** 2).sum() * (centred[1] ** 2).sum()))
    return float((centred[0] * centred[1]).sum()) / norm if norm > 0 else 0.0


def spearman_interval(correlation: float, n: int) -> list[float] | None:
    """Its 95 % interval by Fisher's z with the variance of Bonett and Wright, Psychometrika 65, 2000."""
    if n < 4:
        return None
    centre = math.atanh(max(-0.999999, min(0.999999, correlation)))
    half = 1.959964 * math.sqrt((1 + correlation**2 / 2) / (n - 3))
    return [math.tanh(centre - half), math.tanh(centre + half)]


@dataclass(frozen=True, slots=True)
class SentenceSimilarity:
    """The protocol ``text/sts``: Spearman's correlation of cosines with human scores.

    Beside it stand the floors that need no training: TF-IDF of words, of character n-grams, and LSA, all
    fitted on the training sentences.
    """

    needs_labels: bool = False

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """The correlation on the test pairs, and that of the floors where the subject is an encoder."""
        pairs = None if subject.test is None else pairs_of(subject.test)
        if subject.test is None or pairs is None or len(pairs.scores) < 2:
            return {
                "skipped": "it needs scored sentence pairs to test on: data.name text/pairs with data.test"
            }
        correlation = spearman(cosines(subject.test.vectors, pairs), pairs.scores)
        return {
            "metric": "spearman",
            "spearman": correlation,
            "interval": spearman_interval(correlation, len(pairs.scores)),
            "n": len(pairs.scores),
            **({"floors": _floors(subject.train, subject.test, pairs)} if subject.name == "encoder" else {}),
        }


def _floors(train: Features, test: Features, pairs: Pairs) -> dict[str, float]:
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    corpus = sorted(set(train.metadata["text"]))
    settings: dict[str, dict[str, Any]] = {
        "tfidf_words": {},
        "tfidf_characters": {"analyzer": "char_wb", "ngram_range": (2, 4)},
    }
    floors: dict[str, float] = {}
    for name, options in settings.items():
        vectorizer = TfidfVectorizer(**options).fit(corpus)
        matrix = vectorizer.transform(test.metadata["text"])
        similarity = np.asarray(matrix[pairs.first].multiply(matrix[pairs.second]).sum(1)).ravel()
        floors[name] = spearman(similarity, pairs.scores)
    words = TfidfVectorizer().fit(corpus)
    known = words.transform(corpus)
    svd = TruncatedSVD(min(_WIDTH, min(known.shape) - 1), random_state=0).fit(known)
    reduced = svd.transform(words.transform(test.metadata["text"]))
    return {**floors, "lsa": spearman(cosines(reduced, pairs), pairs.scores)}


def build(config: None) -> SentenceSimilarity:
    """The protocol ``text/sts``."""
    return SentenceSimilarity()
