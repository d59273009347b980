"""The conformance tests of objectives."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, cast

import torch
from torch import Tensor

from vicreg_core.objectives.base import Objective, StepInputs, Widths
from vicreg_core.plugins.loading import load_config, load_target
from vicreg_core.plugins.registry import load_registry
from vicreg_core.plugins.specs import ObjectiveSpec
from vicreg_core.recipes.validation import parse
from vicreg_core.testing.requirement import require
from vicreg_core.training.collapse import COMPLETE_STD
from vicreg_core.training.diagnostics import diagnose

_ROWS, _DIMS, _CLEAN = 48, 16, 8


class ObjectiveConformance:
    """What the core relies on in an objective: inherit, and name it in :attr:`component`."""

    component: ClassVar[str]
    """Full name, e.g. ``"core/vicreg"``."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Its own recipe keys."""

    def test_its_spec_declares_what_it_needs(self) -> None:
        """``needs`` of spec and objective are the same: ``vicreg recipe check`` reads the spec."""
        spec = cast(ObjectiveSpec, load_registry().get("objective", self.component).spec)
        needs = self._built().needs
        same = set(spec.needs) == set(needs)
        require(same, f"the spec declares needs={spec.needs!r}, the objective {sorted(needs)}")

    def test_terms_hold_a_loss_and_named_scalars(self) -> None:
        """The loss of a step is a finite scalar that the log's ``loss`` repeats."""
        terms = self._built().of_step(_inputs())
        require(terms.loss.ndim == 0, f"the loss has shape {tuple(terms.loss.shape)}, expected a scalar")
        require(bool(terms.loss.isfinite()), f"the loss of random embeddings is {terms.loss.item()}")
        named = {name: float(value) for name, value in terms.named().items()}
        same = named.get("loss") == terms.loss.item()
        require(same, f"named() gives loss {named.get('loss')}, but it is {terms.loss.item()}")
        json.dumps(named)

    def test_a_gradient_reaches_every_view(self) -> None:
        """Through its embedding, its representation or its feature maps: all views train the encoder."""
        inputs = _inputs()
        self._built().of_step(inputs).loss.backward()
        reached = [
            any(each.grad is not None and bool(each.grad.any()) for each in view) for view in _views(inputs)
        ]
        without = [str(i) for i, there in enumerate(reached) if not there]
        require(not without, f"no gradient reaches view {', '.join(without)}")

    def test_the_order_of_samples_does_not_matter(self) -> None:
        """Rows of all inputs in another order give the same loss."""
        objective, inputs = self._built(), _inputs()
        order = torch.randperm(_ROWS, generator=torch.Generator().manual_seed(1))
        other = _mapped(inputs, lambda _, rows: rows[order], lambda rows: rows[order])
        one, two = (_loss(objective, each) for each in (inputs, other))
        require(abs(one - two) <= 1e-4 * max(abs(one), 1), f"the order of rows changes {one} to {two}")

    def test_views_that_agree_cost_less(self) -> None:
        """Once its own weights fit pairs that match, those cost less than the same rows paired wrongly.

        A ``regulariser`` is indifferent to it.
        """
        objective = self._built()
        together = _alike(_mapped(_inputs(), lambda _, rows: rows.detach()))
        apart = _mapped(together, lambda view, rows: rows.roll(1, 0) if view == 1 else rows)
        if list(objective.parameters()):
            _fit(objective, [], together, steps=300)
        matched, mismatched = _loss(objective, together), _loss(objective, apart)
        margin = 1e-4 * max(abs(matched), 1)
        if objective.regulariser:
            require(abs(matched - mismatched) <= margin, "a regulariser minds how rows are paired")
            return
        require(matched < mismatched - margin, f"matched views cost {matched:.4g}, others {mismatched:.4g}")

    def test_its_statistics_are_single_precision(self) -> None:
        """Inputs in half precision give a finite loss close to that of single precision."""
        objective = self._built()
        rounded = _mapped(_inputs(), lambda _, rows: (30 * rows.detach()).to(torch.bfloat16))
        with torch.autocast("cpu", dtype=torch.bfloat16):
            torch.manual_seed(0)
            half = objective.of_step(rounded).loss
        require(half.dtype == torch.float32, f"the loss of bfloat16 embeddings is {half.dtype}")
        exact = _loss(objective, _mapped(rounded, lambda _, rows: rows.float()))
        close = abs(half.item() - exact) <= 1e-3 * max(abs(exact), 1)
        require(close, f"under autocast the loss is {half.item():.6g}, in single precision {exact:.6g}")

    def test_twenty_steps_lower_it_without_collapse(self) -> None:
        """On inputs that are free to move, its own weights trained beside them."""
        objective = self._built()
        inputs = _mapped(_inputs(), lambda _, rows: (0.2 * rows.detach()).requires_grad_())
        free = [each for view in _views(inputs) for each in view]
        losses = _fit(objective, free, inputs, steps=20)
        fell = losses[-1] < losses[0] or objective.adversarial
        require(fell, f"the loss goes from {losses[0]:.4g} to {losses[-1]:.4g} in 20 steps")
        std = diagnose(inputs.embeddings[0].detach()).std_median
        least = COMPLETE_STD * objective.target_std
        require(std > least, f"collapse: the embeddings' median standard deviation is {std:.2g}")

    def _built(self) -> Objective:
        component = load_registry().get("objective", self.component)
        model = load_config(component)
        config = parse(model, dict(self.options)) if model else None
        built: Objective = load_target(component)(config)
        torch.manual_seed(0)
        built.prepare(Widths(_DIMS, _DIMS, classes=3, feature_maps=(4, _DIMS), clean=_CLEAN))
        return built


def _inputs() -> StepInputs:
    """A step of two noisy views of the same random samples, with everything an objective may need."""
    generator = torch.Generator().manual_seed(0)

    def noisy(*shape: int) -> list[Tensor]:
        common = torch.randn(_ROWS, *shape, generator=generator)
        noise = 0.5 * torch.randn(2, _ROWS, *shape, generator=generator)
        return [(common + each).requires_grad_() for each in noise]

    embeddings, representations = noisy(_DIMS), noisy(_DIMS)
    early, late = noisy(4, 3, 3), noisy(_DIMS, 2, 2)
    return StepInputs(
        embeddings,
        torch.arange(_ROWS) % 4 - 1,
        representations,
        list(zip(early, late, strict=True)),
        torch.randn(_ROWS, _CLEAN, generator=generator),
        [each.detach() for each in noisy(_DIMS)],
    )


def _views(inputs: StepInputs) -> list[list[Tensor]]:
    """What a gradient may reach, by view."""
    parts = zip(inputs.embeddings, inputs.representations, inputs.feature_maps, strict=True)
    return [[embedding, representation, *maps] for embedding, representation, maps in parts]


def _mapped(
    inputs: StepInputs,
    change: Callable[[int, Tensor], Tensor],
    others: Callable[[Tensor], Tensor] = lambda rows: rows,
) -> StepInputs:
    """The step with ``change(view, rows)`` of what views have, and ``others`` of labels and clean samples."""

    def each(views: Sequence[Tensor]) -> list[Tensor]:
        return [change(view, rows) for view, rows in enumerate(views)]

    return StepInputs(
        each(inputs.embeddings),
        None if inputs.labels is None else others(inputs.labels),
        each(inputs.representations),
        [[change(view, rows) for rows in own] for view, own in enumerate(inputs.feature_maps)],
        None if inputs.clean is None else others(inputs.clean),
        each(inputs.averages),
    )


def _alike(inputs: StepInputs) -> StepInputs:
    """The step with the first view in the place of the second."""
    return StepInputs(
        [inputs.embeddings[0]] * 2,
        inputs.labels,
        [inputs.representations[0]] * 2,
        [inputs.feature_maps[0]] * 2,
        inputs.clean,
        [inputs.averages[0]] * 2,
    )


def _loss(objective: Objective, inputs: StepInputs) -> float:
    torch.manual_seed(0)
    return float(objective.of_step(inputs).loss.detach())


def _fit(objective: Objective, free: Sequence[Tensor], inputs: StepInputs, steps: int) -> list[float]:
    """The losses of some steps of Adam on ``free`` inputs and the objective's own weights, if any."""
    groups = [{"params": list(free), "lr": 0.05}, {"params": list(objective.parameters()), "lr": 0.002}]
    optimizer, losses = torch.optim.Adam([each for each in groups if each["params"]]), list[float]()
    for _ in range(steps):
        torch.manual_seed(0)
        loss = objective.of_step(inputs).loss
        losses.append(loss.item())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return losses
