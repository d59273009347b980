"""The sites of a plate: which files make one image, and what its metadata says."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vicreg_biomedical.datasets.config import PlateConfig
from vicreg_biomedical.datasets.objects import stem_of
from vicreg_biomedical.datasets.table import join, name_some, read_csv
from vicreg_biomedical.images.image import CellImage
from vicreg_biomedical.images.omezarr import plate_fields, read_zarr
from vicreg_biomedical.images.readers import read_channel_files, read_image
from vicreg_core.data.paths import is_inside, walk_files
from vicreg_core.errors import DataError


@dataclass
class Site:
    """One field of view.

    Attributes:
        name: file name, or the pattern's fields but the channel.
        path: the file masks and annotations lie beside.
        files: every file of the image.
        read: reads the image.
        columns: what the file name and the metadata say.
    """

    name: str
    path: Path
    read: Callable[[], CellImage]
    columns: dict[str, str] = field(default_factory=dict)
    files: tuple[Path, ...] = ()

    def __post_init__(self) -> None:
        self.files = self.files or (self.path,)


def find_sites(config: PlateConfig, folder: Path) -> tuple[list[Site], list[str]]:
    """All sites in a stable order, joined with their metadata; and what was left out and why.

    Raises:
        DataError: for no site, an incomplete set of channels, or sites and rows that do not match.
    """
    if not folder.is_dir():
        found = "is a file" if folder.exists() else "is not there"
        raise DataError(
            f"data.path {folder}: {found}, expected a folder of sites or of an OME-Zarr (looked from "
            f"{Path.cwd()})"
        )
    outside: list[Path] = []
    if folder.suffix == ".zarr":
        sites = _zarr_plate(folder, config.max_image_mib)
    elif config.pattern is not None:
        sites = _by_pattern(config, folder, config.pattern, outside)
    else:
        sites = _by_file(config, folder, outside)
    left_out = [f"{path}: a link that leads out of the folder" for path in sorted(outside)]
    if config.metadata is None:
        return sites, left_out
    sites, without = _with_metadata(config, folder, sites)
    return sites, left_out + without


def _by_file(config: PlateConfig, folder: Path, outside: list[Path]) -> list[Site]:
    masks = _masks_regex(config.masks)
    files = _own(_matching(config.files, folder, outside), folder, outside)
    files = [path for path in files if masks is None or not masks.fullmatch(path.name)]
    if not files:
        raise DataError(
            f"data.path {folder}: no file matches data.files {config.files!r}{_away(outside)}; set it to a "
            f"glob of the images, such as '**/*.tif'"
        )
    return [
        Site(path.name, path, lambda path=path: read_image(path, config.max_image_mib), {"file": path.name})  # type: ignore[misc]
        for path in files
    ]


def _matching(files: str, folder: Path, outside: list[Path]) -> list[Path]:
    """What a glob finds in a folder; links to folders outside, which it does not enter, go to ``outside``."""
    try:
        found = [path for path in folder.glob(files) if not path.name.startswith(".")]
    except (ValueError, NotImplementedError, IndexError) as error:
        raise DataError(
            f"data.files {files!r} is no glob below data.path ({error}); expected one such as '*.tif'"
        ) from error
    if "**" in files:
        links: list[Path] = []
        for _ in walk_files(folder, links):
            pass
        outside.extend(link for link in links if link.is_dir())
    return found


def _own(paths: Sequence[Path], folder: Path, outside: list[Path]) -> list[Path]:
    """Those of a folder's files that lie in it, in order; links that lead out of it go to ``outside``."""
    kept = {path: is_inside(folder, path) for path in paths}
    outside.extend(path for path, is_own in kept.items() if not is_own and path not in outside)
    return sorted(path for path, is_own in kept.items() if is_own)


def _away(outside: Sequence[Path]) -> str:
    return f", but {len(outside)} link(s) lead out of it, which are left out" if outside else ""


def _masks_regex(pattern: str | None) -> re.Pattern[str] | None:
    if pattern is None:
        return None
    return re.compile(".+".join(re.escape(part) for part in pattern.split("{stem}")))


def pattern_regex(pattern: str) -> re.Pattern[str]:
    """``"{plate}_w{channel}.tif"`` as a regular expression; a field takes no underscore, dot or slash.

    Raises:
        DataError: without ``{channel}``.
    """
    if "{channel}" not in pattern:
        raise DataError(
            f"data.pattern {pattern!r}: has no {{channel}}; leave the pattern out for one file a site"
        )
    parts = re.split(r"\{(\w+)\}", pattern)
    pieces = [re.escape(part) if i % 2 == 0 else f"(?P<{part}>[^_./]+?)" for i, part in enumerate(parts)]
    return re.compile("".join(pieces))


def _by_pattern(config: PlateConfig, folder: Path, pattern: str, outside: list[Path]) -> list[Site]:
    regex = pattern_regex(pattern)
    files: dict[tuple[str, ...], dict[str, Path]] = {}
    fields = [name for name in regex.groupindex if name != "channel"]
    for path in _own([p for p in folder.iterdir() if regex.fullmatch(p.name)], folder, outside):
        if match := regex.fullmatch(path.name):
            key = tuple(match[name] for name in fields)
            files.setdefault(key, {})[match["channel"]] = path
    if not files:
        raise DataError(
            f"data.path {folder}: no file name matches data.pattern {pattern!r}{_away(outside)}; a field of "
            f"it takes no underscore, dot or slash"
        )
    channels = sorted({channel for found in files.values() for channel in found})
    sites = []
    for key, found in sorted(files.items()):
        name = "_".join(key)
        read = _channel_reader(name, found, channels, _away(outside))
        columns, paths = dict(zip(fields, key, strict=True)), tuple(found.values())
        sites.append(Site(name, paths[0], read, columns, paths))
    return sites


def _channel_reader(
    name: str, found: dict[str, Path], channels: Sequence[str], away: str
) -> Callable[[], CellImage]:
    def read() -> CellImage:
        missing = [channel for channel in channels if channel not in found]
        if missing:
            raise DataError(
                f"site {name}: has no file of channel {', '.join(missing)}, which other sites have{away}; "
                f"add it, or set data.on_error=skip"
            )
        return read_channel_files([found[channel] for channel in channels], channels)

    return read


def _zarr_plate(folder: Path, most_mib: int) -> list[Site]:
    fields = plate_fields(folder)
    if fields is None:
        return [Site(folder.name, folder, lambda: read_zarr(folder, most_mib), {"file": folder.name})]
    return [
        Site(
            f"{well}_{number}",
            path,
            lambda path=path: read_zarr(path, most_mib),  # type: ignore[misc]
            {"file": f"{well}_{number}", "plate": stem_of(folder), "well": well, "site": number},
        )
        for well, number, path in fields
    ]


def _with_metadata(config: PlateConfig, folder: Path, sites: list[Site]) -> tuple[list[Site], list[str]]:
    source = Path(str(config.metadata)).expanduser()
    if not source.is_absolute() and not source.exists():
        source = folder / source
    table = read_csv(source)
    for column in config.join_on:
        if column not in table:
            raise DataError(f"metadata {source}: has no column {column!r}; it has {', '.join(table)}")
        if any(column not in site.columns for site in sites):
            raise DataError(
                f"data.join_on: the sites carry no {column!r}; they carry {', '.join(sites[0].columns)}"
            )
    joined = {
        **table,
        "\0": ["\0".join(parts) for parts in zip(*(table[c] for c in config.join_on), strict=True)],
    }
    keys = ["\0".join(site.columns[c] for c in config.join_on) for site in sites]
    columns, without_row, without_site = join(keys, joined, "\0", str(source))
    orphans = [value.replace("\0", " ") for value in without_site]
    lost = [sites[i].name for i in without_row]
    if config.on_error == "raise" and (lost or orphans):
        raise DataError(
            f"metadata {source}: {len(lost)} sites have no row ({name_some(lost) or 'none'}) and "
            f"{len(orphans)} rows have no site ({name_some(orphans) or 'none'}); "
            f"correct it, or set data.on_error=skip"
        )
    left_out = set(without_row)
    kept = [site for i, site in enumerate(sites) if i not in left_out]
    del columns["\0"]
    for row, site in enumerate(kept):
        site.columns |= {name: values[row] for name, values in columns.items()}
    skipped = [f"{name}: no row in {source}" for name in lost]
    return kept, skipped + [f"{name}: row of {source} without a site" for name in orphans]
