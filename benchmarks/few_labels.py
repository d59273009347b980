"""Accuracy with few labels: drawn at random or suggested, decided by what ``vicreg fit`` chooses.

    python benchmarks/few_labels.py RUN [RUN ...] --labels 8,20,40,100,400

The labels of a run's training samples are hidden but for so many; scores are on its test samples. Beside the
automatic choice stands logistic regression on the same labels, drawn at random: what one would do without. Of
several runs (seeds) every figure is the mean over runs and draws, with its standard deviation over them.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from vicreg_core.classifiers.fitted.calibration import calibration_error
from vicreg_core.classifiers.fitted.choice import choose
from vicreg_core.classifiers.fitted.methods import FAMILIES, Ground
from vicreg_core.classifiers.fitted.saved import FittedClassifier
from vicreg_core.classifiers.linear import linear_probe
from vicreg_core.classifiers.pool import Pool
from vicreg_core.classifiers.priors import equal_priors
from vicreg_core.classifiers.typical import typical
from vicreg_core.decisions.samples import open_samples
from vicreg_core.evaluation.subjects.subject import Features, Subject


def accuracy(answers: np.ndarray, truth: np.ndarray, balanced: bool) -> float:
    right = answers == truth
    return float(np.mean([right[truth == k].mean() for k in np.unique(truth)]) if balanced else right.mean())


def one_draw(pool: Pool, truth: np.ndarray, test: Features, rows: np.ndarray, on: Ground) -> dict[str, float]:
    """What comes of the labels of ``rows``."""
    labels = np.full(len(truth), -1)
    labels[rows] = truth[rows]
    known = Pool(pool.vectors, labels, pool.classes, balanced=pool.balanced, seed=pool.seed)
    ground = on.with_labels(known)  # the graph knows no labels: one serves all draws
    choice = choose(ground, FAMILIES["auto"])
    names = [str(k) for k in range(pool.classes)]
    fitted = FittedClassifier.fit(ground, choice, classes=names, ids=np.arange(len(truth)), model="")
    shares = fitted.probabilities(test.vectors)
    score = accuracy(shares.argmax(axis=1), test.labels, pool.balanced)
    plain = linear_probe(pool.vectors[rows], truth[rows], test.vectors, pool.classes).probabilities
    plain = equal_priors(plain, truth[rows]) if pool.balanced else plain
    scores = {
        "fit": score,
        "logistic regression": accuracy(plain.argmax(axis=1), test.labels, pool.balanced),
        "calibration error": calibration_error(shares, test.labels),
        "coverage": float(fitted.sets(shares)[np.arange(len(test.labels)), test.labels].mean()),
    }
    if choice.estimate is not None:
        low, high = choice.estimate.interval
        scores |= {"estimate": choice.estimate.value, "within interval": float(low <= score <= high)}
    return scores


def draws(pool: Pool, how: str, n: int, count: int) -> Iterator[np.ndarray]:
    for seed in range(count):
        if how == "random":
            yield np.random.default_rng(seed).permutation(len(pool.vectors))[:n]
        else:
            free = np.ones(len(pool.vectors), dtype=bool)
            yield typical(pool.unit.numpy(), n, np.empty(0, np.int64), free, seed)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--labels", default="8,20,40,100,400")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--balanced", action="store_true")
    parser.add_argument(
        "--floors", action="store_true", help="the same on an untrained encoder and raw features"
    )
    given = parser.parse_args()
    found: dict[tuple[str, str, int], list[dict[str, float]]] = {}
    for run in given.runs:
        for subject in subjects(run, given.floors):
            train, test = subject.train, subject.test
            assert train.labels is not None, f"{run} has no labels"
            assert test is not None, f"{run} has no test samples"
            hidden = np.full(len(train.labels), -1)
            pool = Pool(
                train.vectors, hidden, len(subject.classes), balanced=given.balanced, seed=subject.seed
            )
            ground = Ground(pool)
            for how in ("random", "suggested"):
                for n in map(int, given.labels.split(",")):
                    for rows in draws(pool, how, n, given.draws):
                        scores = one_draw(pool, train.labels, test, rows, ground)
                        found.setdefault((subject.name, how, n), []).append(scores)
                    print(line(subject.name, how, n, found[subject.name, how, n]), flush=True)


def subjects(run: Path, floors: bool) -> Iterator[Subject]:
    opened = open_samples(run, None, command="benchmarks/few_labels.py")
    yield opened.encoded()
    if floors:
        yield opened.bench.untrained(lambda: opened.model.untrained(1))
        raw = opened.bench.floor()
        if raw is not None:
            yield raw


def line(name: str, how: str, n: int, scores: list[dict[str, float]]) -> str:
    keys = dict.fromkeys(key for each in scores for key in each)
    values = {key: [each[key] for each in scores if key in each] for key in keys}
    told = [f"{key} {np.mean(of):.3f} ± {np.std(of):.3f}" for key, of in values.items()]
    return f"{name} {how} {n} ({len(scores)} draws): {', '.join(told)}"


if __name__ == "__main__":
    main()
