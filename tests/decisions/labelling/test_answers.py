"""The file of labels while it is being written."""

from __future__ import annotations

from pathlib import Path

import pytest

from vicreg_core.data.label_file import read_label_file
from vicreg_core.decisions.labelling.answers import AnswerFile
from vicreg_core.errors import DataError, RunError


def test_every_answer_is_in_the_file_at_once(tmp_path: Path):
    file = AnswerFile(tmp_path / "labels.csv")
    assert file.labels() == {}
    file.answer("a", "fox")
    file.answer("b,c", ' an "owl" ')
    assert AnswerFile(file.path).labels() == {"a": "fox", "b,c": 'an "owl"'}
    assert dict(read_label_file(file.path).names) == file.labels()


def test_an_answer_takes_the_place_of_an_earlier_one(tmp_path: Path):
    file = AnswerFile(tmp_path / "labels.csv")
    for label in ("fox", "owl"):
        file.answer("a", label)
    assert file.path.read_text() == "id,label\na,owl\n"


def test_undo_goes_back_answer_by_answer(tmp_path: Path):
    file = AnswerFile(tmp_path / "labels.csv")
    for sample, label in (("a", "fox"), ("b", "owl"), ("a", "yak")):
        file.answer(sample, label)
    assert [file.undo(), file.labels()] == ["a", {"a": "fox", "b": "owl"}]
    assert [file.undo(), file.labels()] == ["b", {"a": "fox"}]
    assert [file.undo(), file.labels()] == ["a", {}]
    assert file.undo() is None


def test_what_another_program_wrote_stays(tmp_path: Path):
    path = tmp_path / "labels.csv"
    path.write_text("id,label,rank,why\na,,1,typical\nb,,2,typical\n", encoding="utf-8")
    file = AnswerFile(path)
    file.answer("b", "owl")
    path.write_text(path.read_text() + "z,yak,3,by hand\n")
    file.answer("c", "fox")
    assert path.read_text() == (
        "id,label,rank,why\na,,1,typical\nb,owl,2,typical\nz,yak,3,by hand\nc,fox,,\n"
    )


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"name,kind\nx,y\n", "has the columns name, kind; expected id and label"),
        (b"id,label\na,b,c\n", "more cells than its header"),
        (b"id,label\n\xff\xfe,x\n", "cannot read"),
    ],
)
def test_a_file_that_is_none_of_labels_is_left_as_it_is(tmp_path: Path, content: bytes, says: str):
    path = tmp_path / "labels.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match=says):
        AnswerFile(path).answer("a", "fox")
    assert path.read_bytes() == content


def test_a_blank_class_is_refused(tmp_path: Path):
    with pytest.raises(DataError, match="more than blanks"):
        AnswerFile(tmp_path / "labels.csv").answer("a", "  ")


def test_a_full_disk_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    file = AnswerFile(tmp_path / "labels.csv")
    file.answer("a", "fox")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_text", full)
        with pytest.raises(RunError, match="No space left"):
            file.answer("b", "owl")
    assert file.labels() == {"a": "fox"}
    assert file.undo() == "a"
