"""The text recipes on labelled corpora, several seeds, beside TF-IDF and LSA on the same draws of labels.

``python benchmarks/text_bars.py ag-news|newsgroups|banking77 [--seeds 3] [--out runs/bars] [key=value ...]``

The data is looked for under ``VICREG_DATA`` (default ``../shared/data``). For each seed the recipe is trained
without labels; then a multinomial logistic regression reads the labels off the vectors. The protocol is that
of the encoder and of its floors: features at unit length, the penalty chosen by cross-validation within the
draw (five folds; three for TF-IDF), 5 draws of 1 % and of 10 % of the labels, each class by its share; of
banking77, which has 77 classes, of 1 and of 10 labels a class.
Figures are means over the draws; ``±`` is the standard deviation over the seeds of training (of a floor,
which has no seed: over draws).
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.linear import fit_tuned
from vicreg_core.evaluation.protocols.label_fractions import label_budgets
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run
from vicreg_core.vectors.of_run import embed_run

FOLDERS = {"ag-news": "ag_news_7600", "newsgroups": "newsgroups20", "banking77": "banking77"}
BUDGETS = {"banking77": ("1 per class", "10 per class", "all")}
USUAL_BUDGETS = ("1 %", "10 %", "all")
TFIDF_PENALTIES = (1.0, 10.0)


class Labelled(NamedTuple):
    """Labels of both splits and the rows of the training split in each draw, by budget."""

    train: NDArray[np.int64]
    test: NDArray[np.int64]
    draws: dict[str, list[NDArray[np.int64]]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpus", choices=sorted(FOLDERS))
    parser.add_argument("overrides", nargs="*", metavar="key=value")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path("runs/bars"))
    options = parser.parse_args()
    folder = Path(os.environ.get("VICREG_DATA", Path(__file__).parents[1] / "../shared/data"))
    folder /= FOLDERS[options.corpus]
    if not folder.is_dir():
        parser.error(f"{folder} is not there; set VICREG_DATA to the folder of labelled data")
    runs = [train(options, folder, seed) for seed in range(options.seeds)]
    classification(runs, folder)


def train(options: argparse.Namespace, folder: Path, seed: int) -> Path:
    """The run of one seed."""
    data = [f"data.{split}={table_of(folder, split)}" for split in ("train", "test")]
    recipe = f"text/{options.corpus}"
    if options.corpus == "banking77":
        recipe, data = "text/short", [*data, "data.text=text", "data.label=category"]
    loaded = load_recipe(recipe, [*data, f"seed={seed}", *options.overrides])
    run = Path(options.out, f"{options.corpus}-{seed}")
    started = time.process_time()
    train_run(loaded, RunDirectory(run), resume=False, overwrite=True)
    print(f"{run}: {time.process_time() - started:.0f} s of processor time", flush=True)
    return run


def classification(runs: Sequence[Path], folder: Path) -> None:
    """Accuracy by number of labels, of the encoder of each seed and of the floors."""
    texts, labels = zip(*(read(table_of(folder, split)) for split in ("train", "test")), strict=True)
    asked = BUDGETS.get(folder.name, USUAL_BUDGETS)
    budgets = {b.name: b.draws for b in label_budgets(labels[0], seed=0) if b.name in asked}
    data = Labelled(*labels, budgets)
    each = []
    for run in runs:
        train_vectors, test_vectors = (embed_run(run, split).vectors for split in ("train", "test"))
        each.append(score(data, dense(train_vectors, test_vectors, data)))
    report("encoder", {name: [float(np.mean(one[name])) for one in each] for name in data.draws})
    tfidf, lsa = floors(*texts)
    report("LSA-256", score(data, dense(*lsa, data)))
    report("TF-IDF", score(data, sparse(*tfidf, data)))
    report("TF-IDF of characters", score(data, sparse(*characters(*texts), data)))


def table_of(folder: Path, split: str) -> Path:
    """The file of a split."""
    return next(path for form in ("parquet", "csv") if (path := folder / f"{split}.{form}").is_file())


def read(path: Path) -> tuple[list[str], NDArray[np.int64]]:
    """Texts and labels of a split."""
    import pyarrow.parquet as pq
    from pyarrow import csv

    if path.suffix == ".csv":
        table = csv.read_csv(path, parse_options=csv.ParseOptions(newlines_in_values=True))
        names = table["category"].to_pylist()
        return table["text"].to_pylist(), np.unique(names, return_inverse=True)[1].astype(np.int64)

    table = pq.read_table(path, columns=["text", "label"])
    return table["text"].to_pylist(), table["label"].to_numpy().astype(np.int64)


Probe = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""Fits some rows of the training split and predicts the test split."""


def score(data: Labelled, probe: Probe) -> dict[str, list[float]]:
    """Accuracy on the test split for each draw of each budget."""
    return {
        name: [float((probe(rows) == data.test).mean()) for rows in draws]
        for name, draws in data.draws.items()
    }


def dense(train: NDArray[np.float32], test: NDArray[np.float32], data: Labelled) -> Probe:
    """The probe of vectors, ``(n, D)`` and ``(m, D)``."""
    features, targets = unit(train), unit(test)
    labels, classes = torch.from_numpy(data.train), int(data.train.max()) + 1

    def predict(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        picked = torch.from_numpy(rows)
        predicted: NDArray[np.int64] = (
            fit_tuned(features[picked], labels[picked], classes).predict(targets).numpy()
        )
        return predicted

    return predict


def unit(vectors: NDArray[np.float32]) -> torch.Tensor:
    """Every row with the norm ``sqrt(D)``, so that the grid of penalties suits every width."""
    return torch.nn.functional.normalize(torch.from_numpy(vectors), dim=1) * vectors.shape[1] ** 0.5


def sparse(train: Any, test: Any, data: Labelled) -> Probe:
    """The probe of TF-IDF matrices, whose rows have unit length already."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score

    def predict(rows: NDArray[np.int64]) -> NDArray[np.int64]:
        features, labels = train[rows], data.train[rows]
        probes = [LogisticRegression(C=c, tol=1e-3, max_iter=1000) for c in TFIDF_PENALTIES]
        # One label a class leaves none to compare penalties by; the weaker penalty suits so few.
        folds = min(3, int(np.bincount(labels)[np.unique(labels)].min()))
        best = probes[-1]
        if folds > 1:
            best = max(probes, key=lambda probe: cross_val_score(probe, features, labels, cv=folds).mean())
        predicted: NDArray[np.int64] = best.fit(features, labels).predict(test)
        return predicted

    return predict


def floors(train: list[str], test: list[str]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
    """TF-IDF of words and its truncated SVD to 256 dimensions, fitted on the training texts."""
    from sklearn.decomposition import TruncatedSVD
    from sklearn.feature_extraction.text import TfidfVectorizer

    tfidf = TfidfVectorizer(sublinear_tf=True, min_df=2)
    words = tfidf.fit_transform(train), tfidf.transform(test)
    svd = TruncatedSVD(256, random_state=0).fit(words[0])
    reduced = (np.asarray(svd.transform(matrix), dtype=np.float32) for matrix in words)
    return words, (next(reduced), next(reduced))


def characters(train: list[str], test: list[str]) -> tuple[Any, Any]:
    """TF-IDF of runs of three to five characters within words, fitted on the training texts."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    tfidf = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
    return tfidf.fit_transform(train), tfidf.transform(test)


def report(name: str, figures: dict[str, list[float]]) -> None:
    """One line: mean and standard deviation of each figure."""
    parts = []
    for budget, values in figures.items():
        spread = f" ± {np.std(values, ddof=1):.3f}" if len(values) > 1 else ""
        parts.append(f"{budget} {np.mean(values):.3f}{spread}")
    print(f"{name:22}" + "   ".join(parts), flush=True)


if __name__ == "__main__":
    main()
