from __future__ import annotations

import json
import multiprocessing
import shutil
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vicreg_text.cache import cache_root, cached_folder
from vicreg_text.datasets.adapter import TextDataset

Open = Callable[..., TextDataset]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE: dict[str, Callable[[Path], object]] = {
    "flipped": flip,
    "short": lambda path: path.write_bytes(path.read_bytes()[:-7]),
    "empty": lambda path: path.write_bytes(b""),
    "gone": lambda path: path.unlink(),
    "foreign": lambda path: path.write_bytes(b"[1, 2]"),
    "zeros": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "no text": lambda path: path.write_bytes(b"\xff\xfe" * 9),
}
FILES = {
    "documents": ("documents.arrow", "skipped.json", "contents.json"),
    "tokenizer": ("tokenizer.json", "contents.json"),
    "tokens": ("flat.npy", "offsets.npy", "contents.json"),
    "statistics": ("idf.npy", "token_vectors.npy", "contents.json"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_what_is_damaged_is_derived_anew_and_said(jsonl: Path, open_table: Open, damage: str) -> None:
    def opened() -> tuple[dict[str, bytes], list[int], list[str]]:
        data = open_table(jsonl, token_vectors=16, on_error="skip")
        return dict(data.info.assets), data.tokens.flat.tolist(), list(data.documents.texts())

    whole = opened()
    for kind, names in FILES.items():
        for name in names:
            (folder,) = (cache_root() / "text" / kind).iterdir()
            DAMAGE[damage](folder / name)
            with pytest.warns(UserWarning, match=f"^{kind} kept in .* are damaged .* deriving them anew"):
                assert opened() == whole
            assert not folder.exists()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert opened() == whole


def test_a_whole_folder_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def write(folder: Path) -> None:
        np.save(folder / "a.npy", np.arange(9))

    first = cached_folder("kind", "key", write)
    assert cached_folder("kind", "key", lambda _: pytest.fail("derived again")) == first
    monkeypatch.setattr("vicreg_text.cache._checksum", lambda _: pytest.fail("read again"))
    assert cached_folder("kind", "key", write) == first


def test_a_failure_leaves_nothing() -> None:
    def write(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cached_folder("kind", "key", write)
    assert list((cache_root() / "text" / "kind").iterdir()) == []


def _derive_often(damaged: bool) -> int:
    """How often the content of a folder that was just returned was not there."""
    lost = 0
    for number in range(60):

        def write(folder: Path, number: int = number) -> None:
            (folder / "value.json").write_text(json.dumps([number] * 50))

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            folder = cached_folder("kind", f"{damaged}{number}", write)
        try:
            lost += json.loads((folder / "value.json").read_text()) != [number] * 50
        except OSError:
            lost += 1
    return lost


@pytest.mark.parametrize("damaged", [False, True])
def test_processes_that_derive_at_once_lose_nothing(damaged: bool) -> None:
    if damaged:
        _derive_often(damaged)
        for path in (cache_root() / "text" / "kind").glob("True*/value.json"):
            flip(path)
    with multiprocessing.get_context("fork").Pool(4) as pool:
        assert pool.map(_derive_often, [damaged] * 12) == [0] * 12
    folders = [path.name for path in (cache_root() / "text" / "kind").iterdir()]
    assert len(folders) == 60
    shutil.rmtree(cache_root())
