"""TF-IDF and LSA of a corpus: what scikit-learn gives, fitted to the training documents alone."""

from __future__ import annotations

import numpy as np
import pytest

from vicreg_text.datasets.floor import LSA_WIDTH, TfidfFloor, leading_axes


class Texts:
    """The part of documents that floors use."""

    def __init__(self, texts):
        self.all = texts

    def __len__(self):
        return len(self.all)

    def texts(self, indices=None):
        return iter(self.all if indices is None else [self.all[i] for i in indices])


@pytest.fixture(scope="module")
def documents():
    draws = np.random.default_rng(0)
    vocabulary = [f"{a}{b}{c}" for a in "bdfglm" for b in "aeiou" for c in "nrst"]
    topics = draws.dirichlet(np.full(len(vocabulary), 0.05), size=5)
    return Texts([" ".join(draws.choice(vocabulary, 15, p=topics[i % 5])) for i in range(200)])


@pytest.mark.parametrize("unit", ["words", "characters"])
def test_cosines_are_those_of_tfidf(documents, unit):
    from sklearn.feature_extraction.text import TfidfVectorizer

    how = {"analyzer": "char_wb", "ngram_range": (3, 5)} if unit == "characters" else {}
    whole = TfidfVectorizer(sublinear_tf=True, **how).fit_transform(documents.texts())
    features = TfidfFloor(documents, 1000, unit).features(documents, 1024, np.arange(200))
    assert features.dtype == np.float32
    np.testing.assert_allclose(features @ features.T, (whole @ whole.T).toarray(), atol=0.02)


def test_lsa_is_its_leading_dimensions(documents):
    floor, rows = TfidfFloor(documents, 1000, "words"), np.array([5, 3])
    wide, narrow = (floor.features(documents, width, rows) for width in (1024, 7))
    np.testing.assert_array_equal(wide[:, :7], narrow)
    assert narrow.shape == (2, 7)
    assert wide.shape[1] <= LSA_WIDTH


def test_axes_are_the_singular_vectors():
    from scipy.sparse import random as sparse

    matrix = sparse(120, 400, 0.1, dtype=np.float32, random_state=0).tocsr()
    values = np.linalg.svd(matrix.toarray(), compute_uv=False)
    axes = leading_axes(matrix, 60)
    assert axes.shape == (400, 60)
    np.testing.assert_allclose(axes.T @ axes, np.eye(60), atol=1e-4)
    kept = np.linalg.norm(matrix @ axes) ** 2
    assert (values[:60] ** 2).sum() * 0.97 < kept <= (values[:60] ** 2).sum() * 1.0001
    whole = leading_axes(matrix, 1000)
    np.testing.assert_allclose(matrix @ whole @ whole.T, matrix.toarray(), atol=1e-3)
    twice = leading_axes(sparse(50, 8, 0.5, dtype=np.float32, random_state=1).tocsr(), 100)
    assert twice.shape == (8, 8)


def test_unseen_words_have_no_features(documents):
    other = Texts(["zzz qqq", documents.all[0]])
    features = TfidfFloor(documents, 1000, "words").features(other, 1024, np.arange(2))
    assert np.abs(features[0]).max() < 1e-6
    assert np.linalg.norm(features[1]) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("unit", ["words", "characters"])
@pytest.mark.parametrize("text", ["A C G T", "? !", "word{}", "{}"])
def test_words_of_one_letter_and_words_that_nobody_shares_count(unit, text):
    documents = Texts([text.format(i) + " A" * (i % 3) for i in range(1200)])
    features = TfidfFloor(documents, 2000, unit).features(documents, 1024, np.arange(1200))
    assert np.isfinite(features).all()
    assert 0.3 < np.linalg.norm(features, axis=1).max() < 1.01
