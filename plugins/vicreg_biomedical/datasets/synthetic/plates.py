"""Whole generated plates on disk: an OME-TIFF and a mask a site, and their metadata.

``python -m vicreg_biomedical.datasets.synthetic.plates FOLDER`` writes them for trying the plate dataset.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vicreg_biomedical.datasets.synthetic.cells import draw_cells
from vicreg_biomedical.datasets.synthetic.config import CHANNELS, PHENOTYPES, SyntheticCellsConfig
from vicreg_biomedical.datasets.synthetic.layout import TREATMENTS
from vicreg_biomedical.datasets.synthetic.optics import BIT_DEPTH, expose, plate_effects
from vicreg_core.contracts.keys import Keys


def write_plates(folder: Path, config: SyntheticCellsConfig, *, grid: int = 4, margin: int = 8) -> int:
    """Write one site a well, ``grid`` by ``grid`` cells each, and return the number of cells.

    The folder then holds ``plate-1_A01_s1.ome.tif`` (``(3, H, W) uint16``, 12 bits), ``..._mask.tif`` (label
    image of the nuclei), ``metadata.csv`` (file, plate, well, site, treatment) and ``cells.csv``, the truth
    (file, label, y, x, phenotype).

    Args:
        folder: created if it is not there.
        config: size of a cell, plates, replicates, effects and seed; the numbers of cells are not used.
        grid: cells along each side of a site.
        margin: pixels between cells and to the border.
    """
    folder.mkdir(parents=True, exist_ok=True)
    effects, sites, cells = plate_effects(config), [], []
    well = 0
    for plate in range(config.plates):
        for treatment, name in enumerate(TREATMENTS):
            for replicate in range(config.replicates):
                keys = Keys.of(config.seed, 1, torch.arange(grid * grid) + well * grid * grid, view=0)
                shows = keys.bernoulli("penetrance", config.penetrance)
                phenotypes = torch.where(shows, treatment, 0)
                light, mask, centres = _place(phenotypes, config.size, grid, margin, keys)
                counts = expose(light[None], torch.tensor([plate]), effects, keys[0], slope=0.25)[0]
                position = f"{'ABCDEFGH'[treatment]}{replicate + 1:02d}"
                stem = f"plate-{plate + 1}_{position}_s1"
                _write_site(folder, stem, counts.numpy().astype(np.uint16), mask)
                sites.append([f"{stem}.ome.tif", f"plate-{plate + 1}", position, "1", name])
                cells += [
                    [f"{stem}.ome.tif", i + 1, y, x, PHENOTYPES[p]]
                    for i, ((y, x), p) in enumerate(zip(centres, phenotypes.tolist(), strict=True))
                ]
                well += 1
    _write_csv(folder / "metadata.csv", ["file", "plate", "well", "site", "treatment"], sites)
    _write_csv(folder / "cells.csv", ["file", "label", "y", "x", "phenotype"], cells)
    return len(cells)


def _place(
    phenotypes: Tensor, size: int, grid: int, margin: int, keys: Keys
) -> tuple[Tensor, np.ndarray[Any, Any], list[tuple[float, float]]]:
    """A site's light ``(3, H, W)``, its label image ``(H, W)`` and each nucleus' centre of mass."""
    drawn = draw_cells(phenotypes, size, keys)
    pitch = size + margin
    side = grid * pitch + margin
    light, mask = torch.zeros(3, side, side), np.zeros((side, side), np.uint16)
    shift = keys.integers("place", margin, 2).tolist()
    centres = []
    for i in range(grid * grid):
        top = margin // 2 + (i // grid) * pitch + shift[i][0]
        left = margin // 2 + (i % grid) * pitch + shift[i][1]
        light[:, top : top + size, left : left + size] += drawn.light[i]
        rows, columns = np.nonzero(drawn.nucleus[i].numpy())
        mask[rows + top, columns + left] = i + 1
        centres.append((round(float(rows.mean()) + top, 4), round(float(columns.mean()) + left, 4)))
    return light, mask, centres


def _write_site(folder: Path, stem: str, counts: Any, mask: Any) -> None:
    import tifffile

    metadata = {"axes": "CYX", "Channel": {"Name": list(CHANNELS)}, "SignificantBits": BIT_DEPTH}
    tifffile.imwrite(
        folder / f"{stem}.ome.tif", counts, ome=True, photometric="minisblack", metadata=metadata
    )
    tifffile.imwrite(folder / f"{stem}_mask.tif", mask)


def _write_csv(path: Path, header: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


def main(arguments: Sequence[str] | None = None) -> None:
    """Write plates from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m vicreg_biomedical.datasets.synthetic.plates", description=__doc__
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plates", type=int, default=2)
    parser.add_argument("--plate-effect", type=float, default=0.5)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args(arguments)
    config = SyntheticCellsConfig(plates=given.plates, plate_effect=given.plate_effect, seed=given.seed)
    print(f"{write_plates(given.folder, config)} cells on {given.plates} plates in {given.folder}")


if __name__ == "__main__":
    main()
