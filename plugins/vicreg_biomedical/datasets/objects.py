"""Where the cells of a site are: from masks, bounding boxes (CSV, COCO, VOC) and centroid tables."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vicreg_biomedical.datasets.config import PlateConfig
from vicreg_biomedical.datasets.table import read_csv
from vicreg_biomedical.images.readers import read_image
from vicreg_core.data.paths import is_inside, regular_file
from vicreg_core.errors import DataError


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of a site: its name there, its centre in pixels and its area where a mask tells."""

    name: str
    y: float
    x: float
    area: int | None = None


Locate = Callable[[str, Path, tuple[int, int]], list[Cell]]
"""``(file name, path of the site, (H, W)) -> cells``."""


def locator(config: PlateConfig, folder: Path) -> Locate:
    """How the cells of a site are found, by what the recipe gives.

    Raises:
        DataError: unless exactly one of masks, boxes and centroids is given, or a table is malformed.
    """
    given = [k for k in ("masks", "boxes", "centroids") if getattr(config, k) is not None]
    if len(given) != 1:
        raise DataError(
            f"data: expected exactly one of masks, boxes and centroids, to know where the cells are; "
            f"got {' and '.join(given) or 'none'}"
        )
    if config.masks is not None:
        pattern = config.masks
        return lambda name, path, size: _from_mask(_own(_beside(path, pattern), folder), size)
    if config.centroids is not None:
        return TableLocator(_read_centroids(_resolve(folder, config.centroids)), config.centroids)
    boxes = str(config.boxes)
    if "{stem}" in boxes:
        return lambda name, path, size: _from_voc(_own(_beside(path, boxes), folder))
    path = _resolve(folder, boxes)
    table = _read_coco(path) if path.suffix == ".json" else _read_boxes(path)
    return TableLocator(table, boxes)


def annotation_files(config: PlateConfig, folder: Path, path: Path) -> list[Path]:
    """The files that say where the cells of the site at ``path`` are."""
    given = str(config.masks or config.boxes or config.centroids)
    return [_beside(path, given) if "{stem}" in given else _resolve(folder, given)]


def stem_of(path: Path) -> str:
    """The name without its suffixes for images: ``B7.ome.tif`` is ``B7``."""
    name = path.name
    for suffix in (path.suffix, ".ome"):
        name = name.removesuffix(suffix)
    return name


def _beside(path: Path, pattern: str) -> Path:
    return path.parent / pattern.replace("{stem}", stem_of(path))


def _own(path: Path, folder: Path) -> Path:
    """A file beside a site, unless it is a link in the plate's folder that leads out of that.

    A pattern such as ``../masks/{stem}.tif`` names another folder on purpose and is followed.

    Raises:
        DataError: it is such a link.
    """
    named = Path(os.path.abspath(path)).is_relative_to(os.path.abspath(folder))
    if named and not is_inside(folder, path):
        raise DataError(
            f"{path}: is a link that leads out of {folder}; only files below that folder are read. Copy it "
            f"there"
        )
    return path


def _resolve(folder: Path, name: str) -> Path:
    path = Path(name).expanduser()
    return path if path.is_absolute() or path.exists() else folder / path


@dataclass(frozen=True, slots=True)
class TableLocator:
    """Cells by the name of their image, from a table of all images.

    Attributes:
        table: the cells of each image.
        source: the table's file, for messages.
    """

    table: Mapping[str, list[Cell]]
    source: str

    def __call__(self, name: str, path: Path, size: tuple[int, int]) -> list[Cell]:
        """The cells of one image.

        Raises:
            DataError: for an image without a row, or a cell outside of it.
        """
        if name not in self.table:
            raise DataError(f"{name}: has no row in {self.source}")
        cells = self.table[name]
        outside = [c.name for c in cells if not (0 <= c.y < size[0] and 0 <= c.x < size[1])]
        if outside:
            raise DataError(
                f"{name}: cell {outside[0]} of {self.source} lies outside its {size[0]} x {size[1]} image"
            )
        return cells


def _from_mask(path: Path, size: tuple[int, int]) -> list[Cell]:
    """Objects of a label image, or the connected (8 neighbours) objects of a binary one."""
    from scipy import ndimage  # type: ignore[import-untyped]

    mask = read_image(path).pixels
    if mask.ndim == 4:
        raise DataError(
            f"{path}: the mask has {mask.shape[1]} planes in depth; expected one, whose objects are cut out "
            f"of all planes of the image. Project the mask first"
        )
    if mask.shape != (1, *size):
        raise DataError(
            f"{path}: the mask is {mask.shape[-2]} x {mask.shape[-1]}, but its image is {size[0]} x {size[1]}"
        )
    if mask.dtype.kind == "f" and (mask != np.round(mask)).any():
        raise DataError(f"{path}: the mask holds fractions; expected a label image or a binary mask")
    labels = mask[0]
    present = np.unique(labels)
    if len(present[present > 0]) == 1:
        labels, count = ndimage.label(labels > 0, structure=np.ones((3, 3)))
        present = np.arange(count + 1)
    present = present[present > 0]
    if not len(present):
        raise DataError(f"{path}: the mask holds no object")
    areas = ndimage.sum_labels(np.ones_like(labels, dtype=np.int64), labels, present).astype(int)
    centres = ndimage.center_of_mass(np.ones_like(labels, dtype=np.int64), labels, present)
    return [
        Cell(str(label), float(y), float(x), int(area))
        for label, (y, x), area in zip(present.tolist(), centres, areas, strict=True)
    ]


def _columns(path: Path, wanted: tuple[str, ...]) -> tuple[list[str], list[list[float]]]:
    table = read_csv(path)
    missing = [name for name in ("file", *wanted) if name not in table]
    if missing:
        raise DataError(f"{path}: has no column {', '.join(missing)}; it has {', '.join(table)}")
    try:
        numbers = [[float(value) for value in table[name]] for name in wanted]
    except ValueError as error:
        raise DataError(f"{path}: {error}; expected numbers in {', '.join(wanted)}") from error
    return table["file"], numbers


def _read_centroids(path: Path) -> dict[str, list[Cell]]:
    files, (ys, xs) = _columns(path, ("y", "x"))
    cells: dict[str, list[Cell]] = {}
    for file, y, x in zip(files, ys, xs, strict=True):
        known = cells.setdefault(file, [])
        known.append(Cell(str(len(known) + 1), y, x))
    return cells


def _read_boxes(path: Path) -> dict[str, list[Cell]]:
    files, corners = _columns(path, ("x_min", "y_min", "x_max", "y_max"))
    cells: dict[str, list[Cell]] = {}
    for file, *box in zip(files, *corners, strict=True):
        known = cells.setdefault(file, [])
        known.append(_boxed(str(len(known) + 1), box, str(path)))
    return cells


def _read_coco(path: Path) -> dict[str, list[Cell]]:
    try:
        content = json.loads(regular_file(path, "data.boxes").read_text(encoding="utf-8"))
        names = {image["id"]: Path(image["file_name"]).name for image in content["images"]}
        cells: dict[str, list[Cell]] = {name: [] for name in names.values()}
        for note in content["annotations"]:
            left, top, width, height = note["bbox"]
            corners = (left, top, left + width, top + height)
            cell = _boxed(str(note["id"]), corners, str(path))
            cells[names[note["image_id"]]].append(cell)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: is no COCO annotation file, {type(error).__name__}: {error}") from error
    return cells


def _from_voc(path: Path) -> list[Cell]:
    from xml.etree import ElementTree

    try:
        boxes = list(ElementTree.parse(regular_file(path, "data.boxes")).getroot().iterfind("object/bndbox"))
        corners = [[float(box.findtext(k) or "") for k in ("xmin", "ymin", "xmax", "ymax")] for box in boxes]
    except (OSError, ValueError, ElementTree.ParseError) as error:
        raise DataError(f"{path}: is no VOC annotation file, {type(error).__name__}: {error}") from error
    return [_boxed(str(i + 1), corner, str(path)) for i, corner in enumerate(corners)]


def _boxed(name: str, corners: Sequence[float], source: str) -> Cell:
    left, top, right, bottom = corners
    if not (right > left and bottom > top):
        raise DataError(f"{source}: box {name} is empty: x {left:g} to {right:g}, y {top:g} to {bottom:g}")
    return Cell(name, (top + bottom) / 2, (left + right) / 2)
