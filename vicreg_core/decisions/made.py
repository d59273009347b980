"""What a way to a classifier gives to ``vicreg fit``."""

from __future__ import annotations

from dataclasses import dataclass

from vicreg_core.classifiers.fitted.choice import Choice
from vicreg_core.classifiers.fitted.methods import Ground, Rule
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.pretrained import PretrainedEncoder


@dataclass(frozen=True)
class Made:
    """A rule, and what it stands on.

    Attributes:
        subject: the vectors that it decides on.
        ground: those of the training samples, with their labels.
        choice: of its method.
        floors: what the same procedure does otherwise, by name.
        rule: fitted to all labelled samples; ``None``: the method of the choice is to be fitted.
        encoder: that made the vectors, where it is not the run's own.
    """

    subject: Subject
    ground: Ground
    choice: Choice
    floors: dict[str, Choice]
    rule: Rule | None = None
    encoder: PretrainedEncoder | None = None
