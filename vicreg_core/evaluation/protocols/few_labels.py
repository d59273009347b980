"""Few labels, drawn or suggested, decided by a linear classifier or by what ``vicreg fit`` chooses."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_core.classifiers.affine import fit_linear
from vicreg_core.classifiers.fitted.choice import choose
from vicreg_core.classifiers.fitted.methods import FAMILIES, Ground, fit_rule
from vicreg_core.classifiers.pool import Pool
from vicreg_core.classifiers.typical import typical
from vicreg_core.contracts import UNLABELLED
from vicreg_core.evaluation.metrics.classification import headline, point_scores
from vicreg_core.evaluation.metrics.draws import row_of_draws
from vicreg_core.evaluation.protocols.config import FewLabelsConfig
from vicreg_core.evaluation.subjects.subject import LabelledFeatures, Subject

DRAWN, SUGGESTED = "drawn", "suggested"
LINEAR, FIT = "linear", "fit"


@dataclass(frozen=True, slots=True)
class FewLabels:
    """The protocol ``few-labels``.

    The labels of the training samples are hidden but for so many, which are drawn at random or suggested as
    ``vicreg suggest`` does without labels; all samples stay known without them. Suggestions are made in the
    subject's own features.
    """

    config: FewLabelsConfig = field(default_factory=FewLabelsConfig)
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """A row for each number of labels, way to choose them, and classifier: means over draws."""
        _, test = subject.labelled()
        pool, truth = _hidden(subject, balanced=self.config.balanced)
        ground = Ground(pool)
        metric = headline(balanced=self.config.balanced)
        rows: list[dict[str, Any]] = []
        for n in (n for n in self.config.labels if n < (truth != UNLABELLED).sum()):
            for how in (DRAWN, SUGGESTED):
                draws = list(_draws(pool, truth, how, n, self.config.draws))
                for classifier in (LINEAR, FIT):
                    answers = [_shares(ground, truth, draw, classifier, test) for draw in draws]
                    points = [point_scores(test.labels, each, pool.classes) for each in answers]
                    name = f"{n} {how}, {classifier}"
                    known = {"name": name, "n_train": n, "labels": how, "classifier": classifier}
                    rows.append(row_of_draws(points, metric) | known | {"n": len(test.labels)})
        few = "the training samples have no more labels than it takes"
        return {"rows": rows} if rows else {"skipped": few}


def _hidden(subject: Subject, *, balanced: bool) -> tuple[Pool, NDArray[np.int64]]:
    """The training samples without their labels, and these."""
    train = subject.train
    if train.labels is None:
        raise ValueError(f"subject {subject.name!r} has no labelled training samples")
    pool = Pool(
        vectors=train.vectors,
        labels=np.full(len(train.labels), UNLABELLED),
        classes=len(subject.classes),
        groups=train.groups,
        balanced=balanced,
        seed=subject.seed,
        device=subject.device,
    )
    return pool, train.labels


def _draws(pool: Pool, truth: NDArray[np.int64], how: str, n: int, count: int) -> Iterator[NDArray[np.int64]]:
    """Rows of the samples to label, of samples whose label is there to be shown."""
    known = truth != UNLABELLED
    for draw in range(count):
        if how == DRAWN:
            generator = np.random.default_rng([pool.seed, n, draw])
            yield np.sort(generator.permutation(np.flatnonzero(known))[:n])
        else:
            unit = pool.unit.cpu().numpy()
            yield typical(unit, n, np.empty(0, np.int64), known.copy(), pool.seed + draw)


def _shares(
    ground: Ground,
    truth: NDArray[np.int64],
    rows: NDArray[np.int64],
    classifier: str,
    test: LabelledFeatures,
) -> NDArray[np.float32]:
    """``(m, K)`` probabilities of the test samples from the labels of ``rows``."""
    labels = np.full(len(truth), UNLABELLED)
    labels[rows] = truth[rows]
    pool = replace(ground.pool, labels=labels)
    if classifier == LINEAR:
        return fit_linear(pool, labels, unit=False).shares(test.vectors)
    shown = ground.with_labels(pool)
    choice = choose(shown, FAMILIES["auto"])
    return choice.calibration(fit_rule(shown, choice.method).shares(test.vectors))
