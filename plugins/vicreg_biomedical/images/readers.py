"""Read one image file as ``(C, H, W)``, or ``(C, D, H, W)`` where it has planes in depth, with its channel
names; no channel dropped, no value changed.

TIFF and OME-TIFF through tifffile, PNG, JPEG and BMP through Pillow, npy through NumPy, OME-Zarr through
zarr.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from vicreg_biomedical.datasets.pixels import PixelArray
from vicreg_biomedical.images.image import LARGEST_MIB, LIMIT, SLIDE, CellImage, to_channels_first
from vicreg_biomedical.images.omezarr import read_zarr
from vicreg_core.data.paths import regular_file, require_size
from vicreg_core.errors import DataError

TIFF_SUFFIXES = (".tif", ".tiff")
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp")
_NPY, _TIFF = b"\x93NUMPY", (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
SUFFIXES = (*TIFF_SUFFIXES, *PICTURE_SUFFIXES, ".npy", ".zarr")


def read_image(source: Any, most_mib: int = LARGEST_MIB) -> CellImage:
    """Read a path, or take a PIL image.

    Args:
        source: a path or a PIL image.
        most_mib: the most memory that the decoded image may take, in MiB.

    Raises:
        DataError: naming the file, where it is missing, damaged, larger, of an unknown kind or has several
            time points.
    """
    if not isinstance(source, str | Path):
        if hasattr(source, "getbands"):
            return CellImage(_from_pil(source, "the given picture"))
        raise DataError(
            f"expected a path, a PIL image or a (channels, height, width) array, got {type(source).__name__}"
        )
    path, suffix = Path(source), Path(source).suffix.lower()
    if suffix != ".zarr":
        path = regular_file(path)
    try:
        if suffix in TIFF_SUFFIXES:
            return _read_tiff(path, str(path), path.stat().st_size, most_mib)
        if suffix in PICTURE_SUFFIXES:
            return CellImage(decode_picture(path.read_bytes(), str(path), most_mib))
        if suffix == ".npy":
            mapped = np.load(path, mmap_mode="r", allow_pickle=False)
            require_size(mapped.nbytes, most_mib, str(path), LIMIT)
            return CellImage(np.array(mapped))
        if suffix == ".zarr":
            return read_zarr(path, most_mib)
    except (DataError, ModuleNotFoundError):
        raise
    except Exception as error:
        raise DataError(
            f"{path}: is damaged, or no file of its kind ({type(error).__name__}: {error})"
        ) from error
    raise DataError(f"{path}: expected one of {', '.join(SUFFIXES)}, got {suffix!r}")


def decode_picture(data: bytes, name: str, most_mib: int = LARGEST_MIB) -> PixelArray:
    """PNG, JPEG or BMP bytes to ``(C, H, W)``: 1 channel for gray (8 or 16 bit), 3 for RGB.

    Raises:
        DataError: where the bytes are no picture, one with an alpha channel or another colour space, or one
            that takes more than ``most_mib`` MiB when decoded.
    """
    from PIL import Image, UnidentifiedImageError

    try:
        with warnings.catch_warnings():
            # The size is looked at here, where the limit can be raised; Pillow's own limit is a warning.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data)) as picture:
                width, height = picture.size
                require_size(width * height * len(picture.getbands()) * 2, most_mib, name, LIMIT)
                return _from_pil(picture, name)
    except Image.DecompressionBombError as error:
        raise DataError(f"{name}: {error}; cut it into smaller pictures") from error
    except UnidentifiedImageError as error:
        raise DataError(f"{name}: is no picture in a known format") from error
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{name}: is a damaged picture, {error}") from error


def _from_pil(picture: Any, name: str) -> PixelArray:
    if picture.mode == "P":
        picture = picture.convert("RGB")
    if picture.mode == "RGBA" and picture.getextrema()[3] == (255, 255):
        picture = picture.convert("RGB")
    if picture.mode not in ("L", "RGB", "I;16", "F"):
        raise DataError(
            f"{name}: colour mode {picture.mode!r}; expected gray (8 or 16 bit) or RGB without transparency"
        )
    array = np.asarray(picture)
    return array[None].copy() if array.ndim == 2 else np.ascontiguousarray(array.transpose(2, 0, 1))


def decode_crop(data: bytes, name: str, most_mib: int = LARGEST_MIB) -> PixelArray:
    """The bytes of a TIFF, ``.npy``, PNG, JPEG or BMP file to ``(C, H, W)``, or ``(C, D, H, W)`` of volumes.

    Raises:
        DataError: naming ``name``, where they are none of these, damaged, or larger when decoded.
    """
    try:
        if data.startswith(_NPY):
            pixels: PixelArray = np.load(io.BytesIO(data), allow_pickle=False)
            require_size(pixels.nbytes, most_mib, name, LIMIT)
            return pixels[None] if pixels.ndim == 2 else pixels
        if data.startswith(_TIFF):
            return _read_tiff(io.BytesIO(data), name, len(data), most_mib).pixels
        return decode_picture(data, name, most_mib)
    except (DataError, ModuleNotFoundError):
        raise
    except Exception as error:
        raise DataError(f"{name}: is damaged ({type(error).__name__}: {error})") from error


def _read_tiff(source: Path | io.BytesIO, path: str, size: int, most_mib: int) -> CellImage:
    import tifffile

    with _complaints() as complaints, tifffile.TiffFile(source) as tiff:
        _check_complete(tiff, path, size)
        if not tiff.series:
            raise DataError(f"{path}: holds no image")
        series = tiff.series[0]
        if len(tiff.series) > 1 and tiff.is_ome:
            raise DataError(
                f"{path}: holds {len(tiff.series)} images; expected one site a file. Split it first"
            )
        require_size(int(np.prod(series.shape)) * series.dtype.itemsize, most_mib, path, LIMIT, SLIDE)
        names = _ome_channel_names(tiff.ome_metadata) if tiff.ome_metadata else None
        pixels = to_channels_first(series.asarray(), series.axes, path)
    broken = [line for line in complaints if "offset" in line or "corrupted" in line]
    if broken:
        raise DataError(f"{path}: is truncated or damaged: {broken[0]}")
    if names is not None and len(names) != pixels.shape[0]:
        names = None
    return CellImage(pixels, names)


@contextmanager
def _complaints() -> Iterator[list[str]]:
    """What tifffile logs meanwhile: it names tags and pages it could not find, and reads on without them."""
    lines: list[str] = []
    logger = logging.getLogger("tifffile")
    keep = logging.Handler()
    keep.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    before = logger.propagate
    logger.addHandler(keep)
    logger.propagate = False
    try:
        yield lines
    finally:
        logger.propagate = before
        logger.removeHandler(keep)


def _check_complete(tiff: Any, path: str, size: int) -> None:
    """Refuse a truncated file: of its pages tifffile reads the first ones, and what is missing as zeros."""
    pages = tiff.pages
    count = len(pages)
    tiff.filehandle.seek(pages.next_page_offset)
    following = int.from_bytes(
        tiff.filehandle.read(tiff.tiff.offsetsize), "little" if tiff.byteorder == "<" else "big"
    )
    if following:
        raise DataError(f"{path}: is truncated, its page {count + 1} lies beyond the end of the file")
    last = max(o + n for page in pages for o, n in zip(page.dataoffsets, page.databytecounts, strict=True))
    if last > size:
        raise DataError(f"{path}: is truncated, its pixels end at byte {last:,} but the file at {size:,}")


def _ome_channel_names(xml: str) -> tuple[str, ...] | None:
    from xml.etree import ElementTree

    root = ElementTree.fromstring(xml)
    names = [element.get("Name") for element in root.iterfind(".//{*}Pixels/{*}Channel")]
    return tuple(str(name) for name in names) if names and all(names) else None


def read_channel_files(paths: Sequence[Path], names: Sequence[str]) -> CellImage:
    """One gray file a channel to one image, in the order given.

    Raises:
        DataError: naming the file whose size, dtype or number of channels differs from the first's.
    """
    planes = [read_image(path).pixels for path in paths]
    for path, plane in zip(paths, planes, strict=True):
        if plane.shape[0] != 1:
            raise DataError(f"{path}: has {plane.shape[0]} channels; a file of a channel has one")
        if plane.shape != planes[0].shape or plane.dtype != planes[0].dtype:
            raise DataError(
                f"{path}: is {plane.shape[1:]} {plane.dtype}, but {paths[0].name} of the same site is "
                f"{planes[0].shape[1:]} {planes[0].dtype}"
            )
    return CellImage(np.concatenate(planes), tuple(names))
