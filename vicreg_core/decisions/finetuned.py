"""``vicreg fit --method finetune``: the encoder itself is trained on with the labels there are."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from vicreg_core.classifiers.affine import Affine, fit_linear
from vicreg_core.classifiers.fitted.choice import Choice, choose, judge
from vicreg_core.classifiers.fitted.methods import FAMILIES, FINETUNE, Ground
from vicreg_core.classifiers.folds import assign_folds, most_folds
from vicreg_core.classifiers.pool import Pool
from vicreg_core.contracts import DatasetAdapter, Encoder
from vicreg_core.contracts.keys import mix_int, stream_id
from vicreg_core.data.labelled import labelled
from vicreg_core.data.subset import Subset
from vicreg_core.decisions.made import Made
from vicreg_core.decisions.samples import RunSamples, Say, pool_of
from vicreg_core.errors import RunError
from vicreg_core.evaluation.subjects.bench import Bench
from vicreg_core.evaluation.supervised.finetuner import Finetuner, Trainable
from vicreg_core.evaluation.supervised.training import Classifier, Head
from vicreg_core.pretrained import PretrainedEncoder
from vicreg_core.recipes.schema import LabelTraining

_FOLDS = 3


def finetune(samples: RunSamples, *, balanced: bool, floors: bool, say: Say) -> Made:
    """Train a copy of the encoder and a linear classifier on the labelled samples, end to end.

    The classifier starts as logistic regression on the encoder as it is: started from nothing it would first
    distort the features (Kumar et al., "Fine-tuning can distort pretrained features and underperform
    out-of-distribution", arXiv:2202.10054). Learning rate and length are chosen as the protocol ``finetune``
    does. The estimate is that of three trainings that each lack a third of the labels, whole groups where
    there are groups.

    Args:
        samples: of the run.
        balanced: weigh the classes alike.
        floors: estimate the same of an encoder that was not trained before (learning from scratch), and of
            a linear classifier on the encoder as it was.
        say: told what is being trained.

    Raises:
        RunError: it is not known how long the encoder was trained, which is the measure of what training
            with labels may cost.
        TrainingFailed: the loss is no longer finite.
    """
    frozen = Ground(pool_of(samples.encoded().train, samples.bench, balanced=balanced))
    trainable = replace(
        _trainable(samples, samples.model.encoder, say), head=_LogisticRegression(frozen.pool, samples.bench)
    )
    choice = _cross_validated(trainable, frozen.pool)
    network, training = Finetuner(trainable, LabelTraining(), balanced).train(trainable.train)
    model = _as_model(samples.model, network.cpu(), training)
    subject = samples.bench.encoder(FINETUNE, model.encoder)
    ground = Ground(pool_of(subject.train, samples.bench, balanced=balanced))
    below: dict[str, Choice] = {}
    if floors and choice.estimate is not None:
        below["the encoder as it was"] = choose(frozen, FAMILIES["linear"])
        seed = mix_int(samples.loaded.recipe.seed, stream_id("untrained"))
        scratch = _trainable(samples, samples.model.untrained(seed), say)
        below["training from scratch"] = _cross_validated(scratch, frozen.pool)
    return Made(subject, ground, choice, below, _head(network, ground), model)


def _trainable(samples: RunSamples, encoder: Encoder, say: Say) -> Trainable:
    bench = samples.bench
    if bench.cost is None:
        raise RunError(
            "--method finetune: the run does not say how long its encoder was trained, which is the measure "
            "of what training with labels may cost; use another method"
        )
    data = labelled(bench.train)
    return Trainable(
        encoder=encoder,
        train=data,
        test=data,
        augmentation=bench.augmentation,
        cost=bench.cost,
        seed=bench.seed,
        device=bench.device,
        workers=bench.workers,
        say=say,
    )


class _LogisticRegression:
    """On the vectors of the encoder as it is, for labelled samples that are trained on."""

    def __init__(self, pool: Pool, bench: Bench) -> None:
        self.pool = pool
        self.row = {str(name): row for row, name in enumerate(bench.train.ids)}

    def __call__(self, data: DatasetAdapter) -> Head:
        """Weights and bias; a class without a label is as unlikely as any."""
        rows = np.array([self.row[str(name)] for name in data.ids])
        pool = replace(
            self.pool,
            vectors=self.pool.vectors[rows],
            labels=self.pool.labels[rows],
            groups=self.pool.groups_of(rows),
        )
        fitted = fit_linear(pool, pool.labels, unit=False)
        assert fitted.scale is not None
        weight = fitted.weight / fitted.scale[:, None]
        bias = fitted.bias - fitted.mean @ weight
        return Head(weight.T, bias.clamp_min(bias[bias.isfinite()].min()))


def _cross_validated(trainable: Trainable, pool: Pool) -> Choice:
    """What to expect, by folds of the labelled samples, each scored by a training that lacked it."""
    rows = pool.rows()
    labels = pool.labels[rows]
    groups = pool.groups_of(rows)
    folds = most_folds(labels, groups, _FOLDS)
    if folds < 2:
        return judge(pool, {FINETUNE: None}, folds)
    fold = assign_folds(labels, groups, folds, pool.seed)
    shares = np.full((len(rows), pool.classes), 1.0 / pool.classes, np.float32)
    for each in range(folds):
        held, kept = np.flatnonzero(fold == each), np.flatnonzero(fold != each)
        if len(np.unique(labels[kept])) > 1:
            of_fold = replace(trainable, test=Subset(trainable.train, held), made={})
            shares[held] = Finetuner(of_fold, LabelTraining(), pool.balanced)(kept).probabilities
    return judge(pool, {FINETUNE: shares}, folds)


def _head(network: Classifier, ground: Ground) -> Affine:
    """The network's own linear classifier; a class without a label is never decided."""
    counts = np.bincount(ground.pool.labels[ground.pool.rows()], minlength=ground.pool.classes)
    bias = network.head.bias.detach().clone()
    bias[torch.from_numpy(counts == 0)] = -torch.inf
    width = network.head.in_features
    weight = network.head.weight.detach().T.contiguous()
    return Affine(torch.zeros(width), torch.ones(width), weight, bias)


def _as_model(start: PretrainedEncoder, network: Classifier, training: dict[str, Any]) -> PretrainedEncoder:
    told = {**start.manifest.training, "finetuned": training}
    manifest = start.manifest.model_copy(update={"training": told})
    return PretrainedEncoder(network.encoder, start.augmentation, manifest, start.info)
