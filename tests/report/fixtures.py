"""Runs made up of plain numbers, as a run folder would give them."""

from __future__ import annotations

import math

import numpy as np

from vicreg_core.data.png import png_text
from vicreg_core.report.projection import map_of
from vicreg_core.report.record import RunRecord
from vicreg_core.report.sections.collapse import STD_EDGES
from vicreg_core.report.snapshot_file import FORMAT, Shown, Snapshot, Views
from vicreg_core.report.space import clusters_of, neighbours_of, space_of
from vicreg_core.report.timeline import Phase
from vicreg_core.vectors.projection import principal

CLASSES = ["plane", "car", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
MALICE = "</script><script>alert('pwned')</script>\"'><img src=x onerror=alert(1)>"


def metrics(steps: int = 60, every: int = 20, collapse_from: int | None = None) -> list[dict]:
    """Logged steps of a run that goes well, or whose embedding loses its rank at a step."""
    records = []
    for i in range(1, steps + 1):
        step, fade = i * every, math.exp(-6 * i / steps)
        collapsed = collapse_from is not None and step >= collapse_from
        rank = 11.0 if collapsed else 96.0 - 30 * fade
        floor = 1.0
        records.append(
            {
                "step": step,
                "epoch": step / 100,
                "loss": 14 + 12 * fade + 0.2 * math.sin(i),
                "invariance": 0.18 + 0.2 * fade + 0.01 * math.sin(3 * i),
                "variance": 0.05 + 0.5 * fade,
                "covariance": 2 * (floor + 0.6 + 9 * fade),
                "covariance_floor": floor,
                "covariance_excess": 0.6 + 9 * fade,
                "variance_0": 0.05 + 0.5 * fade,
                "variance_1": 0.06 + 0.48 * fade,
                "covariance_0": floor + 0.6 + 9 * fade,
                "covariance_1": floor + 0.7 + 8 * fade,
                "representation_std_min": 0.01,
                "representation_std_median": 0.2,
                "representation_effective_rank": 60 + 20 * (1 - fade),
                "embedding_std_min": 0.7 * (1 - fade),
                "embedding_std_median": 0.97 - 0.6 * fade,
                "embedding_effective_rank": rank,
                "embedding_std_histogram": histogram(0.97 - 0.6 * fade),
                "representation_std_histogram": histogram(0.2),
                "lr": 1e-3 * math.sin(math.pi * i / (steps + 1)),
                "grad_norm": 1 + 4 * fade,
                "samples_per_second": 4000.0 + 150 * math.sin(i),
                "time": 1_700_000_000.0 + 1.28 * i,
                "collapse": "dimensional" if collapsed else None,
            }
        )
        if i % 20 == 0:
            records[-1] |= {"probe_knn": 0.8 - 0.5 * fade, "probe_n": 500, "probe_chance": 0.12}
    return records


def histogram(centre: float) -> list[int]:
    """Counts of 64 standard deviations around one, in the bins that training logs."""
    spread = centre * np.exp(0.3 * np.linspace(-1, 1, 64))
    return np.bincount(np.searchsorted(STD_EDGES, spread), minlength=len(STD_EDGES) + 1).tolist()


def evaluation(value: float = 0.83, floor: float = 0.55, n: int = 2_000, classes=CLASSES) -> dict:
    """An evaluation with the core's three protocols and both floors."""

    def one(accuracy: float, **more) -> dict:
        half = 1.96 * math.sqrt(accuracy * (1 - accuracy) / n)
        interval = [accuracy - half, accuracy + half]
        return {
            "metric": "accuracy",
            "accuracy": accuracy,
            "interval": interval,
            "n": n,
            "seconds": 2.5,
            **more,
        }

    def few(accuracy: float) -> dict:
        budgets = [
            ("1 per class", 10, 0.45),
            ("10 per class", 100, 0.75),
            ("10 %", 800, 0.93),
            ("all", 8000, 1.0),
        ]
        return {
            "rows": [
                one(accuracy * share, name=name, n_train=labels, draws=5) for name, labels, share in budgets
            ],
            "seconds": 4.0,
        }

    rng = np.random.default_rng(0)
    size, each = len(classes), n // len(classes)
    confusion = np.stack(
        [rng.multinomial(each, [0.15 / size + 0.85 * (i == j) for j in range(size)]) for i in range(size)]
    )
    table = [
        {"class": name, "n": each, "recall": confusion[k, k] / each, "precision": 0.8, "f1": 0.81}
        for k, name in enumerate(classes)
    ]
    severities = [1, 2, 3, 4, 5]

    def worn(accuracy: float) -> dict:
        names = {"mean": 0.04, "noise": 0.06, "blur": 0.02}
        rows = [
            {
                **one(accuracy - 3 * loss),
                "name": name,
                "clean": accuracy,
                "by_severity": [accuracy - loss * s for s in severities],
            }
            for name, loss in names.items()
        ]
        return {"rows": rows, "n": n, "severities": severities, "clean": accuracy, "seconds": 3.0}

    def drawn(accuracy: float) -> dict:
        gains = {("drawn", "linear"): 0.0, ("drawn", "fit"): 0.08, ("suggested", "linear"): 0.03}
        gains["suggested", "fit"] = 0.12
        rows = [
            {
                **one(accuracy - 2.0 / count + gain / count**0.3),
                "name": f"{count} {how}, {classifier}",
                "n_train": count,
                "labels": how,
                "classifier": classifier,
            }
            for count in (10, 40, 100, 400)
            for (how, classifier), gain in gains.items()
        ]
        return {"rows": rows, "seconds": 4.0}

    figures = {"rankme": 60.5, "alpha_req": 1.2, "lidar": 70.0, "dims": 128, "spectrum": [0.5, 0.3, 0.2]}
    rank = {**figures, "comparable": False, "n": n, "embedding": {**figures, "rankme": 88.8}, "rows": []}
    details = {"per_class": table, "confusion": confusion.tolist()}
    return {
        "format": 1,
        "model": "digest",
        "protocols": {
            "knn": one(value - 0.03, k=20),
            "linear": one(value, **details),
            "label-fractions": few(value),
            "few-labels": drawn(value),
            "robustness": worn(value),
            "rank": rank,
        },
        "baselines": {
            "random_encoder": {
                "knn": one(floor - 0.1),
                "linear": one(floor - 0.05),
                "label-fractions": few(floor - 0.05),
                "few-labels": drawn(floor - 0.05),
                "robustness": worn(floor - 0.05),
            },
            "raw_features": {"knn": one(floor - 0.02), "linear": one(floor), "label-fractions": few(floor)},
        },
        "notes": [],
    }


def snapshot(
    n: int = 300, classes=CLASSES, *, text: bool = False, labelled: bool = True, groups: bool = False
) -> Snapshot:
    """A snapshot of points around one centre a class, shown as small gradients or as texts."""
    rng = np.random.default_rng(1)
    labels = np.arange(n) % len(classes)
    centres = rng.normal(size=(len(classes), 32)) * 2
    vectors = (centres[labels] + rng.normal(size=(n, 32))).astype(np.float32)
    ramp = np.linspace(0, 255, 32).astype(np.uint8)

    def seen(row: int) -> Shown:
        if text:
            return Shown(
                text=f"Document {row} of {classes[labels[row]]}. "
                + "It says this and that, at some length. " * 5
            )
        hue = (labels[row] * 25 + 20) % 256
        picture = np.stack(
            [np.full((32, 32), hue), np.tile(ramp, (32, 1)), np.tile(ramp[:, None], (1, 32))], axis=2
        )
        return Shown(png=png_text(picture.astype(np.uint8)))

    names = [f"test-{i:05d}" for i in range(n)]
    return Snapshot(
        format=FORMAT,
        model="digest",
        split="held-out",
        ids=names,
        labels=labels.tolist() if labelled else None,
        classes=list(classes) if labelled else [],
        groups=[f"plate {i % 3}" for i in range(n)] if groups else None,
        clusters=clusters_of(vectors, len(classes), 0),
        maps=[map_of(principal(vectors))],
        shown={str(row): seen(row) for row in range(n)},
        neighbours=neighbours_of(vectors, np.arange(6), 9),
        views=[
            Views(id=names[i], label=int(labels[i]), shown=[seen(i), seen(i + 1), seen(i + 2)])
            for i in range(8)
        ],
        space=space_of(vectors),
    )


RECIPE = {
    "summary": "Ten kinds of small pictures",
    "seed": 0,
    "data": {"name": "vision/table", "path": "pictures"},
    "augmentation": {"name": "vision/standard"},
    "encoder": {"name": "vision/resnet18"},
    "objective": {"name": "core/vicreg", "gamma": 1.0},
    "train": {"epochs": 12, "steps": None, "batch_size": 256},
}


def record(**changes) -> RunRecord:
    """The record of a whole run, with parts replaced."""
    whole = {
        "name": "pictures",
        "recipe": RECIPE,
        "recipe_text": "train:\n  batch_size: 256\n",
        "environment": {"device": "cpu", "precision": "float32", "packages": {"torch": "2.14.1"}},
        "metrics": metrics(),
        "evaluation": evaluation(),
        "snapshot": snapshot(),
        "phases": [Phase("setting up", 3.0), Phase("training", 80.0), Phase("evaluating the encoder", 9.0)],
    }
    return RunRecord(**{**whole, **changes})
