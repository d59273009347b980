"""The conformance tests of objectives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from vicreg_core.objectives.base import Objective
from vicreg_core.plugins.loading import load_config, load_target
from vicreg_core.plugins.registry import load_registry
from vicreg_core.recipes.validation import parse
from vicreg_core.testing.requirement import require
from vicreg_core.training.collapse import COMPLETE_STD
from vicreg_core.training.diagnostics import diagnose

_ROWS, _DIMS = 48, 16


class ObjectiveConformance:
    """What the core relies on in an objective: inherit, and name it in :attr:`component`."""

    component: ClassVar[str]
    """Full name, e.g. ``"core/vicreg"``."""
    options: ClassVar[Mapping[str, Any]] = {}
    """Its own recipe keys."""

    def test_terms_hold_a_loss_and_named_scalars(self) -> None:
        """``terms(...).loss`` is a finite scalar that the log's ``loss`` repeats."""
        terms = self._built().terms(_views())
        require(terms.loss.ndim == 0, f"the loss has shape {tuple(terms.loss.shape)}, expected a scalar")
        require(bool(terms.loss.isfinite()), f"the loss of random embeddings is {float(terms.loss.detach())}")
        named = {name: float(value) for name, value in terms.named().items()}
        same = named.get("loss") == float(terms.loss.detach())
        require(same, f"named() gives loss {named.get('loss')}, but it is {float(terms.loss.detach())}")
        json.dumps(named)

    def test_a_gradient_reaches_every_view(self) -> None:
        """In place of a stop-gradient, VICReg trains all branches."""
        views = _views()
        self._built().terms(views).loss.backward()
        without = [str(i) for i, view in enumerate(views) if view.grad is None or not bool(view.grad.any())]
        require(not without, f"no gradient reaches view {', '.join(without)}")

    def test_the_order_of_samples_does_not_matter(self) -> None:
        """Rows of all views in another order give the same loss."""
        objective, views = self._built(), _views()
        order = torch.randperm(_ROWS, generator=torch.Generator().manual_seed(1))
        one, other = (float(objective(each).detach()) for each in (views, [view[order] for view in views]))
        require(abs(one - other) <= 1e-4 * max(abs(one), 1), f"the order of rows changes {one} to {other}")

    def test_views_that_agree_cost_less(self) -> None:
        """Pairs that match have a lower loss than the same rows paired wrongly."""
        objective, (first, _) = self._built(), _views()
        matched = float(objective([first, first]).detach())
        mismatched = float(objective([first, first.roll(1, 0)]).detach())
        margin = 1e-4 * max(abs(matched), 1)
        require(
            matched < mismatched - margin,
            f"matched views cost {matched:.4g}, others {mismatched:.4g}",
        )

    def test_its_statistics_are_single_precision(self) -> None:
        """Embeddings in half precision give a finite loss close to that of single precision."""
        objective, views = self._built(), [30 * view.detach() for view in _views()]
        rounded = [view.to(torch.bfloat16) for view in views]
        with torch.autocast("cpu", dtype=torch.bfloat16):
            half = objective(rounded)
        require(half.dtype == torch.float32, f"the loss of bfloat16 embeddings is {half.dtype}")
        exact = float(objective([view.float() for view in rounded]))
        close = abs(float(half) - exact) <= 1e-3 * max(abs(exact), 1)
        require(close, f"under autocast the loss is {float(half):.6g}, in single precision {exact:.6g}")

    def test_twenty_steps_lower_it_without_collapse(self) -> None:
        """On embeddings that are free to move."""
        objective, views = self._built(), [(0.2 * v.detach()).requires_grad_() for v in _views()]
        optimizer, losses = torch.optim.Adam(views, lr=0.05), []
        for _ in range(20):
            loss = objective(views)
            losses.append(float(loss.detach()))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        require(losses[-1] < losses[0], f"the loss goes from {losses[0]:.4g} to {losses[-1]:.4g} in 20 steps")
        std = diagnose(views[0].detach()).std_median
        least = COMPLETE_STD * objective.target_std
        require(std > least, f"collapse: the embeddings' median standard deviation is {std:.2g}")

    def _built(self) -> Objective:
        component = load_registry().get("objective", self.component)
        model = load_config(component)
        config = parse(model, dict(self.options)) if model else None
        built: Objective = load_target(component)(config)
        return built


def _views() -> list[Tensor]:
    """Two noisy views of the same random embeddings, ``(48, 16) float32`` each."""
    generator = torch.Generator().manual_seed(0)
    common = torch.randn(_ROWS, _DIMS, generator=generator)
    noise = 0.5 * torch.randn(2, _ROWS, _DIMS, generator=generator)
    return [(common + each).requires_grad_() for each in noise]
