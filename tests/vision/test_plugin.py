from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from inspect import signature

import pytest

from vicreg_core.plugins import ComponentSpec
from vicreg_vision import plugin

SPECS: list[ComponentSpec] = [
    *plugin.vicreg_encoders(),
    *plugin.vicreg_augmentations(),
    *plugin.vicreg_datasets(),
]


def resolve(target: str) -> object:
    module, name = target.split(":")
    return getattr(import_module(module), name)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.name)
def test_each_component_points_at_a_builder_and_a_config(spec: ComponentSpec) -> None:
    target = resolve(spec.target)
    assert callable(target)
    assert len(signature(target).parameters) == 2
    assert spec.config is not None
    assert isinstance(resolve(spec.config), type)


def test_names_are_unique_within_a_kind() -> None:
    for specs in (plugin.vicreg_encoders(), plugin.vicreg_datasets()):
        assert len({spec.name for spec in specs}) == len(specs)


def test_the_plugin_and_its_configs_import_nothing_heavy() -> None:
    modules = ["vicreg_vision.plugin", *sorted({spec.config.split(":")[0] for spec in SPECS if spec.config})]
    heavy = ["torch", "numpy", "torchvision", "PIL", "datasets", "pyarrow", "sklearn"]
    code = f"import sys, {', '.join(modules)}; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
