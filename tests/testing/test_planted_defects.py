"""Every conformance test passes on parts that keep their promises, and fails on a planted defect."""

from __future__ import annotations

import dataclasses

import pytest
from pydantic import ConfigDict

from tests.testing import parts
from tests.testing.defects import DEFECTS
from vicreg_core.plugins import AugmentationSpec, DatasetSpec, EncoderSpec, ObjectiveSpec, ProtocolSpec
from vicreg_core.testing import (
    AugmentationConformance,
    DatasetConformance,
    EncoderConformance,
    ObjectiveConformance,
    PluginConformance,
    ProtocolConformance,
    check_plugin,
)
from vicreg_core.testing.requirement import NonConforming

RECIPE = """
data: toy/points
augmentation: toy/noise
encoder: toy/net
objective: toy/agreement
projector: {dims: [16]}
optimizer: {name: adamw, lr: 1e-3, scale_lr: false}
train: {epochs: 1, batch_size: 16, device: cpu, precision: float32}
evaluate: {protocols: [knn]}
"""
HERE = "tests.testing.parts"
SPECS = {
    "dataset": DatasetSpec(
        name="points", target=f"{HERE}:read_points", config=f"{HERE}:Options", summary="points"
    ),
    "augmentation": AugmentationSpec(name="noise", target=f"{HERE}:Noise", summary="noise"),
    "encoder": EncoderSpec(name="net", target=f"{HERE}:Net", summary="a net"),
    "objective": ObjectiveSpec(name="agreement", target=f"{HERE}:Agreement", summary="VICReg"),
    "protocol": ProtocolSpec(
        name="spread", target=f"{HERE}:Spread", config=f"{HERE}:SpreadOptions", summary="spread"
    ),
}
CLASSES = {
    "dataset": DatasetConformance,
    "augmentation": AugmentationConformance,
    "encoder": EncoderConformance,
    "objective": ObjectiveConformance,
    "protocol": ProtocolConformance,
}
PLANTED = [(kind, defect) for kind, each in DEFECTS.items() for defect in each]


def promises_of(suite: type) -> set[str]:
    return {name.removeprefix("test_") for name in dir(suite) if name.startswith("test_")}


@pytest.fixture
def toy(temporary_plugin):
    """Installs the toy modality; a spec may be replaced, or fields of one."""

    def install(recipe: str = RECIPE, **replaced):
        specs = [
            dataclasses.replace(spec, **replaced.get(kind, {})) if kind in replaced else spec
            for kind, spec in SPECS.items()
        ]
        return temporary_plugin("toy", specs, {"quickstart": recipe})

    return install


def test_parts_that_keep_their_promises_pass_everything(toy):
    toy()
    expected = sum(len(promises_of(suite)) for suite in [PluginConformance, *CLASSES.values()])
    assert check_plugin("toy") == expected


def test_each_test_has_a_planted_defect():
    # Options are a config, not a class of their own: theirs is planted below.
    config = {"protocol": {"its_options_have_defaults"}}
    for kind, suite in CLASSES.items():
        assert {defect.breaks for defect in DEFECTS[kind]} | config.get(kind, set()) == promises_of(suite)


@pytest.mark.parametrize(("kind", "defect"), PLANTED, ids=lambda each: getattr(each, "__name__", each))
def test_a_planted_defect_is_seen(toy, kind, defect):
    toy(**{kind: {"target": f"{defect.__module__}:{defect.__name__}"}})
    suite = type("Planted", (CLASSES[kind],), {"component": f"toy/{SPECS[kind].name}"})
    with pytest.raises(NonConforming):
        getattr(suite(), f"test_{defect.breaks}")()


def test_a_protocol_with_an_option_that_must_be_given_is_seen(toy):
    toy(protocol={"config": "tests.testing.test_planted_defects:Demanding"})
    suite = type("Planted", (ProtocolConformance,), {"component": "toy/spread"})
    with pytest.raises(NonConforming, match="options without a default: scale"):
        suite().test_its_options_have_defaults()


@pytest.mark.parametrize(
    ("given", "test", "says"),
    [
        ({"encoder": {"target": f"{HERE}:Nett"}}, "all_it_names_is_there", "has no attribute 'Nett'"),
        ({"dataset": {"config": f"{HERE}:Nett"}}, "all_it_names_is_there", "has no attribute 'Nett'"),
        (
            {"dataset": {"config": "tests.testing.test_planted_defects:Lax"}},
            "unknown_keys_are_refused",
            "accepted by the config of toy/points",
        ),
        ({"recipe": f"{RECIPE}monitr: {{}}\n"}, "its_recipes_have_no_mistakes", "did you mean 'monitor'?"),
        (
            {"encoder": {"target": "tests.testing.defects.encoders:WrongWidth"}},
            "a_recipe_runs",
            "mat1 and mat2 shapes cannot be multiplied",
        ),
    ],
)
def test_a_defect_of_the_plugin_is_seen(toy, given, test, says):
    toy(**given)
    suite = type("Planted", (PluginConformance,), {"plugin": "toy"})
    with pytest.raises(Exception, match=says.replace("?", r"\?")):
        getattr(suite(), f"test_{test}")()


def test_a_module_that_imports_torch_is_seen(toy):
    status = toy()
    module = __import__(status.module)
    with open(module.__file__, "a", encoding="utf-8") as stream:
        stream.write("import torch\n")
    suite = type("Planted", (PluginConformance,), {"plugin": "toy"})
    with pytest.raises(NonConforming, match="imports numpy, torch, which slows"):
        suite().test_its_module_imports_nothing_heavy()


def test_every_failure_is_listed_by_component(toy):
    toy(
        encoder={"target": "tests.testing.defects.encoders:DoublesInTraining"},
        dataset={"target": f"{HERE}:Points"},
    )
    with pytest.raises(NonConforming) as caught:
        check_plugin("toy")
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("1 of ")
    assert lines[1] == "encoder toy/net: training_differs_only_by_dropout_and_batch_norm"


def test_a_plugin_that_is_not_installed_and_settings_of_nobody_are_said(toy):
    toy()
    with pytest.raises(NonConforming, match=r"no plugin 'tyo' is installed \(installed: core, toy\)"):
        check_plugin("tyo")
    with pytest.raises(ValueError, match="settings name what 'toy' does not have: toy/nett"):
        check_plugin("toy", {"toy/nett": {}})


class Demanding(parts.StrictModel):
    """Has a key without default."""

    scale: float


class Lax(parts.StrictModel):
    """Takes any key."""

    model_config = ConfigDict(extra="ignore")
    rows: int = parts.N
