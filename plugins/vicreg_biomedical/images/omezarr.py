"""OME-Zarr images and plates (NGFF 0.4 and 0.5), at full resolution."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_biomedical.images.image import LARGEST_MIB, LIMIT, SLIDE, CellImage, to_channels_first
from vicreg_core.data.paths import inside, regular_file, require_size, walk_files
from vicreg_core.errors import DataError

_METADATA = ("zarr.json", ".zgroup", ".zattrs", ".zmetadata")


def _open(path: Path) -> Any:
    """The group at ``path``, whose metadata lies in it.

    Raises:
        DataError: where it is no group, or a link leads out of it or to what is no file.
    """
    import zarr

    for name in _METADATA:
        if os.path.lexists(path / name):
            regular_file(inside(path, name, str(path)))
    try:
        return zarr.open_group(str(path), mode="r")
    except Exception as error:
        raise DataError(f"{path}: is no OME-Zarr, {type(error).__name__}: {error}") from error


def _require_whole(path: Path) -> None:
    """Refuse an image of which a chunk is a link to elsewhere, a pipe or a device."""
    outside: list[Path] = []
    if not path.is_dir():
        return
    for file in walk_files(path, outside, visible=lambda _: True):
        regular_file(file)
    if outside:
        raise DataError(
            f"{path}: {len(outside)} link(s) lead out of it, first {outside[0]}; only files below that "
            "folder are read. Copy them there"
        )


def _member(group: Any, name: str, path: Path) -> Any:
    inside(path, name, str(path))
    try:
        if name not in group:
            raise DataError(f"{path}: names {name!r}, which is not there")
        return group[name]
    except DataError:
        raise
    except Exception as error:
        raise DataError(
            f"{path}: {name!r} cannot be opened, {type(error).__name__}: {error}. A codec that is not known "
            "here comes with numcodecs (pip install numcodecs), or the image is converted"
        ) from error


def _attributes(group: Any) -> Mapping[str, Any]:
    """The OME attributes: below ``ome`` since version 0.5."""
    attributes = dict(group.attrs)
    nested = attributes.get("ome")
    return nested if isinstance(nested, dict) else attributes


def read_zarr(path: Path, most_mib: int = LARGEST_MIB) -> CellImage:
    """The first resolution level of an OME-Zarr image as ``(C, H, W)`` or ``(C, D, H, W)``, with the names
    of ``omero.channels``.

    Args:
        path: of the image's group.
        most_mib: the most memory that it may take, in MiB.

    Raises:
        DataError: where it is no image, is larger, has several time points, or names a part outside itself.
    """
    group = _open(path)
    attributes = _attributes(group)
    if "multiscales" not in attributes:
        raise DataError(f"{path}: is no OME-Zarr image (it has no 'multiscales')")
    with _well_formed(path):
        scales = attributes["multiscales"][0]
        first = str(scales["datasets"][0]["path"])
        axes = "".join(_axis(axis) for axis in scales.get("axes", "tczyx"))
    _require_whole(inside(path, first, str(path)))
    array: Any = _member(group, first, path)
    if not hasattr(array, "nbytes"):
        raise DataError(f"{path}: {first!r} is no array; expected one image, whose levels are arrays")
    require_size(int(array.nbytes), most_mib, str(path), LIMIT, SLIDE)
    try:
        read = np.asarray(array[...])
    except Exception as error:
        raise DataError(f"{path}: cannot be read, {type(error).__name__}: {error}") from error
    pixels = to_channels_first(read, axes, str(path))
    with _well_formed(path):
        channels = attributes.get("omero", {}).get("channels", [])
        names = tuple(str(channel.get("label", "")) for channel in channels)
    return CellImage(pixels, names if all(names) and len(names) == pixels.shape[0] else None)


def _axis(axis: Any) -> str:
    return str(axis["name"] if isinstance(axis, dict) else axis).upper()


def plate_fields(path: Path) -> list[tuple[str, str, Path]] | None:
    """Well, field and path of every image of an OME-Zarr plate; ``None`` where ``path`` is no plate.

    Raises:
        DataError: its metadata is not that of a plate, or names a part outside the plate.
    """
    group = _open(path)
    plate = _attributes(group).get("plate")
    if plate is None:
        return None
    fields = []
    with _well_formed(path):
        wells = [str(well["path"]) for well in plate["wells"]]
    for well in wells:
        member = _member(group, well, path)
        with _well_formed(path / well):
            numbers = [str(image["path"]) for image in _attributes(member)["well"]["images"]]
        fields += [
            (well.replace("/", ""), number, inside(path, f"{well}/{number}", str(path / well)))
            for number in numbers
        ]
    return fields


@contextmanager
def _well_formed(path: Path) -> Iterator[None]:
    """Within it metadata of another form than NGFF's is an error of the file."""
    try:
        yield
    except (KeyError, IndexError, TypeError, AttributeError) as error:
        raise DataError(
            f"{path}: its OME metadata is not of the form of NGFF 0.4 or 0.5 ({type(error).__name__}: "
            f"{error})"
        ) from error
