"""``biomedical/synthetic-cells``: generated crops as a dataset, with no file behind them."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_biomedical.datasets.adapter import CellTable, CropArray
from vicreg_biomedical.datasets.statistics import crop_facts
from vicreg_biomedical.datasets.synthetic.cells import draw_cells
from vicreg_biomedical.datasets.synthetic.config import CHANNELS, PHENOTYPES, SyntheticCellsConfig
from vicreg_biomedical.datasets.synthetic.layout import TREATMENTS, Layout, assign
from vicreg_biomedical.datasets.synthetic.optics import BIT_DEPTH, expose, plate_effects
from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys

DRAWN_AT_ONCE = 256


def build(config: SyntheticCellsConfig, split: str) -> CropArray:
    """The training or test cells; both lie on all plates, and no cell is in both."""
    first = 0 if split == "train" else config.cells
    numbers = torch.arange(first, first + (config.cells if split == "train" else config.test_cells))
    keys = Keys.of(config.seed, 0, numbers, view=0)
    layout = assign(config, keys, numbers)
    crops = _photograph(config, layout, keys)
    info = DataInfo(crop_facts(crops, CHANNELS, bit_depth=BIT_DEPTH, canvas=(config.size, config.size)))
    plates = [f"plate-{p + 1}" for p in layout.plate.tolist()]
    table = CellTable(
        ids=[f"cell-{number:06d}" for number in numbers.tolist()],
        labels=layout.phenotype.numpy(),
        classes=PHENOTYPES,
        groups=np.array(plates),
        metadata={
            "plate": plates,
            "well": layout.wells,
            "treatment": [TREATMENTS[t] for t in layout.treatment.tolist()],
            "is_control": (layout.treatment == 0).tolist(),
        },
    )
    return CropArray(crops, table, info, config.floor)


def _photograph(config: SyntheticCellsConfig, layout: Layout, keys: Keys) -> NDArray[np.uint16]:
    """``(n, 3, size, size) uint16``."""
    effects = plate_effects(config)
    parts = []
    for start in range(0, len(keys), DRAWN_AT_ONCE):
        rows = slice(start, start + DRAWN_AT_ONCE)
        drawn = draw_cells(layout.phenotype[rows], config.size, keys[rows])
        parts.append(expose(drawn.light, layout.plate[rows], effects, keys[rows]).numpy().astype(np.uint16))
    return np.concatenate(parts)
