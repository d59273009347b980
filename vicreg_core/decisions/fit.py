"""``vicreg fit``: a classifier of a run's samples from the labels that there are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_core.classifiers.fitted.calibration import calibration_error, labels_for
from vicreg_core.classifiers.fitted.choice import Choice, choose
from vicreg_core.classifiers.fitted.methods import FAMILIES, FINETUNE, Ground
from vicreg_core.classifiers.fitted.saved import ENCODER, FOLDER, FittedClassifier
from vicreg_core.classifiers.intervals import wilson_interval
from vicreg_core.classifiers.pool import Pool
from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.decisions.finetuned import finetune
from vicreg_core.decisions.made import Made
from vicreg_core.decisions.samples import RunSamples, Say, open_samples, pool_of
from vicreg_core.errors import DataError
from vicreg_core.evaluation.subjects.subject import Features, Subject
from vicreg_core.runs.lock import file_lock


@dataclass(frozen=True)
class FitResult:
    """A classifier that was fitted, and what is known of it.

    Attributes:
        classifier: as it was saved.
        choice: of its method.
        floors: what the same procedure does with other features, by their name.
        test: scores on held-out labelled samples; empty where there are none.
        folder: where the classifier lies.
        remarks: what its user must know.
    """

    classifier: FittedClassifier
    choice: Choice
    floors: dict[str, Choice]
    test: dict[str, Any]
    folder: Path
    remarks: list[str]


def fit_run(
    run: Path,
    labels: Path | None = None,
    *,
    method: str = "auto",
    balanced: bool = False,
    coverage: float = 0.9,
    floors: bool = True,
    overrides: Sequence[str] = (),
    say: Say = lambda _: None,
) -> FitResult:
    """Fit a classifier to the labelled samples of a run and keep it in ``RUN/classifier``.

    Args:
        run: folder of a finished run.
        labels: a table with the columns label and id (or path); ``None``: the labels of the recipe's data.
        method: one of :data:`~vicreg_core.classifiers.fitted.methods.FAMILIES`, or ``"finetune"``.
        balanced: decide as if all classes were as common, and estimate balanced accuracy.
        coverage: of the prediction sets.
        floors: estimate the same on raw features and on an untrained encoder.
        overrides: ``key.path=value`` of the recipe.
        say: told what is being done.

    Raises:
        DataError: nothing is labelled, or one class only.
        VicregError: whatever else the user can act on.
    """
    samples = open_samples(run, labels, overrides=overrides, command=f"vicreg fit {run}", say=say)
    _require_labels(samples, labels)
    say(f"encoding {len(samples.bench.train) + len(samples.bench.test or ()):,} samples")
    if method == FINETUNE:
        made = finetune(samples, balanced=balanced, floors=floors, say=say)
    else:
        made = _on_vectors(samples, method, balanced=balanced, floors=floors, say=say)
    train, pool = samples.bench.train, made.ground.pool
    classifier = FittedClassifier.fit(
        made.ground,
        made.choice,
        made.rule,
        classes=train.classes,
        ids=train.ids,
        model=samples.digest,
        coverage=coverage,
        about=_about(pool, made.choice, made.floors),
    )
    test = _test_scores(classifier, made.subject.test, balanced)
    folder, encoder = run / FOLDER, made.encoder
    with file_lock(folder):
        classifier.save(folder, lambda at: None if encoder is None else encoder.save_pretrained(at / ENCODER))
    remarks = list(_remarks(samples, pool, coverage))
    return FitResult(classifier, made.choice, made.floors, test, folder, remarks)


def _on_vectors(samples: RunSamples, method: str, *, balanced: bool, floors: bool, say: Say) -> Made:
    """A classifier of the encoder's vectors as they are."""
    subject = samples.encoded()
    ground = Ground(pool_of(subject.train, samples.bench, balanced=balanced))
    choice = choose(ground, FAMILIES[method], say)
    below = dict(_floors(samples, method, balanced, say)) if floors and choice.estimate else {}
    return Made(subject, ground, choice, below)


def _require_labels(samples: RunSamples, labels: Path | None) -> None:
    data = samples.bench.train
    where = "the data" if labels is None else str(labels)
    if data.labels is None:
        raise DataError(
            f"{where} has no label, so there is nothing to learn from; give a table with the columns id and "
            "label with --labels; vicreg suggest says which samples to label"
        )
    present = np.unique(data.labels[data.labels >= 0])
    if len(present) < 2:
        only = data.classes[int(present[0])]
        raise DataError(f"{where} labels every sample {only!r}; a classifier needs samples of two classes")


def _floors(samples: RunSamples, method: str, balanced: bool, say: Say) -> Iterator[tuple[str, Choice]]:
    """The whole procedure on features that nothing was learnt for."""
    bench = samples.bench
    seed = mix_int(samples.loaded.recipe.seed, stream_id("untrained"))
    makers: tuple[Callable[[], Subject | None], ...] = (
        functools.partial(bench.untrained, functools.partial(samples.model.untrained, seed)),
        bench.floor,
    )
    for make in makers:
        if (subject := make()) is not None:
            say(f"the same with {subject.name.replace('_', ' ')}")
            yield (
                subject.name,
                choose(Ground(pool_of(subject.train, bench, balanced=balanced)), FAMILIES[method]),
            )


def _about(pool: Pool, choice: Choice, floors: dict[str, Choice]) -> dict[str, Any]:
    return {
        "labels": len(pool.rows()),
        "samples": len(pool.vectors),
        "balanced": pool.balanced,
        "tried": dict(choice.tried),
        "why": choice.why,
        "estimate": None if choice.estimate is None else asdict(choice.estimate),
        "floors": {name: asdict(of.estimate) for name, of in floors.items() if of.estimate},
    }


def _test_scores(classifier: FittedClassifier, test: Features | None, balanced: bool) -> dict[str, Any]:
    """Scores on samples that neither training nor fitting knew."""
    if test is None or test.labels is None:
        return {}
    known = test.labelled()
    probabilities = classifier.probabilities(known.vectors)
    right = probabilities.argmax(axis=1) == known.labels
    recalls = [float(right[known.labels == k].mean()) for k in np.unique(known.labels)]
    sets = classifier.sets(probabilities)
    return {
        "metric": "balanced_accuracy" if balanced else "accuracy",
        "value": float(np.mean(recalls)) if balanced else float(right.mean()),
        "interval": None if balanced else wilson_interval(int(right.sum()), len(right)),
        "n": len(right),
        "calibration_error": calibration_error(probabilities, known.labels),
        "coverage": float(sets[np.arange(len(right)), known.labels].mean()),
        "classes_in_a_set": float(sets.sum(axis=1).mean()),
    }


def _remarks(samples: RunSamples, pool: Pool, coverage: float) -> Iterator[str]:
    labels = pool.labels[pool.rows()]
    counts = np.bincount(labels, minlength=pool.classes)
    names = [str(name) for name in samples.bench.train.classes]
    if lacking := [names[k] for k in np.flatnonzero(counts == 0).tolist()]:
        yield f"no label of {', '.join(lacking[:8])}: nothing will ever be decided to be that"
    if single := [names[k] for k in np.flatnonzero(counts == 1).tolist()]:
        yield f"a single label of {', '.join(single[:8])}: no estimate says how well that class is found"
    if len(labels) < (needed := labels_for(coverage)):
        yield f"at a coverage of {coverage:g} no class can be ruled out with fewer than {needed} labels"
    if samples.suggested:
        yield (
            "which samples are labelled was suggested, not drawn: the estimate holds for samples like these; "
            "typical ones are easy to tell, so expect less of the others"
        )
