"""Cut cells out of sites and keep the crops, in memory or memory-mapped on disk."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vicreg_biomedical.datasets.config import PlateConfig
from vicreg_biomedical.datasets.crops import select_channels
from vicreg_biomedical.datasets.objects import Cell, Locate, TableLocator, annotation_files
from vicreg_biomedical.datasets.pixels import (
    PixelArray,
    check_crop,
    constant_channels,
    left_out,
    project_depth,
    with_remedy,
)
from vicreg_biomedical.datasets.sites import Site
from vicreg_biomedical.datasets.table import name_some
from vicreg_core.errors import DataError
from vicreg_core.files import atomic_path


@dataclass
class CutCells:
    """Crops of all sites.

    Attributes:
        crops: ``(n, C, crop, crop)`` of the images' dtype; of volumes ``(n, C, D, crop, crop)``.
        channel_names: ``C`` names.
        columns: of length ``n``: ``id``, ``site``, ``y``, ``x``, ``area`` and the sites' own.
        skipped: what was left out and why.
    """

    crops: PixelArray
    channel_names: tuple[str, ...]
    columns: dict[str, list[Any]]
    skipped: list[str]


Crops = list[PixelArray]
"""The crops of one site, each ``(C, crop, crop)``; of volumes ``(C, D, crop, crop)``."""


@dataclass
class CutTable:
    """What is known of the cells cut, beside their pixels."""

    channel_names: tuple[str, ...]
    dtype: np.dtype[Any]
    planes: tuple[int, ...]
    columns: dict[str, list[Any]]
    skipped: list[str]


class _Form(NamedTuple):
    """What all sites have in common."""

    channel_names: tuple[str, ...]
    dtype: np.dtype[Any]
    planes: tuple[int, ...]
    """``(D,)`` of volumes, else empty."""

    def check_like(self, first: _Form | None, name: str) -> None:
        """Refuse the site ``name`` of this form where the first site has another."""
        if first is None:
            return
        if self.channel_names != first.channel_names:
            ours, others = (", ".join(form.channel_names) for form in (self, first))
            raise DataError(f"{name}: has channels {ours}, but earlier sites have {others}")
        if self.dtype != first.dtype:
            raise DataError(f"{name}: is {self.dtype}, but earlier sites are {first.dtype}")
        if self.planes != first.planes:
            ours, others = (str(form.planes[0] if form.planes else 1) for form in (self, first))
            raise DataError(
                f"{name}: has {ours} planes in depth, but earlier sites have {others}; project them with "
                f"data.depth=max"
            )


def cut_sites(config: PlateConfig, sites: Sequence[Site], locate: Locate) -> CutCells:
    """Cut every cell of every site into memory.

    Raises:
        DataError: as that of :func:`stream_sites`.
    """
    crops: list[PixelArray] = []
    table = stream_sites(config, sites, locate, crops.extend)
    return CutCells(np.stack(crops), table.channel_names, table.columns, table.skipped)


def stream_sites(
    config: PlateConfig, sites: Sequence[Site], locate: Locate, keep: Callable[[Crops], None]
) -> CutTable:
    """Cut every cell of every site, one site in memory at a time.

    Args:
        config: size and border policy of a crop, and the channels kept.
        sites: in order.
        locate: where the cells of a site are.
        keep: given the crops of each site in turn.

    Raises:
        DataError: naming the site, where it cannot be read, or differs from the first in channels or dtype;
            naming an image of the table of cells that is no site.
    """
    rows: list[dict[str, Any]] = []
    skipped = _without_site(config, sites, locate)
    first: _Form | None = None
    for site in sites:
        try:
            pixels, names = _open_site(config, site)
            form = _Form(names, pixels.dtype, pixels.shape[1:-2])
            form.check_like(first, site.name)
            cells = locate(site.name, site.path, pixels.shape[-2:])
        except DataError as error:
            if config.on_error == "raise":
                raise with_remedy(error, "sites") from error
            skipped.append(left_out(site.name, error))
            continue
        first = first or form
        crops, kept, dropped = _cut(config, site, pixels, cells)
        keep(crops)
        rows += kept
        skipped += dropped
    if not rows or first is None:
        reason = skipped[0] if skipped else "no site holds a cell"
        raise DataError(f"data.path {config.path}: no cell could be cut; {reason}")
    columns = {key: [row[key] for row in rows] for key in rows[0]}
    return CutTable(first.channel_names, first.dtype, first.planes, columns, skipped)


def _open_site(config: PlateConfig, site: Site) -> tuple[PixelArray, tuple[str, ...]]:
    """Pixels of the channels asked for, projected where that is asked for, and the channels' names."""
    image = site.read()
    chosen, names = select_channels(image.pixels[None], _names(config, image, site.name), config.channels)
    pixels = project_depth(chosen[0], config.depth)
    check_crop(pixels, site.name)
    if dark := constant_channels(pixels, names):
        raise DataError(f"{site.name}: channel {', '.join(dark)} is constant over the image")
    return pixels, names


def _cut(
    config: PlateConfig, site: Site, pixels: PixelArray, cells: Sequence[Cell]
) -> tuple[Crops, list[dict[str, Any]], list[str]]:
    """The crops of a site, their rows, and what was left out and why."""
    crops: Crops = []
    rows: list[dict[str, Any]] = []
    skipped: list[str] = []
    for cell in cells:
        name = f"{site.name}#{cell.name}"
        if cell.area is not None and cell.area < config.min_area:
            skipped.append(f"{name}: has {cell.area} pixels (data.min_area is {config.min_area})")
            continue
        crop = window(pixels, cell, config.crop, config.border)
        if crop is None:
            skipped.append(f"{name}: its crop leaves the image (data.border is drop)")
            continue
        crops.append(crop)
        rows.append({"id": name, **site.columns, **_position(site, cell)})
    return crops, rows, skipped


def _without_site(config: PlateConfig, sites: Sequence[Site], locate: Locate) -> list[str]:
    """The images of a table of cells that are no site, one line each."""
    if not isinstance(locate, TableLocator):
        return []
    lost = sorted(set(locate.table) - {site.name for site in sites})
    if lost and config.on_error == "raise":
        raise DataError(
            f"{locate.source}: {len(lost)} images have no site ({name_some(lost)}); there are sites "
            f"{name_some([site.name for site in sites])}; correct it, or set data.on_error=skip"
        )
    return [f"{name}: in {locate.source}, but no site" for name in lost]


def _position(site: Site, cell: Cell) -> dict[str, Any]:
    return {"image": site.name, "y": round(cell.y, 2), "x": round(cell.x, 2), "area": cell.area}


def _names(config: PlateConfig, image: Any, name: str) -> tuple[str, ...]:
    count = image.pixels.shape[0]
    names = config.channel_names or image.channel_names or tuple(f"channel_{i}" for i in range(count))
    if len(names) != count:
        raise DataError(f"{name}: has {count} channels, but {len(names)} channel names ({', '.join(names)})")
    return tuple(names)


def window(pixels: PixelArray, cell: Cell, side: int, border: str) -> PixelArray | None:
    """``(C, side, side)`` about a cell's centre, of a volume every plane; ``None``: ``border`` drops it."""
    top, left = (round(centre) - side // 2 for centre in (cell.y, cell.x))
    height, width = pixels.shape[-2:]
    if top >= 0 and left >= 0 and top + side <= height and left + side <= width:
        return pixels[..., top : top + side, left : left + side].copy()
    if border == "drop":
        return None
    rows = np.clip(np.arange(top, top + side), 0, height - 1)
    columns = np.clip(np.arange(left, left + side), 0, width - 1)
    return np.ascontiguousarray(pixels[..., rows, :][..., columns])


def cached(config: PlateConfig, folder: Path, sites: Sequence[Site], locate: Locate) -> CutCells:
    """The crops from the cache folder, memory-mapped; cut and written there, if they are not.

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
        with atomic_path(entry) as partial:
            _write(partial, config, sites, locate)
    table = json.loads((entry / "table.json").read_text(encoding="utf-8"))
    names, rows = tuple(table["channel_names"]), len(table["columns"]["id"])
    shape = (rows, len(names), *table["planes"], config.crop, config.crop)
    crops = np.memmap(entry / "crops.bin", mode="r", dtype=table["dtype"], shape=shape)
    return CutCells(crops, names, table["columns"], table["skipped"])


def _write(folder: Path, config: PlateConfig, sites: Sequence[Site], locate: Locate) -> None:
    """``crops.bin``, the crops one after the other, and ``table.json``."""
    folder.mkdir(parents=True)
    with (folder / "crops.bin").open("wb") as file:
        cut = stream_sites(config, sites, locate, lambda crops: file.writelines(c.data for c in crops))
    table = {
        "dtype": cut.dtype.str,
        "channel_names": cut.channel_names,
        "planes": cut.planes,
        "columns": cut.columns,
        "skipped": cut.skipped,
    }
    (folder / "table.json").write_text(json.dumps(table), encoding="utf-8")


def _stamp(path: Path) -> list[str | int]:
    if not path.exists():
        return [str(path)]
    stat = path.stat()
    return [str(path), stat.st_size, stat.st_mtime_ns]
