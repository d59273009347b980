"""Labels spread over a graph of neighbours."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from tests.classifiers.blobs import CLASSES, blobs, pool
from vicreg_core.classifiers.pool import Pool, smoothed_prior
from vicreg_core.classifiers.propagation import ALPHA, Graph, Propagation, neighbours_for


def reference_graph(vectors: np.ndarray, k: int) -> np.ndarray:
    """``D^-1/2 W D^-1/2`` in float64, sample by sample."""
    centred = vectors.astype(np.float64) - vectors.astype(np.float64).mean(axis=0)
    unit = centred / np.linalg.norm(centred, axis=1, keepdims=True)
    cosine = unit @ unit.T
    joined = np.zeros_like(cosine)
    for i in range(len(unit)):
        others = [j for j in np.argsort(-cosine[i]) if j != i][:k]
        joined[i, others] = np.maximum(cosine[i, others], 0)
    joined = np.maximum(joined, joined.T)
    degree = joined.sum(axis=1)
    return joined / np.sqrt(degree[:, None] * degree[None])


def test_the_graph_is_that_of_the_reference():
    few, _ = pool(1, n=60)
    graph = Graph.of(few)
    assert graph.neighbours == 10
    np.testing.assert_allclose(graph.spread.toarray(), reference_graph(few.vectors, 10), atol=2e-6)


def test_masses_are_the_closed_form():
    few, _ = pool(2, n=60)
    spread = reference_graph(few.vectors, 10)
    start = np.zeros((60, CLASSES))
    for row in few.rows():
        start[row, few.labels[row]] = 0.5
    exact = np.linalg.solve(np.eye(60) - ALPHA * spread, (1 - ALPHA) * start)
    mass = Graph.of(few).propagate(few.labels, CLASSES)
    assert np.abs(mass - exact).sum() < 0.01 * exact.sum()


def test_one_label_of_each_class_decides_all_samples_and_new_ones():
    few, truth = pool(1)
    rule = Propagation.fit(few, few.labels, Graph.of(few))
    assert (rule.shares(few.vectors).argmax(axis=1) == truth).mean() > 0.98
    new, of_new = blobs(n=90, seed=5)
    shares = rule.shares(new)
    assert (shares.argmax(axis=1) == of_new).mean() > 0.98
    np.testing.assert_allclose(shares.sum(axis=1), 1, atol=1e-5)


def test_many_labels_of_a_class_do_not_drown_the_others():
    vectors, truth = blobs()
    labels = np.full(150, -1)
    labels[np.flatnonzero(truth == 0)[:40]] = 0
    labels[[1, 2]] = [1, 2]
    few = Pool(vectors, labels, CLASSES)
    shares = Propagation.fit(few, labels, Graph.of(few)).shares(vectors)
    assert (shares.argmax(axis=1) == truth).mean() > 0.98


def test_what_is_saved_decides_the_same():
    few, _ = pool(2)
    rule = Propagation.fit(few, few.labels, Graph.of(few))
    again = Propagation.of(rule.tensors(), rule.settings())
    assert np.array_equal(again.shares(few.vectors), rule.shares(few.vectors))


def test_equal_samples_are_neighbours_without_being_their_own():
    vectors = np.repeat(blobs(n=12)[0], 5, axis=0)
    graph = Graph.of(Pool(vectors, np.full(60, -1), CLASSES))
    assert isinstance(graph.spread, sparse.csr_matrix)
    assert not graph.spread.diagonal().any()


@pytest.mark.parametrize(("n", "classes", "k"), [(6_000, 4, 100), (999, 10, 10), (5, 2, 4), (2_000, 10, 20)])
def test_how_many_neighbours(n, classes, k):
    assert neighbours_for(n, classes) == k


def test_a_prior_is_learnt_from_many_labels_only():
    few = smoothed_prior(np.array([0, 0, 0, 1]), 2, balanced=False)
    many = smoothed_prior(np.array([0] * 3000 + [1] * 1000), 2, balanced=False)
    assert few[0] == pytest.approx(0.5, abs=0.01)
    assert many[0] == pytest.approx(0.75, abs=0.01)
    assert smoothed_prior(np.array([0] * 3000), 2, balanced=True).tolist() == [0.5, 0.5]
