from __future__ import annotations

import subprocess
import sys

import pytest

from vicreg_biomedical import plugin
from vicreg_core.plugins.loading import load_target
from vicreg_core.plugins.registry import load_registry

KINDS = ("encoder", "augmentation", "dataset", "protocol")


def test_listing_imports_nothing_heavy() -> None:
    code = (
        "import sys, vicreg_biomedical.plugin as p\n"
        "p.vicreg_encoders(), p.vicreg_augmentations(), p.vicreg_datasets(), p.vicreg_protocols()\n"
        "heavy = {'torch', 'numpy', 'monai', 'tifffile', 'zarr', 'PIL', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("kind", KINDS)
def test_every_component_and_its_config_can_be_loaded(kind: str) -> None:
    registry = load_registry()
    names = [name for name in registry.names(kind) if name.startswith("biomedical/")]
    assert len(names) == len(getattr(plugin, f"vicreg_{kind}s")())
    for name in names:
        assert callable(load_target(registry.get(kind, name)))
