"""``vision/folder``: the images below a folder, labelled by their sub-folders or not at all."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from vicreg_core.contracts import Split
from vicreg_core.errors import DataError
from vicreg_vision.datasets.adapters import Annotations, ImageAdapter
from vicreg_vision.datasets.config import FolderConfig
from vicreg_vision.datasets.files import Found, existing_folder, image_folder
from vicreg_vision.datasets.labels import class_values, encode
from vicreg_vision.datasets.loading import open_images
from vicreg_vision.images.layout import scan_layout
from vicreg_vision.images.sources import FileSource, printable

_TEST_NAMES = ("test", "val", "valid", "validation")


@dataclass(frozen=True, slots=True)
class _Folder:
    """One split: its folder, the recipe key it comes from, and what ids begin with."""

    root: Path
    key: str
    prefix: str = ""


def build(config: FolderConfig, split: Split) -> ImageAdapter | None:
    """The images of one split of a folder.

    Where ``path`` has a sub-folder ``train`` beside none but ``test``, ``val``, ``valid`` or ``validation``,
    those are the splits. Ids are paths relative to ``path`` (of ``test_path`` for its own images).

    Warns of files that are no images, with their number.

    Raises:
        DataError: for a missing or empty folder, an unreadable image, a class unknown to training.
    """
    train, test = _splits(config)
    chosen = train if split == "train" else test
    if chosen is None:
        return None
    follow = config.links == "follow"
    train_images = image_folder(train.root, train.key, follow)
    images = train_images if split == "train" else image_folder(chosen.root, chosen.key, follow)
    if images.outside:
        warnings.warn(
            f"vision/folder: {images.outside} link(s) lead out of {chosen.root} and are left out; "
            "data.links=follow reads them",
            stacklevel=2,
        )
    if images.others:
        warnings.warn(
            f"vision/folder: passed over {images.others.total()} other files in {chosen.root}: "
            f"{images.listing()}",
            stacklevel=2,
        )
    train_source, source = FileSource(train.root, train_images.paths), FileSource(chosen.root, images.paths)
    train_layout = scan_layout(train_source, config.channels, config.bit_depth)
    # The white of every split is the training split's; here it is not asked for.
    layout = train_layout if split == "train" else scan_layout(source, config.channels, bit_depth=16)
    labels = [] if config.class_folders == "none" else _labels(train_images.paths)
    annotations = _annotate(chosen, images, labels)
    return open_images(source, annotations, config, layout, train_layout)


def _splits(config: FolderConfig) -> tuple[_Folder, _Folder | None]:
    root = existing_folder(config.path, "data.path")
    if config.test_path is not None:
        test = existing_folder(config.test_path, "data.test_path")
        if test.resolve().is_relative_to(root.resolve()):
            raise DataError(
                f"data.test_path: {config.test_path} lies inside data.path ({config.path}), so its images "
                f"would be trained on; move it out, or name the sub-folders train and test"
            )
        return _Folder(root, "data.path"), _Folder(test, "data.test_path")
    inside = {entry.name for entry in root.iterdir() if entry.is_dir() and not entry.name.startswith(".")}
    if "train" not in inside or not inside <= {"train", *_TEST_NAMES}:
        return _Folder(root, "data.path"), None
    train = _Folder(root / "train", "data.path", "train/")
    for name in _TEST_NAMES:
        if name in inside:
            return train, _Folder(root / name, "data.path", f"{name}/")
    return train, None


def _labels(paths: Sequence[str]) -> list[str | None]:
    """The first sub-folder of each image; ``None`` for one that lies in none, which is not labelled."""
    return [path.split("/", 1)[0] if "/" in path else None for path in paths]


def _annotate(folder: _Folder, images: Found, train_labels: list[str | None]) -> Annotations:
    ids = [folder.prefix + printable(path) for path in images.paths]
    classes = class_values(train_labels, folder.key)
    if len(classes) < 2:
        return Annotations(ids)
    encoded = encode(_labels(images.paths), classes, f"{folder.key} ({folder.root})")
    return Annotations(ids, encoded, [] if encoded is None else [printable(name) for name in classes])
