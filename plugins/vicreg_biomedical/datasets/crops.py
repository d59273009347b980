"""``biomedical/crops``: single-cell crops from a folder, an array or a Parquet file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_biomedical.datasets.adapter import CellDataset, CellTable, CropArray, CropReader
from vicreg_biomedical.datasets.config import CropsConfig
from vicreg_biomedical.datasets.pixels import (
    DTYPES,
    PixelArray,
    check_crop,
    left_out,
    project_depth,
    with_remedy,
)
from vicreg_biomedical.datasets.positives import pair_up
from vicreg_biomedical.datasets.sources import RGB, CropSource, open_source
from vicreg_biomedical.datasets.statistics import crop_facts
from vicreg_biomedical.datasets.table import encode_labels, join, name_some, read_csv
from vicreg_core.contracts import DataInfo
from vicreg_core.data.resize import resize_planes
from vicreg_core.errors import DataError

CHECKED_AT_ONCE = 1024
"""Crops of a memory-mapped stack that are looked at together."""


def build(config: CropsConfig, split: str) -> CellDataset | None:
    """The adapter of a split; ``None`` where the data has no such split.

    Raises:
        DataError: naming the file, column or channel at fault.
    """
    path = Path(config.path.replace("{split}", split)).expanduser()
    source = open_source(config, path, split)
    if source is None:
        return None
    kept, skipped = _join_metadata(config, source)
    crops, kept, bad = _load(config, source, kept)
    channels = _channel_names(config, source, crops[0].shape[0])
    crops, channels = select_channels(crops, channels, config.channels)
    table = _table(config, source, kept, (*source.left_out, *skipped, *bad))
    sizes = np.array([crop.shape[1:] for crop in crops]) if isinstance(crops, list) else None
    canvas = crops.shape[2:] if sizes is None else tuple(int(s) for s in np.median(sizes, axis=0))
    facts = crop_facts(crops, channels, bit_depth=config.bit_depth, canvas=canvas)
    info = DataInfo({**facts, "planes": config.depth})
    partners = None
    if config.positives is not None:
        if not isinstance(crops, np.ndarray):
            raise DataError("data.positives needs crops of one size; set data.resize")
        apart = "{split}" in config.path
        table, partners = pair_up(table, config.positives, config.positives_across, split_apart=apart)
    if isinstance(crops, np.ndarray):
        return CropArray(crops, table, info, config.floor, partners)
    return CropReader(crops.__getitem__, table, info, config.floor)


def _load(
    config: CropsConfig, source: CropSource, kept: list[int]
) -> tuple[PixelArray | list[PixelArray], list[int], list[str]]:
    """The crops of the rows ``kept``: one array where shapes agree, else a list; and the rows left out."""
    if (
        source.array is not None
        and not config.resize
        and not config.as_float
        and (config.depth == "keep" or source.array.ndim == 4)
        and len(kept) == len(source.ids)
    ):
        faults = faulty_crops(source.array, source.ids)
        if not faults:
            return source.array, kept, []
        if config.on_error == "raise":
            named = name_some([*faults.values()], 3)
            raise DataError(
                f"{len(faults)} of {len(kept)} crops cannot be used: {named}. Mend them, or set "
                "data.on_error=skip to leave them out"
            )
    crops: list[PixelArray] = []
    rows: list[int] = []
    bad: list[str] = []
    for row in kept:
        try:
            crop = source.read(row) if source.read is not None else np.asarray(source.array)[row]
            crop = _as_asked(crop, config, source.ids[row])
            _like_first(crop, crops, source.ids[row], source.ids[rows[0]] if rows else "")
        except DataError as error:
            if config.on_error == "raise":
                raise with_remedy(error, "crops") from error
            bad.append(left_out(source.ids[row], error))
            continue
        crops.append(crop)
        rows.append(row)
    if not crops:
        raise DataError(
            f"data.path {config.path}: no crop could be read; the first: {bad[0] if bad else 'none'}"
        )
    if len({crop.shape for crop in crops}) == 1:
        return np.stack(crops), rows, bad
    return crops, rows, bad


def faulty_crops(array: PixelArray, ids: Sequence[str]) -> dict[int, str]:
    """The crops of a stack that :func:`~vicreg_biomedical.datasets.pixels.check_crop` refuses, and why.

    Raises:
        DataError: where the whole stack is of a shape or dtype that no encoder takes.
    """
    if 0 in array.shape or array.dtype.name not in DTYPES:
        check_crop(np.zeros(array.shape[1:], array.dtype), ids[0])
    faults: dict[int, str] = {}
    for start in range(0, len(array), CHECKED_AT_ONCE):
        crops = np.asarray(array[start : start + CHECKED_AT_ONCE])
        space = tuple(range(2, crops.ndim))
        low, high = (reduce(crops, axis=space) for reduce in (np.min, np.max))
        for row in np.flatnonzero((low == high).all(axis=1) | ~np.isfinite(low + high).all(axis=1)):
            try:
                check_crop(crops[row], ids[start + int(row)])
            except DataError as error:
                faults[start + int(row)] = str(error)
    return faults


def _as_asked(crop: PixelArray, config: CropsConfig, name: str) -> PixelArray:
    if config.as_float and crop.dtype != np.float32:
        crop = crop.astype(np.float32)
    check_crop(crop, name)
    crop = project_depth(crop, config.depth)
    if config.resize is None:
        return crop
    pixels = torch.from_numpy(np.ascontiguousarray(crop))
    resized: PixelArray = resize_planes(pixels, (config.resize, config.resize)).numpy()
    return resized


def _like_first(crop: PixelArray, crops: list[PixelArray], name: str, first: str) -> None:
    if not crops:
        return
    if crop.ndim != crops[0].ndim:
        kinds = ["a volume with planes in depth" if c.ndim == 4 else "a flat image" for c in (crop, crops[0])]
        raise DataError(
            f"{name}: is {kinds[0]}, but {first} is {kinds[1]}; project the volumes with data.depth=max"
        )
    if crop.shape[0] != crops[0].shape[0]:
        raise DataError(f"{name}: has {crop.shape[0]} channels, but {first} has {crops[0].shape[0]}")
    if crop.dtype != crops[0].dtype:
        raise DataError(
            f"{name}: is {crop.dtype}, but {first} is {crops[0].dtype}; bit depths are not mixed in silence: "
            f"convert one, or set data.as_float=true"
        )


def _channel_names(config: CropsConfig, source: CropSource, count: int) -> tuple[str, ...]:
    names = config.channel_names or source.channel_names
    if names is None:
        return RGB if count == 3 and source.pictures else tuple(f"channel_{i}" for i in range(count))
    if len(names) != count:
        raise DataError(f"{len(names)} channel names ({', '.join(names)}) for crops of {count} channels")
    return tuple(names)


def select_channels(
    crops: Any, names: Sequence[str], chosen: Sequence[str | int] | None
) -> tuple[Any, tuple[str, ...]]:
    """Keep some channels, in the order asked for.

    Raises:
        DataError: for a channel that is not there, naming those that are.
    """
    if chosen is None:
        return crops, tuple(names)
    indices = []
    for channel in chosen:
        known = channel in names if isinstance(channel, str) else 0 <= channel < len(names)
        if not known:
            raise DataError(f"data.channels: no channel {channel!r}; there are {', '.join(names)}")
        indices.append(list(names).index(channel) if isinstance(channel, str) else channel)
    kept = [crop[indices] for crop in crops] if isinstance(crops, list) else crops[:, indices]
    return kept, tuple(names[i] for i in indices)


def _join_metadata(config: CropsConfig, source: CropSource) -> tuple[list[int], list[str]]:
    """Add the CSV's columns to the source; the rows to keep, and what was left out and why."""
    everything = list(range(len(source.ids)))
    if config.metadata is None:
        return everything, []
    columns, without_row, without_file = join(
        source.ids, read_csv(_metadata_path(config)), config.join_on, config.metadata
    )
    if config.on_error == "raise" and (without_row or without_file):
        lost = [source.ids[i] for i in without_row]
        raise DataError(
            f"metadata {config.metadata}: {len(lost)} files have no row ({name_some(lost) or 'none'}) and "
            f"{len(without_file)} rows have no file ({name_some(without_file) or 'none'}); "
            f"correct {config.join_on!r}, or set data.on_error=skip"
        )
    missing = set(without_row)
    kept = [i for i in everything if i not in missing]
    for name, values in columns.items():
        spread: list[Any] = [None] * len(everything)
        for row, value in zip(kept, values, strict=True):
            spread[row] = value
        source.columns[name] = spread
    skipped = [f"{source.ids[i]}: no row in {config.metadata}" for i in without_row]
    return kept, skipped + [f"{name}: row of {config.metadata} without a file" for name in without_file]


def _metadata_path(config: CropsConfig) -> Path:
    """The CSV as named, or of that name in the folder of the crops."""
    named, folder = Path(str(config.metadata)).expanduser(), Path(config.path).expanduser()
    inside = folder / named
    return inside if not named.exists() and inside.exists() else named


def _table(config: CropsConfig, source: CropSource, kept: list[int], skipped: tuple[str, ...]) -> CellTable:
    columns = {name: [values[i] for i in kept] for name, values in source.columns.items()}
    for key, column in (("label", config.label), ("group", config.group)):
        if column is not None and column not in columns:
            raise DataError(f"data.{key}: no column {column!r}; there are {', '.join(columns) or 'none'}")
    label = config.label or source.label
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    if label is not None:
        labels, classes = encode_labels(columns[label], source.label_names.get(label), label)
    return CellTable(
        ids=[source.ids[i] for i in kept],
        labels=labels,
        classes=classes,
        groups=np.asarray(columns[config.group]) if config.group else None,
        metadata={n: v for n, v in columns.items() if np.ndim(v[0]) == 0},
        skipped=skipped,
    )
