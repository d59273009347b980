"""The floor ``supervised``: a network trained from scratch with the labels."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Any

import numpy as np

from vicreg_core.evaluation.protocols.finetune import finetuned_rows, finetuned_scores
from vicreg_core.evaluation.protocols.label_fractions import label_budgets
from vicreg_core.evaluation.subjects.subject import Subject

NAME = "supervised"

_ALL_LABELS = ("linear", "knn")
_FEWER_LABELS = "label-fractions"


def supervised_floor(untrained: Subject, protocols: Collection[str]) -> dict[str, dict[str, Any]] | None:
    """The results of a network trained from scratch, by the protocol that each is a floor of.

    The network answers with its own classifier: trained on all labels beside ``linear`` and ``knn``, and on
    the draws of ``label-fractions`` beside its rows. Other protocols score features and have no such floor;
    in ``finetune`` the untrained encoder is this network already.

    Args:
        untrained: the untrained encoder.
        protocols: those that were asked for.

    Returns:
        ``None`` where the data or the model allows no training with labels.
    """
    if untrained.finetune is None:
        return None
    train, _ = untrained.labelled()
    results: dict[str, dict[str, Any]] = {}
    for protocol in (name for name in (*_ALL_LABELS, _FEWER_LABELS) if name in protocols):
        started = time.perf_counter()
        if protocol == _FEWER_LABELS:
            budgets = label_budgets(train.labels, untrained.seed, fractions=untrained.fractions)
            result: dict[str, Any] = {"rows": finetuned_rows(untrained, untrained.finetune, budgets)}
        else:
            result = finetuned_scores(untrained, untrained.finetune(np.arange(len(train.labels))))
        results[protocol] = {**result, "seconds": round(time.perf_counter() - started, 2)}
    return results
