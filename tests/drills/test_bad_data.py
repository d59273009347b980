"""Data of every reader spoilt in twenty ways: one message that names the file, or it is left out.

One file of a small data set is emptied, cut, filled with something else, or replaced by what is no file; then
a step is trained. Nothing may hang, end by a signal, or be called a bug. ``VICREG_DRILL=1`` spoils in every
way, by default in every eleventh.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import signal
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from tests.biomedical.test_plate import write_sites
from tests.drills.test_kill import in_a_child
from vicreg_core.cli.main import cli

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="makes pipes and forks"),
]

SAMPLES, SECONDS = 24, 60
DRILL = os.environ.get("VICREG_DRILL") == "1"
RNG = np.random.default_rng(0)
WORDS = ["heron", "owl", "finch", "gull", "tern", "crow", "rook", "jay", "wren", "lark", "swift", "dove"]

Spoil = Callable[[Path], Any]
Made = tuple[list[str], str]
"""What a recipe is told about the data, and which file is spoilt."""


def changed(change: Callable[[bytes], bytes]) -> Spoil:
    return lambda path: path.write_bytes(change(path.read_bytes()))


def flipped(content: bytes) -> bytes:
    some = bytearray(content)
    for at in np.random.default_rng(1).integers(len(some), size=50):
        some[at] ^= 16
    return bytes(some)


def picture(shape: tuple[int, ...], form: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Image.fromarray(RNG.integers(0, 255, shape).astype(np.uint8)).save(stream, form)
    return stream.getvalue()


def huge(_: bytes) -> bytes:
    """A PNG whose header claims ten thousand million pixels."""
    png = bytearray(picture((4, 4)))
    png[16:24] = (100_000).to_bytes(4, "big") * 2
    png[29:33] = zlib.crc32(png[12:29]).to_bytes(4, "big")
    return bytes(png)


def instead(path: Path, make: Callable[[Path], Any]) -> None:
    path.unlink()
    make(path)


SPOILT: dict[str, Spoil] = {
    "emptied": changed(lambda _: b""),
    "a byte": changed(lambda _: b"\x00"),
    "first half": changed(lambda content: content[: len(content) // 2]),
    "without its end": changed(lambda content: content[:-10]),
    "without its beginning": changed(lambda content: content[1:]),
    "without its middle": changed(
        lambda content: content[: len(content) // 3] + content[len(content) // 2 :]
    ),
    "zeros": changed(lambda content: bytes(len(content))),
    "noise": changed(lambda content: np.random.default_rng(2).bytes(len(content))),
    "bits flipped": changed(flipped),
    "twice": changed(lambda content: content + content),
    "packed": changed(gzip.compress),
    "a web page": changed(lambda _: b"<!doctype html><title>Not found</title>404"),
    "text in UTF-16": changed(lambda _: "file,label\nä,b\n".encode("utf-16")),
    "JSON": changed(lambda _: b'{"a": [1, {"b": null}]}'),
    "another picture": changed(lambda _: picture((3, 5))),
    "a huge picture": changed(huge),
    "removed": lambda path: path.unlink(),
    "a folder": lambda path: instead(path, Path.mkdir),
    "a pipe": lambda path: instead(path, os.mkfifo),
    "a link to nothing": lambda path: instead(path, lambda at: at.symlink_to(at.parent / "nothing")),
    "a link to a device": lambda path: instead(path, lambda at: at.symlink_to("/dev/zero")),
    "a link to itself": lambda path: instead(path, lambda at: at.symlink_to(at)),
}


def photos(folder: Path, form: str = "png") -> list[str]:
    names = []
    for number in range(SAMPLES):
        names.append(f"{'ab'[number % 2]}/{number:02}.{form}")
        (folder / names[-1]).parent.mkdir(parents=True, exist_ok=True)
        (folder / names[-1]).write_bytes(picture((16, 16, 3), {"jpg": "JPEG", "tif": "TIFF"}.get(form, form)))
    return names


def photo_folder(folder: Path, form: str) -> Made:
    return [f"data.path={folder}"], photos(folder, form)[3]


def photo_table(folder: Path, form: str) -> Made:
    rows = [{"file": name, "label": name[0]} for name in photos(folder)]
    return [f"data.train={write_table(folder / f'table.{form}', rows)}"], f"table.{form}"


def photo_of_table(folder: Path, form: str) -> Made:
    given, _ = photo_table(folder, form)
    return given, "b/03.png"


def photos_in_parquet(folder: Path, form: str) -> Made:
    rows = [{"image": picture((16, 16, 3)), "label": number % 2} for number in range(SAMPLES)]
    return [f"data.train={write_table(folder / f'table.{form}', rows)}"], f"table.{form}"


def write_table(path: Path, rows: list[dict[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path.parent.mkdir(parents=True, exist_ok=True)
    form = path.name.partition(".")[2]
    if form == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif form == "xlsx":
        book = pytest.importorskip("openpyxl").Workbook()
        for cells in [list(rows[0]), *(list(row.values()) for row in rows)]:
            book.active.append(cells)
        book.save(path)
    else:
        lines = [",".join(rows[0]), *(",".join(map(str, row.values())) for row in rows)]
        if form.startswith("json"):
            lines = [json.dumps(row) for row in rows]
        text = json.dumps(rows) if form == "json" else "\n".join(lines) + "\n"
        path.write_bytes(gzip.compress(text.encode()) if form.endswith("gz") else text.encode())
    return path


def documents() -> list[dict[str, Any]]:
    return [{"text": " ".join(RNG.choice(WORDS, 12)), "label": number % 2} for number in range(SAMPLES * 2)]


def text_table(folder: Path, form: str) -> Made:
    path = write_table(folder / f"table.{form}", documents())
    return [f"data.train={path}", "data.text=text", "data.label=label"], path.name


def text_folder(folder: Path, form: str) -> Made:
    for number, row in enumerate(documents()):
        path = folder / f"{'ab'[number % 2]}/{number:02}.{form}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(row["text"], encoding="utf-8")
    keys = f"name: text/folder, train: {folder}, tokenizer: {{vocab_size: 300}}, token_vectors: 16"
    return [f"data={{{keys}}}"], "b/03.txt"


def crop_folder(folder: Path, form: str) -> Made:
    given, name = photo_folder(folder, form)
    return [*given, "augmentation.preset=brightfield"], name


def crop_array(folder: Path, form: str) -> Made:
    folder.mkdir(parents=True)
    crops, path = RNG.integers(0, 4000, (SAMPLES, 2, 16, 16)).astype(np.uint16), folder / f"crops.{form}"
    if form == "npz":
        np.savez(path, image=crops, label=np.arange(SAMPLES) % 2)
    elif form == "npy":
        np.save(path, crops)
    else:
        write_table(path, [{"image": picture((16, 16, 3)), "label": i % 2} for i in range(SAMPLES)])
    return [f"data.path={path}", *(["data.axes=NCHW"] if form != "parquet" else [])], path.name


def plate(folder: Path, spoilt: str) -> Made:
    write_sites(folder, 8)
    columns = ["data.group=plate", "data.label=treatment", "data.crop=16", "data.border=pad"]
    return [f"data.path={folder}", *columns], spoilt


def zarr_plate(folder: Path, spoilt: str) -> Made:
    zarr = pytest.importorskip("zarr")
    root = zarr.open_group(str(folder / "plate.zarr"), mode="w", zarr_format=2)
    root.attrs["plate"] = {"wells": [{"path": "A/1"}]}
    well = root.create_group("A/1")
    well.attrs["well"] = {"images": [{"path": str(site)} for site in range(3)]}
    rows = []
    for site in range(3):
        image = well.create_group(str(site))
        image.create_array("0", data=RNG.integers(0, 900, (1, 64, 64)).astype(np.uint16))
        image.attrs["multiscales"] = [{"axes": ["c", "y", "x"], "datasets": [{"path": "0"}]}]
        rows += [{"file": f"A1_{site}", "y": y, "x": x} for y in (16, 32, 48) for x in (16, 32, 48)]
    write_table(folder / "plate.zarr/cells.csv", rows)
    keys = "crop: 16, masks: null, centroids: cells.csv, border: pad"
    return [f"data={{name: biomedical/plate, path: {folder}/plate.zarr, {keys}}}"], spoilt


SMALL = [
    "train.epochs=null",
    "train.steps=1",
    "train.batch_size=8",
    "projector.dims=[16]",
    "evaluate.protocols=[]",
]
NET = [
    "encoder={name: vision/small-cnn, width: 8}",
    "augmentation={name: vision/standard, preset: small, size: 16}",
]
BAG = ["data.token_vectors=16", "encoder.dim=16"]
CELLS = ["encoder={name: biomedical/small-cnn, width: 8}", "train.precision=float32"]
CASES: dict[str, tuple[str, list[str], Callable[[Path, str], Made], str]] = {
    "vision png": ("vision/folder", NET, photo_folder, "png"),
    "vision jpg": ("vision/folder", NET, photo_folder, "jpg"),
    "vision tif": ("vision/folder", NET, photo_folder, "tif"),
    "vision csv": ("vision/table", NET, photo_table, "csv"),
    "vision csv, a picture": ("vision/table", NET, photo_of_table, "csv"),
    "vision jsonl": ("vision/table", NET, photo_table, "jsonl"),
    "vision parquet": ("vision/table", NET, photos_in_parquet, "parquet"),
    "text csv": ("text/documents", BAG, text_table, "csv"),
    "text csv.gz": ("text/documents", BAG, text_table, "csv.gz"),
    "text jsonl": ("text/documents", BAG, text_table, "jsonl"),
    "text json": ("text/documents", BAG, text_table, "json"),
    "text xlsx": ("text/documents", BAG, text_table, "xlsx"),
    "text parquet": ("text/documents", BAG, text_table, "parquet"),
    "text folder": ("text/quickstart", BAG, text_folder, "txt"),
    "crops tif": ("biomedical/imaging-flow", CELLS, crop_folder, "tif"),
    "crops png": ("biomedical/imaging-flow", CELLS, crop_folder, "png"),
    "crops npz": ("biomedical/imaging-flow", CELLS, crop_array, "npz"),
    "crops npy": ("biomedical/imaging-flow", CELLS, crop_array, "npy"),
    "crops parquet": ("biomedical/imaging-flow", CELLS, crop_array, "parquet"),
    "plate, a site": ("biomedical/your-plate", CELLS, plate, "s1.ome.tif"),
    "plate, a mask": ("biomedical/your-plate", CELLS, plate, "s1_mask.tif"),
    "plate, its metadata": ("biomedical/your-plate", CELLS, plate, "metadata.csv"),
    "zarr, its wells": (
        "biomedical/imaging-flow",
        [*CELLS, "encoder.orientations=1"],
        zarr_plate,
        "plate.zarr/.zattrs",
    ),
    "zarr, an image": (
        "biomedical/imaging-flow",
        [*CELLS, "encoder.orientations=1"],
        zarr_plate,
        "plate.zarr/A/1/1/.zattrs",
    ),
    "zarr, an array": (
        "biomedical/imaging-flow",
        [*CELLS, "encoder.orientations=1"],
        zarr_plate,
        "plate.zarr/A/1/1/0/.zarray",
    ),
    "zarr, a chunk": (
        "biomedical/imaging-flow",
        [*CELLS, "encoder.orientations=1"],
        zarr_plate,
        "plate.zarr/A/1/1/0/0.0.0",
    ),
    "zarr, its cells": (
        "biomedical/imaging-flow",
        [*CELLS, "encoder.orientations=1"],
        zarr_plate,
        "plate.zarr/cells.csv",
    ),
}


def trained(arguments: list[str], work: Path) -> str:
    """What a training says, which ends by itself, in words and in time."""

    def in_child() -> int:
        signal.alarm(SECONDS)
        os.environ["VICREG_CACHE"] = str(work / "cache")
        result = CliRunner().invoke(
            cli, ["train", *arguments, *SMALL, "--out", str(work / "run"), "--overwrite"]
        )
        (work / "said").write_text(result.output, encoding="utf-8", errors="backslashreplace")
        return result.exit_code

    code, ended_by = in_a_child(in_child)
    if ended_by:
        return f"ended by signal {ended_by}"
    said = (work / "said").read_text(encoding="utf-8")
    return said[said.index("Error:") :] if code and "Error:" in said else f"exit {code}" if not code else said


@pytest.mark.parametrize("case", CASES)
def test_spoilt_data_is_named_or_left_out(tmp_path: Path, case: str) -> None:
    torch.set_num_threads(1)
    recipe, keys, make, form = CASES[case]
    given, name = make(tmp_path / "data", form)
    arguments = [recipe, *keys, *given]
    assert trained(arguments, tmp_path) == "exit 0"
    shutil.copytree(tmp_path / "data", tmp_path / "whole")
    bad = []
    for number, (how, spoil) in enumerate(SPOILT.items()):
        if not DRILL and (number + list(CASES).index(case)) % 11:
            continue
        for on_error in ("raise", "skip"):
            shutil.rmtree(tmp_path / "data")
            shutil.copytree(tmp_path / "whole", tmp_path / "data")
            spoil(tmp_path / "data" / name)
            said = trained([*arguments, f"data.on_error={on_error}"], tmp_path)
            print(f"[{case}, {how}, {on_error}] {said}")
            where = (
                Path(name).name,
                *(parent.name for parent in Path(name).parents if parent.name),
                str(tmp_path),
            )
            if said != "exit 0" and not (said.startswith("Error:") and any(part in said for part in where)):
                bad.append((how, on_error, said))
    assert bad == []
