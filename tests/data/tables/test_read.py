from __future__ import annotations

import bz2
import gzip
import json
import os
from pathlib import Path

import pytest

from vicreg_core.data.tables import TableFileConfig, read_table
from vicreg_core.errors import DataError

ROWS = [{"text": f"a heron, number {i}", "label": "bird"} for i in range(30)]
CSV = "text,label\n" + "".join(f'"{row["text"]}",{row["label"]}\n' for row in ROWS)


def values(path: Path, **keys: object) -> list[dict[str, object]]:
    rows = list(read_table(path, TableFileConfig(**keys)))  # type: ignore[arg-type]
    assert [row.problem for row in rows] == [None] * len(rows)
    return [dict(row.values) for row in rows]


def pack(path: Path, content: bytes) -> Path:
    if path.suffix == ".zst":
        import pyarrow as pa

        content = bytes(pa.compress(content, codec="zstd", asbytes=True))
    else:
        content = {".gz": gzip.compress, ".bz2": bz2.compress}.get(path.suffix, bytes)(content)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("packed", ["", ".gz", ".bz2", ".zst"])
@pytest.mark.parametrize(
    ("suffix", "content"),
    [
        (".csv", CSV),
        (".tsv", "text\tlabel\n" + "".join(f"{r['text']}\t{r['label']}\n" for r in ROWS)),
        (".jsonl", "\n".join(map(json.dumps, ROWS))),
        (".json", json.dumps(ROWS, indent=1)),
    ],
)
def test_the_same_rows_in_every_format_and_compression(
    tmp_path: Path, suffix: str, content: str, packed: str
) -> None:
    assert values(pack(tmp_path / f"t{suffix}{packed}", content.encode())) == ROWS


def test_xlsx(tmp_path: Path) -> None:
    openpyxl = pytest.importorskip("openpyxl")
    book = openpyxl.Workbook()
    for cells in ([None, None], ["text", "label"], *[list(row.values()) for row in ROWS], [None, None]):
        book.active.append(cells)
    book.create_sheet("other")
    book.save(tmp_path / "t.xlsx")
    assert values(tmp_path / "t.xlsx") == ROWS
    with pytest.raises(DataError, match="the sheet 'other' is empty"):
        values(tmp_path / "t.xlsx", sheet="other")
    with pytest.raises(DataError, match="no sheet 'none'; it has Sheet, other"):
        values(tmp_path / "t.xlsx", sheet="none")
    for i in range(50):
        book.active.append([f"{i}" + "x" * 32_000])
    book.save(tmp_path / "t.xlsx")
    with pytest.raises(DataError, match=r"data\.max_unpacked_mib=1 allows"):
        values(tmp_path / "t.xlsx", max_unpacked_mib=1)
    whole = (tmp_path / "t.xlsx").read_bytes()
    for damaged in (whole[:1000], b"text;label", b"", whole[:400] + b"\xff" * 600 + whole[1000:]):
        (tmp_path / "d.xlsx").write_bytes(damaged)
        with pytest.raises(DataError, match=r"d\.xlsx cannot be read as XLSX"):
            values(tmp_path / "d.xlsx")


def test_xlsx_without_openpyxl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "openpyxl", None)
    (tmp_path / "t.xlsx").write_bytes(b"PK")
    with pytest.raises(DataError, match=r"needs openpyxl: pip install 'vicreg-suite\[xlsx\]'"):
        values(tmp_path / "t.xlsx")


@pytest.mark.parametrize("suffix", [".gz", ".bz2", ".zst"])
def test_a_damaged_archive_is_named(tmp_path: Path, suffix: str) -> None:
    path = pack(tmp_path / f"t.csv{suffix}", CSV.encode() * 50)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=f"t.csv{suffix} cannot be unpacked: .*; it is damaged"):
        values(path)
    path.write_bytes(CSV.encode())
    with pytest.raises(DataError, match=f"t.csv{suffix} cannot be unpacked"):
        values(path)
    path.write_bytes(b"")
    with pytest.raises(DataError, match="is empty"):
        values(path)


def test_a_small_file_that_unpacks_to_much_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "t.csv.gz", CSV.encode() * 2000)
    assert path.stat().st_size < 50_000
    with pytest.raises(DataError, match=r"unpacks to more than the 1 MiB that data\.max_unpacked_mib allows"):
        values(path, max_unpacked_mib=1)


def test_a_line_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vicreg_core.data.tables.rows.LONGEST_LINE", 100)
    monkeypatch.setattr("vicreg_core.data.tables.delimited.LONGEST_LINE", 100)
    (tmp_path / "t.csv").write_text("text\n" + "x" * 101 + "\n")
    with pytest.raises(DataError, match=r"line 2 of t\.csv is longer than 100 characters"):
        values(tmp_path / "t.csv")
    (tmp_path / "t.csv").write_text('text\n"' + "\n".join("x" * 30 for _ in range(9)))
    with pytest.raises(
        DataError, match=r"line 5 of t\.csv cannot be read as a table .* is a quote left open"
    ):
        values(tmp_path / "t.csv")


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet", "t.xlsx", "t.csv.gz"])
def test_only_regular_files_are_opened(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(DataError, match="is a named pipe, expected a file"):
        values(tmp_path / name)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("/dev/zero")
    with pytest.raises(DataError, match="is a device, expected a file"):
        values(tmp_path / name)


def test_names_that_do_not_say_what_they_are(tmp_path: Path) -> None:
    for name, said in (
        ("t.dat", "the suffix '.dat' does not say"),
        ("t.parquet.gz", "parquet is compressed"),
    ):
        (tmp_path / name).write_text("x")
        with pytest.raises(DataError, match=said):
            values(tmp_path / name)
    assert values(pack(tmp_path / "t.txt.gz", CSV.encode()), format="csv") == ROWS


def test_text_in_bytes_of_another_encoding(tmp_path: Path) -> None:
    text = "text;label\nle café;chaud\n"
    for encoding in ("cp1252", "utf-16", "utf-8-sig"):
        (tmp_path / "t.csv").write_bytes(text.encode(encoding))
        declared = "utf-8" if encoding == "utf-8-sig" else encoding
        with pytest.warns(UserWarning, match="separated by a semicolon"):
            assert values(tmp_path / "t.csv", encoding=declared) == [{"text": "le café", "label": "chaud"}]
    (tmp_path / "t.csv").write_bytes("café;label\nx;y\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"the header line of t\.csv: byte 0xe9 is not utf-8"):
        values(tmp_path / "t.csv", delimiter=";")


@pytest.mark.parametrize("name", ["t.json", "t.jsonl", "t.csv"])
def test_bytes_that_end_within_a_character(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes('[{"text": "a"}]'.encode("utf-16")[:-1])
    with pytest.raises(DataError, match=r"cannot be decoded: .*; set data\.encoding"):
        list(read_table(tmp_path / name, TableFileConfig(encoding="utf-16")))


def test_half_a_character_that_an_encoding_lets_through(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"text\n\\ud800\nwhole\n")
    rows = list(read_table(tmp_path / "t.csv", TableFileConfig(encoding="unicode_escape")))
    assert "is half of a character" in (rows[0].problem or "")
    assert rows[1].values == {"text": "whole"}
