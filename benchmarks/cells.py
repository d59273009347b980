"""Crops a second of reading and of augmentation, beside MONAI doing the same work, interleaved in one run.

``python benchmarks/cells.py [--cells 512] [--size 64] [--channels 3] [--rounds 5]``

The work: 16-bit crops from OME-TIFF files to arrays in memory, then one random view of each: any-angle
rotation with flip and zoom, gamma, Gaussian noise and blur of half of the views, scaled to unit variance.
MONAI does it with ``CacheDataset`` and dictionary transforms on single samples, without metadata tracking.
Seconds are of processor time, the median of the rounds.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vicreg_biomedical.augmentations.cells import build as build_views
from vicreg_biomedical.augmentations.config import CellsConfig
from vicreg_biomedical.datasets.config import CropsConfig
from vicreg_biomedical.datasets.crops import build as build_crops
from vicreg_biomedical.monai_import import import_monai
from vicreg_core.contracts.keys import Keys, hash_ids

VIEWS = CellsConfig(
    preset="none",
    rotate="any",
    flip=True,
    zoom=(0.8, 1.2),
    gamma=(0.8, 1.25),
    read_noise=0.02,
    blur=(0.3, 1.0),
)


def write_crops(folder: Path, cells: int, channels: int, size: int) -> None:
    import tifffile

    rng = np.random.default_rng(0)
    for i in range(cells):
        pixels = rng.integers(100, 4000, (channels, size, size)).astype(np.uint16)
        tifffile.imwrite(
            folder / f"{i:05d}.ome.tif", pixels, photometric="minisblack", metadata={"axes": "CYX"}
        )


def ours(folder: Path) -> tuple[Callable[[], Any], Callable[[], Any]]:
    data = build_crops(CropsConfig(path=str(folder)), "train")
    if data is None:
        raise RuntimeError(f"no crops in {folder}")
    views, ids = build_views(VIEWS, data.info), hash_ids(data.ids)
    rows = np.arange(len(data))

    def augment() -> None:
        for part in np.array_split(rows, max(1, len(rows) // 256)):
            views(data.__getitems__(part), Keys.of(0, 0, ids[torch.from_numpy(part)], 0))

    return lambda: build_crops(CropsConfig(path=str(folder)), "train"), augment


def monai_doing_the_same(folder: Path) -> tuple[Callable[[], Any], Callable[[], Any]]:
    import tifffile

    transforms, data = import_monai("monai.transforms"), import_monai("monai.data")
    data.set_track_meta(False)
    files = [{"image": str(path)} for path in sorted(folder.glob("*.tif"))]
    first = tifffile.imread(files[0]["image"]).astype(np.float32)
    random = [
        transforms.RandAffined(
            "image", prob=1.0, rotate_range=np.pi, scale_range=(-0.2, 0.2), padding_mode="reflection"
        ),
        transforms.RandFlipd("image", prob=0.5, spatial_axis=1),
        transforms.RandAdjustContrastd("image", prob=1.0, gamma=(0.8, 1.25)),
        transforms.RandGaussianNoised("image", prob=0.5, std=0.02),
        transforms.RandGaussianSmoothd("image", prob=0.5, sigma_x=(0.3, 1.0), sigma_y=(0.3, 1.0)),
        transforms.NormalizeIntensityd("image", subtrahend=0.5, divisor=0.25),
    ]
    fixed = [
        transforms.Lambdad("image", lambda path: torch.from_numpy(tifffile.imread(path).astype(np.float32))),
        transforms.ScaleIntensityRanged("image", float(first.min()), float(first.max()), 0.0, 1.0),
    ]

    def read() -> Any:
        return data.CacheDataset(files, transforms.Compose(fixed), progress=False, num_workers=1)

    cached, compose = read(), transforms.Compose(random)

    def augment() -> None:
        for row in range(len(files)):
            compose(cached[row])

    return read, augment


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    for name, default in (("cells", 512), ("size", 64), ("channels", 3), ("rounds", 5)):
        parser.add_argument(f"--{name}", type=int, default=default)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        write_crops(folder, given.cells, given.channels, given.size)
        contestants = {"vicreg_biomedical": ours(folder), "MONAI": monai_doing_the_same(folder)}
        seconds: dict[tuple[str, str], list[float]] = {}
        for _ in range(given.rounds):
            for name, pair in contestants.items():
                for work, run in zip(("read", "augment"), pair, strict=True):
                    used = time.process_time()
                    run()
                    seconds.setdefault((work, name), []).append(time.process_time() - used)
    threads = torch.get_num_threads()
    shape = f"{given.channels} x {given.size} x {given.size}"
    print(f"{given.cells} crops of {shape}, 16 bits, {threads} threads")
    for (work, name), times in seconds.items():
        print(f"{work:8} {name:18} {given.cells / statistics.median(times):10,.0f} crops per CPU second")


if __name__ == "__main__":
    main()
