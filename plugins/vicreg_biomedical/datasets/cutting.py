"""Cut cells out of sites and keep the crops, in memory or memory-mapped on disk."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_biomedical.datasets.config import PlateConfig
from vicreg_biomedical.datasets.crops import select_channels
from vicreg_biomedical.datasets.objects import Cell, Locate, annotation_files
from vicreg_biomedical.datasets.pixels import PixelArray, check_crop
from vicreg_biomedical.datasets.sites import Site
from vicreg_core.errors import DataError


@dataclass
class CutCells:
    """Crops of all sites.

    Attributes:
        crops: ``(n, C, crop, crop)`` of the images' dtype.
        channel_names: ``C`` names.
        columns: of length ``n``: ``id``, ``site``, ``y``, ``x``, ``area`` and the sites' own.
        skipped: what was left out and why.
    """

    crops: PixelArray
    channel_names: tuple[str, ...]
    columns: dict[str, list[Any]]
    skipped: list[str]


def cut_sites(config: PlateConfig, sites: Sequence[Site], locate: Locate) -> CutCells:
    """Cut every cell of every site, one site in memory at a time.

    Raises:
        DataError: naming the site, where it cannot be read, or differs from the first in channels or dtype.
    """
    crops: list[PixelArray] = []
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    names: tuple[str, ...] | None = None
    for site in sites:
        try:
            image = site.read()
            pixels, found = select_channels(
                image.pixels[None], _names(config, image, site.name), config.channels
            )
            pixels = pixels[0]
            check_crop(pixels, site.name)
            _like_others(site.name, pixels, found, crops, names)
            cells = locate(site.name, site.path, pixels.shape[1:])
        except DataError as error:
            if config.on_error == "raise":
                raise
            skipped.append(f"{site.name}: {error}")
            continue
        names = found
        for cell in cells:
            crop = window(pixels, cell, config.crop, config.border)
            if crop is None:
                skipped.append(f"{site.name}#{cell.name}: its crop leaves the image (data.border is drop)")
                continue
            crops.append(crop)
            rows.append({"id": f"{site.name}#{cell.name}", **site.columns, **_position(site, cell)})
    if not crops or names is None:
        reason = skipped[0] if skipped else "no site holds a cell"
        raise DataError(f"data.path {config.path}: no cell could be cut; {reason}")
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return CutCells(np.stack(crops), names, columns, skipped)


def _position(site: Site, cell: Cell) -> dict[str, Any]:
    return {"image": site.name, "y": round(cell.y, 2), "x": round(cell.x, 2), "area": cell.area}


def _names(config: PlateConfig, image: Any, name: str) -> tuple[str, ...]:
    count = image.pixels.shape[0]
    names = config.channel_names or image.channel_names or tuple(f"channel_{i}" for i in range(count))
    if len(names) != count:
        raise DataError(f"{name}: has {count} channels, but {len(names)} channel names ({', '.join(names)})")
    return tuple(names)


def _like_others(
    name: str,
    pixels: PixelArray,
    found: Sequence[str],
    crops: Sequence[PixelArray],
    names: Sequence[str] | None,
) -> None:
    if names is not None and tuple(found) != tuple(names):
        raise DataError(f"{name}: has channels {', '.join(found)}, but earlier sites have {', '.join(names)}")
    if crops and pixels.dtype != crops[0].dtype:
        raise DataError(f"{name}: is {pixels.dtype}, but earlier sites are {crops[0].dtype}")


def window(pixels: PixelArray, cell: Cell, side: int, border: str) -> PixelArray | None:
    """``(C, side, side)`` about a cell's centre; ``None`` where ``border`` drops it."""
    top, left = (round(centre) - side // 2 for centre in (cell.y, cell.x))
    height, width = pixels.shape[1:]
    if top >= 0 and left >= 0 and top + side <= height and left + side <= width:
        return pixels[:, top : top + side, left : left + side].copy()
    if border == "drop":
        return None
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return np.ascontiguousarray(pixels[:, rows][:, :, columns])


def cached(config: PlateConfig, folder: Path, sites: Sequence[Site], cut: Callable[[], CutCells]) -> CutCells:
    """The crops from the cache folder, memory-mapped; cut and written there by ``cut()`` where they are not.

    The cache is addressed by the recipe's keys and by the name, size and time of every image, mask and
    table, so that no changed file is served from it; of an OME-Zarr, by those of its folder.
    """
    state = [
        [[*map(_stamp, (*site.files, *annotation_files(config, folder, site.path)))], site.columns]
        for site in sites
    ]
    given = config.model_dump(mode="json", exclude={"cache", "label", "group", "floor", "test_groups"})
    mark = hashlib.sha256(json.dumps([given, state], sort_keys=True).encode()).hexdigest()[:20]
    entry = Path(str(config.cache)).expanduser() / f"cells-{mark}"
    if not entry.is_dir():
        cells = cut()
        partial = entry.with_name(f".{entry.name}.{os.getpid()}")
        partial.mkdir(parents=True)
        np.save(partial / "crops.npy", cells.crops)
        table = {"channel_names": cells.channel_names, "columns": cells.columns, "skipped": cells.skipped}
        (partial / "table.json").write_text(json.dumps(table), encoding="utf-8")
        partial.rename(entry)
    table = json.loads((entry / "table.json").read_text(encoding="utf-8"))
    crops = np.load(entry / "crops.npy", mmap_mode="r")
    return CutCells(crops, tuple(table["channel_names"]), table["columns"], table["skipped"])


def _stamp(path: Path) -> list[str | int]:
    if not path.exists():
        return [str(path)]
    stat = path.stat()
    return [str(path), stat.st_size, stat.st_mtime_ns]
