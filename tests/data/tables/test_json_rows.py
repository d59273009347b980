from __future__ import annotations

from pathlib import Path

import pytest

from vicreg_core.data.tables import TableFileConfig, read_table
from vicreg_core.errors import DataError

BROKEN = [
    ('{"text": "a", "n": ' + "9" * 5_000 + "}", "a number of too many digits"),
    ('{"text": ' + "[" * 200_000 + "}", "nested too deeply"),
    ('{"text": "a \\ud800 b"}', r"\ud800 in 'text' is half of a character"),
    ('{"\\udc00": "a"}', r"\udc00 in '\udc00' is half of a character"),
    ('{"text": "a"', "not JSON at column"),
    ("[1]", "a JSON list where an object was expected"),
    ("null", "a JSON null where an object was expected"),
]


@pytest.mark.parametrize(("line", "said"), BROKEN, ids=[said for _, said in BROKEN])
def test_a_broken_line_costs_itself(tmp_path: Path, line: str, said: str) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"text": "\\ud83d\\ude00"}\n' + line + '\n{"text": "last"}\n')
    rows = list(read_table(path, TableFileConfig()))
    assert [row.values.get("text") for row in rows if not row.problem] == ["😀", "last"]
    assert rows[1].place == "line 2 of t.jsonl"
    assert said in (rows[1].problem or "")


def test_an_array_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "t.json"
    path.write_text('[{"text": "a"}, {"text": "\\ud800"}, 3]')
    rows = list(read_table(path, TableFileConfig()))
    assert [row.problem is None for row in rows] == [True, False, False]
    for content, said in (
        ('{"text": "a"}', "a JSON dict where an array of objects was expected"),
        ("[1,\n", "not JSON at line 2, column 1"),
        ('{"a": 1}\n{"a": 2}\n', "one object a line is the format jsonl"),
        ("[" * 200_000, "nested too deeply"),
    ):
        path.write_text(content)
        with pytest.raises(DataError, match=said):
            list(read_table(path, TableFileConfig()))
