"""Batch correction of vectors: what the cells of a plate have in common is taken out of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vicreg_biomedical.protocols.columns import Population

RIDGE = 1e-2
"""Added to variances that are divided by, as a share of their mean, so that noise is not blown up."""


def centre_scale(cells: Population) -> NDArray[np.float32]:
    """Each batch to zero mean and unit spread of its controls, dimension by dimension.

    Of a batch without controls, or data without any, all cells of the batch are the reference.
    """
    corrected = np.empty_like(cells.vectors)
    for rows in _batches(cells):
        reference = cells.vectors[_reference(cells, rows)]
        mean, spread = reference.mean(axis=0), reference.std(axis=0)
        floor = np.sqrt(RIDGE * float(np.square(spread).mean()) + 1e-12)
        corrected[rows] = (cells.vectors[rows] - mean) / np.sqrt(np.square(spread) + floor**2)
    return corrected


def spherize(cells: Population) -> NDArray[np.float32]:
    """Centre each batch on its controls, then whiten (ZCA) by the pooled covariance of all controls.

    After Kessy, Lewin and Strimmer (The American Statistician 72:309, 2018).
    """
    centred, pooled = np.empty_like(cells.vectors), []
    for rows in _batches(cells):
        reference = _reference(cells, rows)
        centred[rows] = cells.vectors[rows] - cells.vectors[reference].mean(axis=0)
        pooled.append(cells.vectors[reference] - cells.vectors[reference].mean(axis=0))
    return (centred @ _power(np.concatenate(pooled), -0.5)).astype(np.float32)


def typical_variation(cells: Population) -> NDArray[np.float32]:
    """Typical variation normalisation: whiten by all controls, then align each batch's covariance (CORAL).

    After Ando, McLean and Berndl (bioRxiv 161422, 2017).
    """
    references = [_reference(cells, rows) for rows in _batches(cells)]
    controls = cells.vectors[np.concatenate(references)]
    mean = controls.mean(axis=0)
    whitened = (cells.vectors - mean) @ _power(controls - mean, -0.5)
    target = _power(whitened[np.concatenate(references)], 0.5)
    corrected = np.empty_like(cells.vectors)
    for rows, reference in zip(_batches(cells), references, strict=True):
        centre = whitened[reference].mean(axis=0)
        source = _power(whitened[reference] - centre, -0.5)
        corrected[rows] = (whitened[rows] - centre) @ source @ target
    return corrected


CORRECTIONS = {"centre_scale": centre_scale, "spherize": spherize, "typical_variation": typical_variation}


def _batches(cells: Population) -> list[NDArray[np.int64]]:
    return [np.flatnonzero(cells.batches == batch) for batch in np.unique(cells.batches)]


def _reference(cells: Population, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    if cells.controls is None:
        return rows
    controls = rows[cells.controls[rows]]
    return controls if len(controls) > 1 else rows


def _power(centred: NDArray[np.floating], exponent: float) -> NDArray[np.float64]:
    """``(D, D)``: a power of the covariance of ``(n, D)``, with :data:`RIDGE` on its spectrum."""
    covariance = np.cov(np.asarray(centred, np.float64), rowvar=False).reshape(centred.shape[1], -1)
    values, axes = np.linalg.eigh(covariance)
    values = np.clip(values, 0, None) + RIDGE * max(float(values.mean()), 1e-12)
    power: NDArray[np.float64] = (axes * values**exponent) @ axes.T
    return power
