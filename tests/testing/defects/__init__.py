"""Planted defects: what each breaks is the conformance test that must see it."""

from __future__ import annotations

from tests.testing.defects import augmentations, datasets, encoders, objectives, protocols
from tests.testing.parts import Agreement, Net, Noise, Points, Spread

MODULES = (augmentations, datasets, encoders, objectives, protocols)
DEFECTS = {
    "dataset": Points.__subclasses__(),
    "augmentation": Noise.__subclasses__(),
    "encoder": Net.__subclasses__(),
    "objective": Agreement.__subclasses__(),
    "protocol": Spread.__subclasses__(),
}
