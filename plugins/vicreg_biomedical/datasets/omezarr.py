"""OME-Zarr images and plates (NGFF 0.4 and 0.5), at full resolution."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_biomedical.datasets.readers import LARGEST_IMAGE, CellImage, to_channels_first
from vicreg_core.errors import DataError


def _open(path: Path) -> Any:
    import zarr

    try:
        return zarr.open_group(str(path), mode="r")
    except Exception as error:
        raise DataError(f"{path}: is no OME-Zarr, {type(error).__name__}: {error}") from error


def _member(group: Any, name: str, path: Path) -> Any:
    if name not in group:
        raise DataError(f"{path}: names {name!r}, which is not there")
    return group[name]


def _attributes(group: Any) -> Mapping[str, Any]:
    """The OME attributes: below ``ome`` since version 0.5."""
    attributes = dict(group.attrs)
    nested = attributes.get("ome")
    return nested if isinstance(nested, dict) else attributes


def read_zarr(path: Path) -> CellImage:
    """The first resolution level of an OME-Zarr image as ``(C, H, W)`` or ``(C, D, H, W)``, with the names
    of ``omero.channels``.

    Raises:
        DataError: where it is no image, or has several time points.
    """
    group = _open(path)
    attributes = _attributes(group)
    if "multiscales" not in attributes:
        raise DataError(f"{path}: is no OME-Zarr image (it has no 'multiscales')")
    scales = attributes["multiscales"][0]
    array: Any = _member(group, scales["datasets"][0]["path"], path)
    axes = "".join(_axis(axis) for axis in scales.get("axes", "tczyx"))
    if array.nbytes > LARGEST_IMAGE:
        raise DataError(f"{path}: is {array.nbytes / 2**30:.1f} GiB; tile it first")
    try:
        read = np.asarray(array[...])
    except Exception as error:
        raise DataError(f"{path}: cannot be read, {type(error).__name__}: {error}") from error
    pixels = to_channels_first(read, axes, str(path))
    channels = attributes.get("omero", {}).get("channels", [])
    names = tuple(str(channel.get("label", "")) for channel in channels)
    return CellImage(pixels, names if all(names) and len(names) == pixels.shape[0] else None)


def _axis(axis: Any) -> str:
    return str(axis["name"] if isinstance(axis, dict) else axis).upper()


def plate_fields(path: Path) -> list[tuple[str, str, Path]] | None:
    """Well, field and path of every image of an OME-Zarr plate; ``None`` where ``path`` is no plate."""
    group = _open(path)
    plate = _attributes(group).get("plate")
    if plate is None:
        return None
    fields = []
    for well in plate["wells"]:
        images = _attributes(_member(group, well["path"], path))["well"]["images"]
        name = str(well["path"]).replace("/", "")
        fields += [(name, str(image["path"]), path / well["path"] / image["path"]) for image in images]
    return fields
