from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from vicreg_biomedical.datasets.adapter import CropArray
from vicreg_biomedical.datasets.synthetic.config import SyntheticCellsConfig
from vicreg_biomedical.datasets.synthetic.dataset import build


def cells(number: int = 48, split: str = "train", **options: object) -> CropArray:
    """Generated cells, few and small."""
    return build(SyntheticCellsConfig(cells=number, test_cells=number, size=24, **options), split)  # type: ignore[arg-type]


def write_tiff(path: Path, pixels: np.ndarray, axes: str, names: list[str] | None = None) -> Path:
    """An OME-TIFF."""
    import tifffile

    metadata: dict[str, object] = {"axes": axes}
    if names is not None:
        metadata["Channel"] = {"Name": names}
    tifffile.imwrite(path, pixels, ome=True, photometric="minisblack", metadata=metadata)
    return path


def real_data(name: str) -> Path:
    """A folder of the labelled data named by VICREG_DATA; skips where it is absent."""
    root = Path(os.environ.get("VICREG_DATA", Path(__file__).parents[3] / "shared" / "data"))
    if not (root / name).is_dir():
        pytest.skip(f"no {name} in {root}; set VICREG_DATA")
    return root / name
