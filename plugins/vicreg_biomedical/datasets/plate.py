"""``biomedical/plate``: single cells cut from the sites of plates."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vicreg_biomedical.datasets.adapter import CellTable, CropArray
from vicreg_biomedical.datasets.config import PlateConfig
from vicreg_biomedical.datasets.cutting import CutCells, cached, cut_sites
from vicreg_biomedical.datasets.objects import locator
from vicreg_biomedical.datasets.pixels import PixelArray
from vicreg_biomedical.datasets.positives import pair_up
from vicreg_biomedical.datasets.sites import find_sites
from vicreg_biomedical.datasets.statistics import crop_facts
from vicreg_biomedical.datasets.table import encode_labels
from vicreg_core.contracts import DataInfo
from vicreg_core.errors import DataError


def build(config: PlateConfig, split: str) -> CropArray | None:
    """The cells of a split; ``None`` for the test split where the recipe names no way to tell it.

    Raises:
        DataError: naming the file, row or column at fault.
    """
    if split == "test" and config.test_groups is None and "{split}" not in config.path:
        return None
    folder = Path(config.path.replace("{split}", split)).expanduser()
    sites, left_out = find_sites(config, folder)
    locate = locator(config, folder)
    if config.cache is None:
        cells = cut_sites(config, sites, locate)
    else:
        cells = cached(config, folder, sites, locate)
    facts: dict[str, Any] = {"planes": config.depth}
    crops = cells.crops
    if config.controls is not None:
        cells.columns["is_control"] = _controls(cells, config.controls).tolist()
    if config.centre_by is not None:
        crops, facts["centred"] = centre(crops, cells, config.centre_by)
        facts["centred_by"] = config.centre_by
    rows = _rows_of(config, cells, split)
    fitted = crops[rows] if config.test_groups is not None else crops
    size = crops.shape[2:]
    facts = {**crop_facts(fitted, cells.channel_names, bit_depth=config.bit_depth, canvas=size), **facts}
    table = _table(config, cells, rows, left_out)
    partners = None
    if config.positives is not None:
        apart = "{split}" in config.path or config.test_groups is not None
        table, partners = pair_up(table, config.positives, config.positives_across, split_apart=apart)
    return CropArray(fitted, table, DataInfo(facts), config.floor, partners)


def _column(cells: CutCells, name: str, key: str) -> list[Any]:
    if name not in cells.columns:
        raise DataError(f"data.{key}: no column {name!r}; there are {', '.join(cells.columns)}")
    return cells.columns[name]


def _rows_of(config: PlateConfig, cells: CutCells, split: str) -> NDArray[np.int64]:
    everything = np.arange(len(cells.crops))
    if config.test_groups is None:
        return everything
    if config.group is None:
        raise DataError("data.test_groups names groups, but data.group names no column")
    groups = np.array(_column(cells, config.group, "group"))
    unknown = [group for group in config.test_groups if group not in groups]
    if unknown:
        raise DataError(
            f"data.test_groups: no {config.group} {', '.join(unknown)}; there are {', '.join(set(groups))}"
        )
    tested = np.isin(groups, config.test_groups)
    return everything[tested if split == "test" else ~tested]


def _table(
    config: PlateConfig, cells: CutCells, rows: NDArray[np.int64], left_out: Sequence[str]
) -> CellTable:
    labels: NDArray[np.int64] | None = None
    classes: tuple[str, ...] = ()
    if config.label is not None:
        every, classes = encode_labels(_column(cells, config.label, "label"), None, config.label)
        labels = None if every is None else every[rows]
    groups = np.array(_column(cells, config.group, "group"))[rows] if config.group else None
    chosen = rows.tolist()
    columns = {name: [values[i] for i in chosen] for name, values in cells.columns.items()}
    return CellTable(
        ids=columns.pop("id"),
        labels=labels,
        classes=classes,
        groups=groups,
        metadata={name: values for name, values in columns.items() if any(v is not None for v in values)},
        skipped=(*left_out, *cells.skipped),
    )


def _controls(cells: CutCells, controls: dict[str, str]) -> NDArray[np.bool_]:
    chosen = np.ones(len(cells.crops), dtype=bool)
    for column, value in controls.items():
        chosen &= np.array(_column(cells, column, "controls")) == value
    return chosen


def centre(crops: PixelArray, cells: CutCells, by: str) -> tuple[PixelArray, dict[str, Any]]:
    """Bring every batch (plate) to zero mean and unit spread, channel by channel, by its control cells.

    Returns:
        ``crops`` as float32, and the fitted mean and spread of each batch, saved with the model's facts.

    Raises:
        DataError: for a batch without control cells or with a constant channel.
    """
    batches = np.array(_column(cells, by, "centre_by"))
    is_control = np.array(cells.columns.get("is_control", [True] * len(crops)))
    result = np.empty(crops.shape, np.float32)
    within = (0, *range(2, crops.ndim))
    fitted: dict[str, Any] = {}
    for batch in np.unique(batches):
        members = batches == batch
        reference = crops[members & is_control].astype(np.float32)
        if not len(reference):
            raise DataError(f"data.controls: no cell of {by} {batch} is a control")
        mean, spread = (f(reference, axis=within, dtype=np.float64) for f in (np.mean, np.std))
        if not (spread > 0).all():
            flat = cells.channel_names[int(np.argmin(spread))]
            raise DataError(f"data.centre_by: channel {flat} is constant on {by} {batch}")
        shape = (1, -1, *[1] * (crops.ndim - 2))
        result[members] = (crops[members] - mean.reshape(shape)) / spread.reshape(shape)
        fitted[str(batch)] = {"mean": mean.tolist(), "std": spread.tolist()}
    return result, fitted
