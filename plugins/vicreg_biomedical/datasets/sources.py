"""Crops and their columns out of npy, npz and Parquet files and folders, before labels are chosen."""

from __future__ import annotations

import json
import math
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from vicreg_biomedical.datasets.config import CropsConfig
from vicreg_biomedical.datasets.pixels import PixelArray, with_remedy
from vicreg_biomedical.images.image import LIMIT
from vicreg_biomedical.images.readers import PICTURE_SUFFIXES, SUFFIXES, decode_picture, read_image
from vicreg_core.data.paths import files_below, inside, regular_file, require_size
from vicreg_core.errors import DataError

T = TypeVar("T")
RGB = ("red", "green", "blue")
MOST_CHANNELS = 16
"""An axis of an array that is longer than this is one of space where its meaning is guessed."""


@dataclass
class CropSource:
    """Crops as a file holds them.

    Attributes:
        read: position to ``(C, H, W)`` or ``(C, D, H, W)``; ``None`` where ``array`` is given.
        array: ``(n, C, H, W)`` or ``(n, C, D, H, W)``, in memory or memory-mapped.
        ids: ``n`` names, stable and unique.
        columns: further columns of length ``n``.
        label: the column that holds labels where the recipe names none.
        label_names: names of integer labels, by column.
        channel_names: where the source carries them.
        pictures: decoded from PNG, JPEG or BMP, so that three channels are red, green and blue.
        left_out: a line for each file that was passed over.
    """

    ids: Sequence[str]
    array: PixelArray | None = None
    read: Callable[[int], PixelArray] | None = None
    columns: dict[str, Sequence[Any]] = field(default_factory=dict)
    label: str | None = None
    label_names: dict[str, tuple[str, ...]] = field(default_factory=dict)
    channel_names: tuple[str, ...] | None = None
    pictures: bool = False
    left_out: list[str] = field(default_factory=list)


def open_source(config: CropsConfig, path: Path, split: str) -> CropSource | None:
    """The crops of a split; ``None`` where the path holds one split only and ``split`` is not it.

    Raises:
        DataError: naming the file.
    """
    suffix = path.suffix.lower()
    if path.is_dir() and suffix != ".zarr":
        return _folder(config, path, split)
    path = regular_file(path, "data.path")
    if suffix == ".npz":
        return _readable(path, lambda: _npz(config, path, split))
    if split == "test" and "{split}" not in config.path:
        return None
    if suffix == ".npy":
        mapped = _readable(path, lambda: np.load(path, mmap_mode="r", allow_pickle=False))
        array = to_stack(mapped, config.axes, str(path))
        return CropSource(_numbered(path, len(array)), array)
    if suffix == ".parquet":
        return _parquet(config, path)
    raise DataError(f"data.path {path}: expected a folder, .npy, .npz or .parquet")


def _readable(path: Path, read: Callable[[], T]) -> T:
    """What ``read()`` returns.

    Raises:
        DataError: naming the file, where NumPy cannot read it.
    """
    try:
        return read()
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        # numpy takes what begins like nothing it knows for a pickle, and advises to run it.
        why = "no array of numbers" if "pickle" in str(error) else f"{type(error).__name__}: {error}"
        raise DataError(f"{path}: is damaged, or no file of its kind ({why})") from error


def to_stack(array: PixelArray, axes: str, name: str) -> PixelArray:
    """A stack of crops to ``(n, C, H, W)``, or of volumes to ``(n, C, D, H, W)``.

    Args:
        array: in any order of axes.
        axes: that order; ``"auto"``: the one axis small enough to be channels is, and there is no depth.
        name: for messages.

    Raises:
        DataError: where the order cannot be told, or there is no crop.
    """
    if len(array) == 0:
        raise DataError(f"{name}: holds no crop, its shape is {array.shape}")
    if axes == "auto":
        if array.ndim == 3:
            axes = "NHW"
        elif array.ndim == 4 and array.shape[1] <= MOST_CHANNELS < min(array.shape[2:]):
            axes = "NCHW"
        elif array.ndim == 4 and array.shape[3] <= MOST_CHANNELS < min(array.shape[1:3]):
            axes = "NHWC"
        else:
            raise DataError(f"{name}: cannot tell the channels of shape {array.shape}; set data.axes")
    if array.ndim != len(axes):
        raise DataError(f"{name}: has shape {array.shape}, but data.axes is {axes}")
    if "C" not in axes:
        return array[:, None]
    return np.moveaxis(array, axes.index("C"), 1)


def _medmnist_axes(images: PixelArray) -> str:
    """Gray pictures, pictures in colour, or gray volumes."""
    if images.ndim == 3:
        return "NHW"
    return "NHWC" if images.shape[-1] <= MOST_CHANNELS else "NDHW"


def _numbered(path: Path, count: int) -> list[str]:
    return [f"{path.stem}-{row:06d}" for row in range(count)]


def _npz(config: CropsConfig, path: Path, split: str) -> CropSource | None:
    _require_sizes(path, config.max_image_mib)
    with np.load(path, allow_pickle=False) as archive:
        keys = list(archive)
        if f"{split}_images" in keys:
            images, labels = archive[f"{split}_images"], archive[f"{split}_labels"]
            axes = _medmnist_axes(images) if config.axes == "auto" else config.axes
            array = to_stack(images, axes, str(path))
            ids = [f"{split}-{row:06d}" for row in range(len(array))]
            return CropSource(ids, array, columns={"label": labels}, label="label")
        if split == "test" and "{split}" not in config.path:
            return None
        if config.image not in keys:
            raise DataError(f"{path}: has no array {config.image!r}; it has {', '.join(keys)} (data.image)")
        array = to_stack(archive[config.image], config.axes, str(path))
        count = len(array)
        columns = {k: archive[k] for k in keys if k != config.image and archive[k].shape[:1] == (count,)}
        names = {k.removesuffix("_names"): tuple(map(str, archive[k])) for k in keys if k.endswith("_names")}
    channel_names = names.pop("channel", None)
    return CropSource(
        _numbered(path, count),
        array,
        columns=dict(columns),
        label="label" if "label" in columns else None,
        label_names=names,
        channel_names=channel_names,
    )


def _require_sizes(path: Path, most_mib: int) -> None:
    """Refuse an archive with an array larger than meant, by what its header claims and before it is made."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            with archive.open(name) as member:
                version = np.lib.format.read_magic(member)
                read = np.lib.format.read_array_header_1_0
                shape, _, dtype = (read if version == (1, 0) else np.lib.format.read_array_header_2_0)(member)
            require_size(math.prod(shape) * dtype.itemsize, most_mib, f"{path}: {name}", LIMIT)


def _parquet(config: CropsConfig, path: Path) -> CropSource:
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(path)
    except Exception as error:
        raise DataError(f"{path}: is no readable Parquet file, {error}") from error
    if config.image not in table.column_names:
        raise DataError(f"{path}: has no column {config.image!r}; it has {', '.join(table.column_names)}")
    cells = table.column(config.image).to_pylist()
    data = [cell["bytes"] if isinstance(cell, dict) else cell for cell in cells]
    columns = {n: table.column(n).to_pylist() for n in table.column_names if n != config.image}

    def read(row: int) -> PixelArray:
        if not isinstance(data[row], bytes):
            raise DataError(f"{path} row {row}: column {config.image!r} holds no image bytes")
        return decode_picture(data[row], f"{path} row {row}", config.max_image_mib)

    return CropSource(
        _numbered(path, len(data)),
        read=read,
        columns=columns,
        label="label" if "label" in columns else None,
        label_names=_class_labels(table.schema.metadata or {}),
        pictures=True,
    )


def _class_labels(schema_metadata: dict[bytes, bytes]) -> dict[str, tuple[str, ...]]:
    """Class names from the features that the ``datasets`` library writes into a Parquet file."""
    if b"huggingface" not in schema_metadata:
        return {}
    features = json.loads(schema_metadata[b"huggingface"])["info"]["features"]
    return {
        column: tuple(feature["names"])
        for column, feature in features.items()
        if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
    }


def _folder(config: CropsConfig, path: Path, split: str) -> CropSource | None:
    halves = [path / name for name in ("train", "test")]
    if "{split}" not in config.path:
        if all(half.is_dir() for half in halves):
            path = inside(path, split, "data.path")
        elif split == "test":
            return None
    found = files_below(path, lambda p: p.suffix.lower() in SUFFIXES)
    files = found.paths
    if not files:
        gone = f", and {len(found.outside)} link(s) lead out of it" if found.outside else ""
        raise DataError(f"data.path {path}: holds no file of {', '.join(SUFFIXES)}{gone}")
    ids = [file.relative_to(path).as_posix() for file in files]
    folders = [file.parent.relative_to(path).as_posix() for file in files]
    nested = len(set(folders)) > 1

    names = _first_names(files[0], config)

    def read(row: int) -> PixelArray:
        image = read_image(files[row], config.max_image_mib)
        found = image.channel_names
        if names is not None and found is not None and found != names and len(found) == len(names):
            raise DataError(
                f"{ids[row]}: has channels {', '.join(found)}, but {ids[0]} has {', '.join(names)}; bring "
                f"them into one order"
            )
        return image.pixels

    return CropSource(
        ids,
        read=read,
        columns={"folder": folders},
        label="folder" if nested else None,
        channel_names=names,
        pictures=files[0].suffix.lower() in PICTURE_SUFFIXES,
        left_out=found.left_out(),
    )


def _first_names(file: Path, config: CropsConfig) -> tuple[str, ...] | None:
    try:
        return read_image(file, config.max_image_mib).channel_names
    except DataError as error:
        if config.on_error == "raise":
            raise with_remedy(error, "crops") from error
        return None
