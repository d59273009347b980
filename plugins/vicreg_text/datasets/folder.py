"""Datasets in folders of text files."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from vicreg_core.contracts import Split
from vicreg_core.data.paths import files_below
from vicreg_core.data.tables import Row, check_text_file, text_problem
from vicreg_core.errors import DataError
from vicreg_text.cache import file_digest, key_of
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import FolderConfig
from vicreg_text.datasets.source import Columns, Source
from vicreg_text.datasets.splits import open_split


def build(config: FolderConfig, split: Split) -> TextDataset | None:
    """The files of one split; the id of a document is its path below the folder.

    Raises:
        DataError: naming the folder or file at fault.
    """
    test = partial(_source, config, "test", config.test) if config.test is not None else None
    return open_split(config, split, _source(config, "train", config.train), test)


def _source(config: FolderConfig, key: str, folder: str) -> Source:
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DataError(f"data.{key}: {root} is not a folder (looked from {Path.cwd()})")
    found = files_below(root, lambda path: path.match(config.pattern))
    paths = found.paths
    if not paths:
        left_out = f"; left out: {found.left_out()[0]}" if found.left_out() else ""
        raise DataError(f"data.{key}: {root} holds no file that matches {config.pattern!r}{left_out}")
    labelled = config.class_folders == "auto" and any(path.parent != root for path in paths)
    files = [[path.relative_to(root).as_posix(), file_digest(path)] for path in paths]
    columns = Columns(label="label" if labelled else None, id="id")
    return Source(
        root.name,
        key_of("folder", config.encoding, files),
        lambda: _rows(root, paths, config.encoding),
        columns,
        tuple(found.left_out()),
    )


def _rows(root: Path, paths: list[Path], encoding: str) -> Iterator[Row]:
    for path in paths:
        relative = path.relative_to(root)
        content = path.read_bytes()
        try:
            check_text_file(path, content[:4], encoding)
            text = content.decode(encoding, errors="surrogateescape").removeprefix("\ufeff")
        except DataError as error:
            yield Row(relative.as_posix(), {}, str(error))
            continue
        except UnicodeError as error:
            yield Row(relative.as_posix(), {}, f"not {encoding}: {error}; set data.encoding")
            continue
        label = relative.parts[0] if len(relative.parts) > 1 else None
        values = {"text": _plain_lines(text), "label": label, "id": relative.as_posix()}
        yield Row(relative.as_posix(), values, text_problem(text, encoding))


def _plain_lines(text: str) -> str:
    """Every line end as ``\\n``, as a file opened as text has them."""
    return text.replace("\r\n", "\n").replace("\r", "\n")
