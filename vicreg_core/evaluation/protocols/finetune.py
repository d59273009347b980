"""The protocol ``finetune``: the encoder trained on with labels, end to end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vicreg_core.evaluation.metrics.classification import headline, score_classification
from vicreg_core.evaluation.metrics.draws import row_of_draws
from vicreg_core.evaluation.protocols.config import FinetuneConfig
from vicreg_core.evaluation.protocols.label_fractions import LabelBudget, label_budgets
from vicreg_core.evaluation.subjects.subject import Subject
from vicreg_core.evaluation.supervised.finetuner import Finetuned, Finetuner

_NOT_AN_ENCODER = "these features do not come from an encoder that could be trained"
_NO_COST = "it is not known how long the encoder was trained, so there is no budget to match"


@dataclass(frozen=True, slots=True)
class Finetune:
    """The protocol ``finetune``.

    Of the untrained encoder, the floor beside it, this is supervised training from scratch: same samples,
    views, number of steps, and learning rate chosen in the same way.
    """

    config: FinetuneConfig = field(default_factory=FinetuneConfig)
    needs_labels: bool = True

    def __call__(self, subject: Subject) -> dict[str, Any]:
        """One row a share of the labels, then one for all of them."""
        if subject.trainable is None:
            return {"skipped": _NOT_AN_ENCODER if subject.encode is None else _NO_COST}
        finetune = Finetuner(subject.trainable, self.config, balanced=self.config.balanced)
        train, _ = subject.labelled()
        budgets = label_budgets(train.labels, subject.seed, fractions=self.config.fractions, per_class=())
        return {"rows": finetuned_rows(subject, finetune, budgets)}


def finetuned_rows(
    subject: Subject, finetune: Finetuner, budgets: Sequence[LabelBudget]
) -> list[dict[str, Any]]:
    """One row an amount of labels: the scores of a network trained on the first few of its draws."""
    rows = []
    for budget in budgets:
        draws = [finetune(draw) for draw in budget.draws[: finetune.how.draws]]
        rows.append(
            {"name": budget.name, **_averaged([finetuned_scores(subject, finetune, each) for each in draws])}
        )
    return rows


def finetuned_scores(subject: Subject, finetune: Finetuner, made: Finetuned) -> dict[str, Any]:
    """The scores of one trained network on the test samples, and how it was trained."""
    _, test = subject.labelled()
    scores = score_classification(
        test.labels, made.probabilities, subject.classes, groups=test.groups, seed=subject.seed
    )
    return scores | made.training | {"metric": headline(balanced=finetune.balanced)}


def _averaged(scores: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The scores over the draws of one amount of labels: those of a single draw, or their means."""
    first = scores[0]
    if len(scores) == 1:
        return {**first, "interval_over": "test samples", "draws": 1}
    return {
        **row_of_draws(scores, first["metric"]),
        "n": first["n"],
        **{name: first[name] for name in ("n_train", "views", "batch_size")},
        "lr": [each["lr"] for each in scores],
    }
