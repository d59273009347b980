"""``vicreg predict``: what a classifier says of a run's samples, or of other samples, as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_core.classifiers.fitted.saved import FittedClassifier
from vicreg_core.pretrained import load
from vicreg_core.vectors.files import VectorTable
from vicreg_core.vectors.of_run import Part, embed_run


def predict_run(
    run: Path,
    part: Part = "all",
    *,
    overrides: Sequence[str] = (),
    vectors: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> VectorTable:
    """Decide every sample of a run's recipe, or of other data given by overrides of ``data``.

    Args:
        run: folder of a run with a classifier.
        part: as for :func:`~vicreg_core.vectors.of_run.embed_run`.
        overrides: ``key.path=value`` of ``data``, and ``train.device``.
        vectors: keep the vectors beside the answers.
        say: told what is being done.

    Returns:
        The columns that are known of each sample, then ``prediction``, ``probability``, ``set`` (the classes
        that cannot be ruled out, joined by ``|``), ``nearest_labelled``, ``nearest_similarity`` and
        ``unfamiliar``, and the probability of each class as ``p_CLASS``.

    Raises:
        RunError: there is no classifier, or it is not of this model.
        VicregError: whatever else the user can act on.
    """
    model = load(run)
    table = embed_run(
        run, part, overrides=overrides, samples=False, projected=False, model=model.deciding, say=say
    )
    answers = answer_columns(model.classifier, table)
    # A column of the data that is called like an answer keeps its values under another name.
    known = {f"metadata_{name}" if name in answers else name: of for name, of in table.columns.items()}
    columns = {**known, **answers}
    return VectorTable(columns, table.vectors if vectors else table.vectors[:, :0])


def answer_columns(classifier: FittedClassifier, table: VectorTable) -> dict[str, Any]:
    """The columns of the answers, one value a row of the table."""
    decisions = classifier.decide(table.vectors)
    names = np.array(classifier.classes)
    best = decisions.probabilities.max(axis=1) if len(decisions.probabilities) else np.empty(0, np.float32)
    return {
        "prediction": decisions.label.tolist(),
        "probability": best,
        "set": ["|".join(names[row]) for row in decisions.sets],
        "nearest_labelled": decisions.nearest.tolist(),
        "nearest_similarity": decisions.similarity,
        "unfamiliar": decisions.unfamiliar,
        **{f"p_{name}": decisions.probabilities[:, place] for place, name in enumerate(classifier.classes)},
    }
