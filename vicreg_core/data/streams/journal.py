"""A folder of files that are made one by one, goes on where it was interrupted, and ends with a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

from vicreg_core.data.streams.manifest import FILE, Manifest, ShardEntry, parse_manifest
from vicreg_core.errors import RunError
from vicreg_core.files import remove, write_text

_PROGRESS = "progress.json"


class Journal:
    """Which files of a folder are whole.

    Args:
        folder: new, empty, or of an earlier call.
        mark: changes with what the files are made of.
        what: of the files, for messages: ``"shards"``.

    Raises:
        RunError: the folder holds something else.
    """

    def __init__(self, folder: Path, mark: str, what: str) -> None:
        self.folder, self.mark = folder, mark
        self.done = {each.name: each for each in self._whole(what)}

    def add(self, entry: ShardEntry) -> None:
        """One more is whole."""
        self.done[entry.name] = entry
        self._write(_PROGRESS, list(self.done))

    def finish(self, names: Sequence[str]) -> Manifest:
        """All are: write the manifest."""
        manifest = self._write(FILE, names)
        remove(self.folder / _PROGRESS)
        return manifest

    def _write(self, file: str, names: Sequence[str]) -> Manifest:
        manifest = Manifest(source=self.mark, shards=tuple(self.done[name] for name in names))
        write_text(self.folder / file, json.dumps(manifest.model_dump(), indent=1))
        return manifest

    def _whole(self, what: str) -> list[ShardEntry]:
        if self.folder.exists() and not self.folder.is_dir():
            raise RunError(f"{self.folder} is a file; name a folder for the {what}")
        known = next((each for name in (_PROGRESS, FILE) if (each := self.folder / name).exists()), None)
        if known is None:
            if self.folder.is_dir() and any(self.folder.iterdir()):
                raise RunError(
                    f"{self.folder} is not empty and holds no {what} of an earlier call; name another folder"
                )
            return []
        manifest = parse_manifest(known.read_bytes(), str(known))
        if manifest.source != self.mark:
            raise RunError(
                f"{self.folder} holds {what} made of something else, or otherwise; name another folder"
            )
        files = [(each, self.folder / each.name) for each in manifest.shards]
        return [
            each for each, path in files if path.is_file() and entry_of(path, each.name, each.rows) == each
        ]


def entry_of(path: Path, name: str, rows: int) -> ShardEntry:
    """What a manifest says of a file that is there."""
    with path.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return ShardEntry(name=name, rows=rows, size=path.stat().st_size, sha256=digest)
