"""The floor ``supervised``: a network trained from scratch with the labels."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from vicreg_core.evaluation.protocols.finetune import finetuned_rows, finetuned_scores
from vicreg_core.evaluation.protocols.knn import WeightedKNN
from vicreg_core.evaluation.protocols.label_fractions import LabelFractions, label_budgets
from vicreg_core.evaluation.protocols.linear import LinearProbe
from vicreg_core.evaluation.protocols.registry import Protocol
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.evaluation.supervised.finetuner import Finetuner
from vicreg_core.recipes.schema import LabelTraining

NAME = "supervised"


def supervised_floor(
    untrained: Subject, protocols: Mapping[str, Protocol], how: LabelTraining
) -> dict[str, dict[str, Any]] | None:
    """The results of a network trained from scratch, by the protocol that each is a floor of.

    The network answers with its own classifier: trained on all labels beside linear probes and kNN, and on
    the draws of ``label-fractions`` beside its rows. Other protocols score features and have no such floor;
    in ``finetune`` the untrained encoder is this network already.

    Args:
        untrained: the untrained encoder.
        protocols: those that were asked for, by name.
        how: the network is trained.

    Returns:
        ``None`` where the data or the model allows no training with labels.
    """
    if untrained.trainable is None:
        return None
    train, _ = untrained.labelled()
    results: dict[str, dict[str, Any]] = {}
    for name, protocol in protocols.items():
        started = time.perf_counter()
        if isinstance(protocol, LabelFractions):
            finetune = Finetuner(untrained.trainable, how, balanced=protocol.config.balanced)
            fractions = protocol.config.fractions
            budgets = label_budgets(train.labels, untrained.seed, fractions=fractions)
            result: dict[str, Any] = {"rows": finetuned_rows(untrained, finetune, budgets)}
        elif isinstance(protocol, (WeightedKNN, LinearProbe)):
            balanced = isinstance(protocol, LinearProbe) and protocol.config.balanced
            finetune = Finetuner(untrained.trainable, how, balanced=balanced)
            result = finetuned_scores(untrained, finetune, finetune(np.arange(len(train.labels))))
        else:
            continue
        results[name] = {**result, "seconds": round(time.perf_counter() - started, 2)}
    return results
