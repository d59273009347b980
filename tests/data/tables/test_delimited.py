from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from vicreg_core.data.tables import TableFileConfig, find_delimiter, read_table


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ("text,label\na; b; c,1\n", ","),
        ("text;label\nYes, it is;1\nNo, no, no;2\n", ";"),
        ("text\tlabel\na, b\t1\n", "\t"),
        ("id|text|label\n1|a; b, c|x\n", "|"),
        ("text\nwords; and, more\n", ","),
        ("id;text, whole;label\n1;a, b, c;x\n2;d;y\n", ";"),
        ('text;label\n"a\nb;c";1\n"d ""e"" f";2\n', ";"),
        ("text;label\n", ";"),
        ("text,label\none column\na,1\n", ","),
        ("", ","),
    ],
)
def test_the_delimiter_is_told_from_the_rows(text: str, delimiter: str) -> None:
    assert find_delimiter(text.splitlines(keepends=True)) == delimiter


def test_a_quote_open_where_the_look_ends_does_not_mislead() -> None:
    lines = ["text;label\n", *["a;b\n"] * 18, '"open, for\n']
    assert find_delimiter(lines) == ";"


def test_it_is_said_unless_it_is_the_usual_one(tmp_path: Path) -> None:
    def first(name: str, text: str, delimiter: str | None = None) -> object:
        path = tmp_path / name
        path.write_text(text)
        return next(read_table(path, TableFileConfig(delimiter=delimiter))).values

    with pytest.warns(UserWarning, match=r"^t\.csv is read as separated by a bar; set data\.delimiter"):
        assert first("t.csv", "a|b\n1|2\n") == {"a": "1", "b": "2"}
    with pytest.warns(UserWarning, match="separated by a comma"):
        assert first("t.tsv", "a,b\n1,2\n") == {"a": "1", "b": "2"}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert first("t.tsv", "a\tb\n1\t2\n") == {"a": "1", "b": "2"}
        assert first("t.csv", "a,b\n1,2\n") == {"a": "1", "b": "2"}
        assert first("t.csv", "a,b;c\n1,2;3\n", ";") == {"a,b": "1,2", "c": "3"}
