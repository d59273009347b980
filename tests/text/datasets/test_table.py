from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from vicreg_core.errors import DataError
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.tokens.tokenizer import encode, parse_tokenizer, parted

Open = Callable[..., TextDataset]
GOOD = "".join(f"the {i}th heron waits by the river,bird\n" for i in range(1, 9))
HEADER = "text,topic\n"


def write(tmp_path: Path, content: str | bytes, name: str = "table.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "table.csv is empty"),
        (HEADER, "holds no document"),
        (HEADER + GOOD + "only one column\n", "line 10 of table.csv: 1 column(s) where the header has 2"),
        (HEADER + GOOD + 'he said "no,bird\nnext,bird\n' + GOOD, None),
        (HEADER + '"never closed,bird\n' + GOOD, "is a quote left open?"),
        (HEADER + GOOD + "a\x00b c d,bird\n", "line 10 of table.csv: it holds NUL bytes"),
        (
            (HEADER + GOOD).encode() + "caf\xe9 noir,bird\n".encode("latin-1"),
            "line 10 of table.csv: byte 0xe9",
        ),
        ((HEADER + GOOD).encode("utf-16"), "set data.encoding: utf-16"),
        (HEADER + GOOD + "   ,bird\n", "line 10 of table.csv: no text in column 'text'"),
        (HEADER + "same words here,bird\n" * 9, "all 9 documents hold the same text"),
        (HEADER + "one document here,bird\n", "holds one document"),
        ("text,topic\n" + "a,x\nb,x\nc,y\nd d d d,y\n", "have a single token"),
        ("body,topic\n" + GOOD, "no column 'text'"),
        (
            "txt,topic\n" + GOOD,
            "no column 'text' (data.text); its columns are 'txt', 'topic'; did you mean 'txt'?",
        ),
        ("text,text\n" + GOOD, "the header of table.csv names 2 columns 'text'; rename all but one"),
    ],
)
def test_a_clear_message_each(
    tmp_path: Path, open_table: Open, content: str | bytes, said: str | None
) -> None:
    path = write(tmp_path, content)
    if said is None:
        assert len(open_table(path)) > 0
        return
    with pytest.raises(DataError) as error:
        _ = open_table(path).info
    assert said in str(error.value)


def test_labels_of_one_class(tmp_path: Path, open_table: Open) -> None:
    with pytest.raises(DataError, match="every label is 'bird'"):
        open_table(write(tmp_path, HEADER + GOOD), label="topic")


def test_rows_without_a_label(tmp_path: Path, open_table: Open) -> None:
    rows = GOOD + GOOD.replace("bird", "fowl").replace("heron", "stork")
    without = "a crane dances at dawn,\na snipe calls at dusk,  \n"
    data = open_table(write(tmp_path, HEADER + rows + without), label="topic")
    assert data.labels is not None
    assert (data.classes, data.labels[-2:].tolist()) == (("bird", "fowl"), [-1, -1])
    assert set(data.labels[:-2].tolist()) == {0, 1}


def test_a_test_label_no_training_row_has(tmp_path: Path, open_table: Open) -> None:
    train = write(tmp_path, HEADER + GOOD + GOOD.replace("bird", "fowl").replace("heron", "stork"), "a.csv")
    test = write(tmp_path, HEADER + "a stork stands,storks\n", "b.csv")
    with pytest.raises(DataError, match=r"row 0 .* label 'storks'"):
        open_table(train, "test", test=str(test), label="topic")


def test_skip_leaves_out_broken_rows_and_says_which(tmp_path: Path, open_table: Open) -> None:
    bad = b"one column only\ncaf\xe9,bird\n,bird\nz\x00z,bird\n"
    data = open_table(write(tmp_path, HEADER.encode() + bad + GOOD.encode()), on_error="skip")
    assert len(data) == 8
    assert np.asarray(data.ids).tolist() == list(range(4, 12))
    assert [s.split(":")[0] for s in data.skipped] == [f"line {n} of table.csv" for n in (2, 3, 4, 5)]


def test_the_right_encoding_loses_nothing(tmp_path: Path, open_table: Open) -> None:
    text = HEADER + "le café noir du héron,bird\n" + GOOD
    for encoding in ("latin-1", "utf-16", "utf-8", "utf-8-sig"):
        declared = "utf-8" if encoding.startswith("utf-8") else encoding
        path = write(tmp_path, text.encode(encoding), f"{encoding}.csv")
        data = open_table(path, encoding=declared)
        assert next(iter(data.documents.texts())) == "le café noir du héron"


def test_a_very_long_line_is_one_document(tmp_path: Path, open_table: Open) -> None:
    long = "heron river " * 200_000
    data = open_table(write(tmp_path, HEADER + f"{long},bird\n" + GOOD))
    assert len(next(iter(data.documents.texts()))) == len(long)
    batch = data.__getitems__([0, 1])
    assert int(batch["length"][0]) > 200_000  # type: ignore[index]


def test_a_very_long_word_costs_time_in_proportion(tmp_path: Path, open_table: Open) -> None:
    rows = [{"text": "heron" * 200_000}, *({"text": f"row {i} of many"} for i in range(8))]
    data = open_table(write(tmp_path, "\n".join(map(json.dumps, rows)), "rows.jsonl"))
    tokenizer = parse_tokenizer(data.info.assets["tokenizer.json"])
    assert tokenizer.decode(data[0]).replace(" ", "") == rows[0]["text"]


@pytest.mark.parametrize("gap", [" ", "\n", ". "])
def test_pieces_of_a_long_text_have_the_tokens_of_the_whole(
    tmp_path: Path, open_table: Open, gap: str
) -> None:
    data = open_table(write(tmp_path, HEADER + GOOD))
    tokenizer = parse_tokenizer(data.info.assets["tokenizer.json"])
    text = gap.join(f"the {i}th heron  waits" for i in range(3_000))
    assert len(list(parted(text))) > 5
    assert "".join(parted(text)) == text
    assert encode(tokenizer, text) == tokenizer.encode(text).ids
    assert list(parted("")) == [""]


def test_a_broken_line_of_jsonl_is_named(tmp_path: Path, open_table: Open) -> None:
    lines = [json.dumps({"text": f"row {i} of many"}) for i in range(5)]
    lines[3] = '{"text": "open'
    with pytest.raises(DataError, match=r"line 4 of rows\.jsonl: not JSON at column"):
        open_table(write(tmp_path, "\n".join(lines), "rows.jsonl"))
    lines[3] = '{"text": 5}'
    with pytest.raises(DataError, match=r"line 4 of rows\.jsonl: column 'text' holds int 5"):
        open_table(write(tmp_path, "\n".join(lines), "rows.jsonl"))
    lines[3] = "[1]"
    with pytest.raises(DataError, match="a JSON list where an object was expected"):
        open_table(write(tmp_path, "\n".join(lines), "rows.jsonl"))


def test_no_such_file_or_format(tmp_path: Path, open_table: Open) -> None:
    with pytest.raises(DataError, match="no file matches"):
        open_table(tmp_path / "missing-*.csv")
    with pytest.raises(DataError, match=r"set data\.format"):
        open_table(write(tmp_path, "x", "table.dat"))
    with pytest.raises(DataError, match="cannot be read as Parquet"):
        open_table(write(tmp_path, "not parquet at all", "t.parquet"))
    with pytest.raises(DataError, match="is a folder"):
        open_table(tmp_path)
    with pytest.raises(DataError, match="no encoding Python knows"):
        open_table(write(tmp_path, HEADER + GOOD), encoding="utf-9")


def test_a_spreadsheet_of_a_european_office(tmp_path: Path, open_table: Open) -> None:
    """Semicolons, quotes, a byte order mark; and the same in the code page of Windows."""
    rows = "".join(f'"Le {i}e héron, gris; ""cendré""";oiseau\n' for i in range(9))
    for encoding in ("utf-8-sig", "cp1252"):
        path = write(tmp_path, ("text;topic\n" + rows).encode(encoding), f"{encoding}.csv")
        with pytest.warns(UserWarning, match="is read as separated by a semicolon; set data.delimiter"):
            data = open_table(path, encoding=encoding.removesuffix("-sig"), metadata=["topic"])
        assert next(iter(data.documents.texts())) == 'Le 0e héron, gris; "cendré"'
        assert data.metadata["topic"] == ["oiseau"] * 9
    with pytest.raises(DataError, match=r"byte 0xe9 is not utf-8; set data\.encoding \(latin-1, cp1252"):
        open_table(path)


@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.parquet"])
def test_pipes_and_devices_are_not_read(tmp_path: Path, open_table: Open, name: str) -> None:
    os.mkfifo(tmp_path / name)
    for path in (tmp_path / name, tmp_path / "t.*"):
        with pytest.raises(DataError, match=r"data\.train: .* is a named pipe, expected a file"):
            open_table(path)
    with pytest.raises(DataError, match=r"data\.train: /dev/zero is a device, expected a file"):
        open_table("/dev/zero", format=name.split(".")[1])


def test_broken_json_can_be_left_out(tmp_path: Path, open_table: Open) -> None:
    bad = ['{"text": "a", "n": %s}' % ("9" * 5_000), '{"text": %s' % ("[" * 100_000), '{"text": "\\ud800"}']
    good = [json.dumps({"text": f"row {i} of many"}) for i in range(5)]
    path = write(tmp_path, "\n".join([*bad, *good]), "t.jsonl")
    with pytest.raises(
        DataError, match=r"line 1 of t\.jsonl: a number of too many digits .* data\.on_error=skip"
    ):
        open_table(path)
    data = open_table(path, on_error="skip")
    assert len(data) == 5
    assert [line.split(":")[0] for line in data.skipped] == [f"line {n} of t.jsonl" for n in (1, 2, 3)]


def test_labels_that_look_like_numbers_of_any_length(tmp_path: Path, open_table: Open) -> None:
    rows = "".join(
        f"the {i}th heron waits,{label}\n" for i, label in enumerate(["9" * 5_000, "--3", "2", "10"])
    )
    assert open_table(write(tmp_path, HEADER + rows), label="topic").classes == (
        "2",
        "10",
        "--3",
        "9" * 5_000,
    )
