"""The floors a representation is shown beside: the untrained encoder, and features without any learning."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from vicreg_core.classifiers.preprocessing import Standardiser
from vicreg_core.contracts import Batch, DatasetAdapter, Encoder
from vicreg_core.errors import DataError

CALIBRATION_SAMPLES = 2048
RAW_FEATURES = "raw_features"
MAX_DIMS = 512
"""Raw features wider than this are reduced to so many principal components."""


def has_batch_norm(encoder: nn.Module) -> bool:
    """Whether an encoder has running statistics that an untrained one lacks."""
    return any(isinstance(module, _BatchNorm) for module in encoder.modules())


@torch.no_grad()
def calibrate_batch_norm(encoder: Encoder, batches: Iterable[Batch]) -> None:
    """Give an untrained encoder the batch-norm statistics of real data, averaged over ``batches``.

    With the initial statistics, mean 0 and variance 1, a deep untrained network squashes or inflates what it
    is given; with those of the data it is the stronger floor, so that an encoder does not win on statistics
    alone.
    """
    encoder.eval()
    layers = [module for module in encoder.modules() if isinstance(module, _BatchNorm)]
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
        layer.train()
    for batch in batches:
        encoder(batch)
    # Else an encoder trained on from here would be judged by the statistics of all of its steps.
    for layer, momentum in zip(layers, momenta, strict=True):
        layer.momentum = momentum
    encoder.eval()


def floor_vectors(
    data: DatasetAdapter, rows: NDArray[np.int64], name: str = RAW_FEATURES
) -> NDArray[np.float32] | None:
    """The features ``(len(rows), F) float32`` of one of the dataset's floors, or ``None`` without such.

    Raises:
        DataError: where they are not of that shape, or not finite.
    """
    floor = data.floors().get(name)
    raw = None if floor is None else floor.features(rows)
    if raw is None:
        return None
    vectors = np.ascontiguousarray(raw, dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(rows) or not np.isfinite(vectors).all():
        raise DataError(
            f"the floor {name!r} of {type(data).__name__} gave shape {np.shape(raw)} for {len(rows)} "
            "samples, or values that are not finite; expected finite values of shape (samples, features)"
        )
    return vectors


def prepare_raw(
    train: NDArray[np.float32], test: NDArray[np.float32] | None, device: torch.device
) -> tuple[NDArray[np.float32], NDArray[np.float32] | None, dict[str, float]]:
    """Raw features made fit for every protocol: standardised and at most :data:`MAX_DIMS` wide.

    Their units are arbitrary (grey levels, counts, areas), so a cosine between them means nothing before they
    are standardised.

    Returns:
        The training and test features, and what results must say of a reduction.
    """
    features = torch.from_numpy(train).to(device)
    standardise = Standardiser.fit(features, MAX_DIMS)
    made = standardise(features).cpu().numpy()
    made_test = None if test is None else standardise(torch.from_numpy(test).to(device)).cpu().numpy()
    return made, made_test, standardise.reduction()
