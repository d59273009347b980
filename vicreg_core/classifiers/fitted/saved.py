"""A classifier as it is kept beside a model: what it decides by, what to expect of it, and what it knows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from vicreg_core.classifiers.fitted.calibration import Calibration, nonconformity, prediction_sets
from vicreg_core.classifiers.fitted.choice import Choice
from vicreg_core.classifiers.fitted.familiar import Familiar
from vicreg_core.classifiers.fitted.methods import Ground, Rule, fit_rule, read_rule
from vicreg_core.classifiers.neighbours import nearest
from vicreg_core.classifiers.pool import at_unit_length
from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path, is_whole, regular, sealed, sha256, why

FORMAT = 1
_CONFIG, _TENSORS = "config.json", "classifier.safetensors"
FOLDER = "classifier"
"""Where it lies in a run."""
ENCODER = "encoder"
"""Where in that folder the encoder lies that a classifier brings, where it was trained on for it."""


@dataclass(frozen=True)
class Decisions:
    """What a classifier says of samples; arrays of length ``m``.

    Attributes:
        label: names of the likeliest classes.
        probabilities: ``(m, K) float32``, calibrated.
        sets: ``(m, K) bool``: classes that cannot be ruled out at the classifier's coverage.
        nearest: id of the nearest labelled sample.
        similarity: its cosine, of centred vectors.
        unfamiliar: whether a sample lies outside what was trained on.
    """

    label: NDArray[np.str_]
    probabilities: NDArray[np.float32]
    sets: NDArray[np.bool_]
    nearest: NDArray[np.str_]
    similarity: NDArray[np.float32]
    unfamiliar: NDArray[np.bool_]


@dataclass(frozen=True)
class FittedClassifier:
    """Decides on the vectors of one model.

    Attributes:
        rule: gives class shares.
        method: its name.
        classes: names.
        calibration: makes probabilities of shares.
        scores: ``(c,)`` nonconformity of labelled samples, by which classes are ruled out.
        coverage: of the sets.
        anchors: ``(l, D)`` the labelled samples at unit length, centred by :attr:`mean`.
        anchor_ids: their ids.
        mean: ``(D,)``.
        familiar: knows what was trained on.
        model: digest of the encoder that made the vectors.
        about: JSON values: how it was made and what to expect of it.
    """

    rule: Rule
    method: str
    classes: tuple[str, ...]
    calibration: Calibration
    scores: NDArray[np.float64]
    coverage: float
    anchors: Tensor
    anchor_ids: tuple[str, ...]
    mean: Tensor
    familiar: Familiar
    model: str
    about: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def fit(
        cls,
        ground: Ground,
        choice: Choice,
        rule: Rule | None = None,
        *,
        classes: Sequence[str],
        ids: Sequence[Any] | NDArray[Any],
        model: str,
        coverage: float = 0.9,
        about: Mapping[str, Any] | None = None,
    ) -> FittedClassifier:
        """Fit the chosen method to all labelled samples.

        Args:
            ground: the samples.
            choice: of the method.
            rule: that was fitted by it; ``None``: it is fitted here.
            classes: names, by index.
            ids: ``(n,)`` of the samples.
            model: digest of the encoder.
            coverage: of the prediction sets.
            about: JSON values to keep.
        """
        pool, rows = ground.pool, ground.pool.rows()
        right = np.arange(len(rows)), pool.labels[rows]
        held_out = choice.held_out
        return cls(
            rule=fit_rule(ground, choice.method) if rule is None else rule,
            method=choice.method,
            classes=tuple(map(str, classes)),
            calibration=choice.calibration,
            scores=np.empty(0) if held_out is None else nonconformity(held_out)[right],
            coverage=coverage,
            anchors=pool.unit[rows].cpu(),
            anchor_ids=tuple(str(ids[row]) for row in rows.tolist()),
            mean=pool.standardiser.mean.cpu(),
            familiar=Familiar.of(pool),
            model=model,
            about=dict(about or {}),
        )

    def probabilities(self, vectors: NDArray[np.float32]) -> NDArray[np.float32]:
        """``(m, D) -> (m, K)``, calibrated; rows sum to 1."""
        return self.calibration(self.rule.shares(np.ascontiguousarray(vectors, dtype=np.float32)))

    def decide(self, vectors: NDArray[np.float32]) -> Decisions:
        """All that is said of samples with these vectors ``(m, D)``."""
        vectors = np.ascontiguousarray(vectors, dtype=np.float32)
        probabilities = self.probabilities(vectors)
        unit = at_unit_length(torch.from_numpy(vectors), self.mean).numpy()
        anchor = nearest(unit, self.anchors.numpy(), 1)
        return Decisions(
            label=np.array(self.classes)[probabilities.argmax(axis=1)],
            probabilities=probabilities,
            sets=self.sets(probabilities),
            nearest=np.array(self.anchor_ids)[anchor.row[:, 0].numpy()],
            similarity=anchor.similarity[:, 0].numpy(),
            unfamiliar=self.familiar.unfamiliar(unit),
        )

    def sets(self, probabilities: NDArray[np.float32], coverage: float | None = None) -> NDArray[np.bool_]:
        """``(m, K)``: the classes that cannot be ruled out; all, where no label was left to say so by."""
        wanted = self.coverage if coverage is None else coverage
        return prediction_sets(probabilities, self.scores, wanted)

    def save(self, folder: Path, beside: Callable[[Path], None] = lambda _: None) -> None:
        """Write it to a folder, whole or not at all; an earlier one there is replaced.

        Args:
            folder: to write.
            beside: given the folder before it appears, to write more into it.

        Raises:
            RunError: the disk refuses.
        """
        from safetensors import SafetensorError
        from safetensors.torch import save_file

        tensors = {
            **{f"rule.{name}": tensor for name, tensor in self.rule.tensors().items()},
            "scores": torch.from_numpy(self.scores),
            "anchors": self.anchors,
            "mean": self.mean,
            **{f"familiar.{name}": tensor for name, tensor in self.familiar.tensors().items()},
        }
        copies = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        with atomic_path(folder) as temporary:
            temporary.mkdir()
            try:
                save_file(copies, temporary / _TENSORS)
            except SafetensorError as error:
                raise OSError(str(error)) from error
            values = sealed({**self._config, "sha256": sha256(temporary / _TENSORS)})
            (temporary / _CONFIG).write_text(_json(values), encoding="utf-8")
            beside(temporary)

    @cached_property
    def _config(self) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "model": self.model,
            "method": self.method,
            "settings": self.rule.settings(),
            "classes": list(self.classes),
            "temperature": self.calibration.temperature,
            "prior": list(self.calibration.prior),
            "coverage": self.coverage,
            "labelled": list(self.anchor_ids),
            "least_similarity": self.familiar.least,
            "about": dict(self.about),
        }


def read_classifier(folder: Path) -> FittedClassifier:
    """The classifier that :meth:`FittedClassifier.save` wrote.

    Raises:
        RunError: there is none, it is damaged, or written by another version.
    """
    config, tensors = _read(folder)
    try:
        of_rule = {name.removeprefix("rule."): t for name, t in tensors.items() if name.startswith("rule.")}
        return FittedClassifier(
            rule=read_rule(config["method"], of_rule, config["settings"]),
            method=config["method"],
            classes=tuple(config["classes"]),
            calibration=Calibration(config["temperature"], tuple(config["prior"])),
            scores=tensors["scores"].numpy(),
            coverage=config["coverage"],
            anchors=tensors["anchors"],
            anchor_ids=tuple(config["labelled"]),
            mean=tensors["mean"],
            familiar=Familiar(tensors["familiar.reference"], config["least_similarity"]),
            model=config["model"],
            about=config["about"],
        )
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder} is no classifier of this version ({error}); fit it again") from error


def _read(folder: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / _CONFIG
    if not path.is_file():
        raise RunError(f"{folder.parent} has no classifier; make one with: vicreg fit {folder.parent}")
    try:
        config = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(config, dict) or not is_whole(config):
            raise ValueError("its checksum does not fit its content")
        if config.get("format") != FORMAT:
            raise RunError(
                f"{path} is of format {config.get('format')!r}, this version reads {FORMAT}: fit again"
            )
        if sha256(folder / _TENSORS) != config["sha256"]:
            raise ValueError(f"the checksum of {_TENSORS} does not fit")
        return config, load_file(regular(folder / _TENSORS))
    except (OSError, ValueError, KeyError, RecursionError, SafetensorError) as error:
        raise RunError(f"the classifier {folder} is damaged ({why(error)}); run vicreg fit again") from error


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, indent=2) + "\n"
