from __future__ import annotations

import subprocess
import sys

import pytest
import torch
from pydantic import ValidationError

import vicreg_core
from tests.objectives.reference import random_views
from vicreg_core.objectives.base import Objective, Terms
from vicreg_core.objectives.component import build_vicreg
from vicreg_core.objectives.config import VICRegConfig
from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_core.plugins.builtin import vicreg_objectives


def test_config_and_constructor_have_the_same_defaults() -> None:
    assert repr(build_vicreg(VICRegConfig())) == repr(VICRegLoss())


def test_every_key_reaches_the_loss() -> None:
    keys = {
        "invariance": 1.0,
        "variance": 2.0,
        "covariance": 3.0,
        "gamma": 0.5,
        "epsilon": 1e-3,
        "convention": "paper",
        "branch_weights": [1.0, 2.0],
    }
    criterion = build_vicreg(VICRegConfig.model_validate(keys))
    assert {key: getattr(criterion, key) for key in keys} == keys | {"branch_weights": (1.0, 2.0)}
    assert criterion.target_std == 0.5


@pytest.mark.parametrize(
    "keys", [{"invarance": 1.0}, {"variance": -1.0}, {"gamma": 0.0}, {"convention": "x"}, {"gamma": "1"}]
)
def test_a_mistaken_key_is_refused(keys: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        VICRegConfig.model_validate(keys)


def test_the_core_registers_vicreg() -> None:
    (spec,) = [spec for spec in vicreg_objectives() if spec.name == "vicreg"]
    assert spec.target == f"{build_vicreg.__module__}:{build_vicreg.__qualname__}"
    assert spec.config == f"{VICRegConfig.__module__}:{VICRegConfig.__qualname__}"


def test_an_objective_of_ones_own_needs_terms_alone() -> None:
    class Invariance(Objective):
        def terms(self, embeddings: object, /) -> Terms:
            a, b = embeddings  # type: ignore[misc, attr-defined]
            return Terms((a - b).pow(2).mean())

    views = random_views(2, 5, 3, seed=1)
    objective = Invariance()
    assert torch.equal(objective(views), objective.terms(views).loss)
    assert list(objective.terms(views).named()) == ["loss"]


def test_doors_are_light() -> None:
    modules = "vicreg_core, vicreg_core.plugins.builtin, vicreg_core.objectives.config"
    code = f"import sys, {modules}; print(*[m for m in ('torch', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_public_names_are_loaded_on_use() -> None:
    assert vicreg_core.VICRegLoss is VICRegLoss
    assert "VICRegLoss" in dir(vicreg_core)
    with pytest.raises(AttributeError, match="no attribute 'VICRegLos'"):
        vicreg_core.VICRegLos  # type: ignore[attr-defined]  # noqa: B018
