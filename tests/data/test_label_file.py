"""Labels in a file of their own."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.data.test_holdout import Listed
from vicreg_core.data.label_file import join_labels, read_label_file
from vicreg_core.errors import DataError

IDS = ["a/1.png", "a/2.png", "b/1.png", "c.png"]


def file(tmp_path: Path, text: str, name: str = "labels.csv"):
    (tmp_path / name).write_text(text, encoding="utf-8")
    return read_label_file(tmp_path / name)


def joined(tmp_path: Path, text: str, test: Listed | None = None):
    return join_labels(file(tmp_path, text), Listed(IDS), test)


def test_labels_are_joined_by_id(tmp_path: Path):
    train, test = joined(tmp_path, "label,id\nfox,c.png\nowl,a/1.png\n")
    assert (train.labels.tolist(), train.classes) == ([1, -1, -1, 0], ("fox", "owl"))
    assert test is None


@pytest.mark.parametrize("path", ["a/2.png", "/data/photos/a/2.png", "./a/2.png", "photos\\a\\2.png"])
def test_or_by_path_whatever_stands_before_it(tmp_path: Path, path: str):
    train, _ = joined(tmp_path, f"path,label\n{path},owl\n")
    assert train.labels.tolist() == [-1, 0, -1, -1]


def test_numbers_of_rows_and_of_classes(tmp_path: Path):
    data = Listed(np.arange(20))
    train, _ = join_labels(file(tmp_path, "id,label\n3,10\n11,9\n"), data, None)
    assert train.classes == ("9", "10")
    assert np.flatnonzero(train.labels >= 0).tolist() == [3, 11]


def test_they_replace_those_of_the_training_samples_only(tmp_path: Path):
    test = Listed(["t1", "t2", "t3"], np.array([0, 2, -1]))
    train, held = joined(tmp_path, "id,label\nc.png,b\nt2,a\n", test)
    assert train.labels.tolist() == [-1, -1, -1, 1]
    assert (held.labels.tolist(), tuple(held.classes)) == ([0, 0, -1], ("a", "b", "c"))


def test_an_id_of_both_splits_means_the_training_sample(tmp_path: Path):
    test = Listed(IDS)
    train, held = joined(tmp_path, "id,label\nc.png,owl\na/1.png,fox\n", test)
    assert train.labels.tolist() == [0, -1, -1, 1]
    assert held.labels is None


def test_a_class_that_the_test_samples_lack(tmp_path: Path):
    test = Listed(["t1"], np.array([0]))
    test.classes = ("heron", "stork")
    with pytest.raises(DataError, match=r"line 2 of labels\.csv: 'stokr' is none of the 2 .*'stork'\?"):
        joined(tmp_path, "id,label\nc.png,stokr\n", test)


def test_rows_that_name_no_sample_and_empty_labels_are_warned_of(tmp_path: Path):
    text = "id,label\nc.png,owl\nd.png,fox\nb/1.png, \na/1.png,fox\n"
    with pytest.warns(UserWarning, match="passed over") as told:
        train, _ = joined(tmp_path, text)
    assert [str(each.message) for each in told] == [
        "data.labels: 1 row(s) name no sample and are passed over: line 3 of labels.csv",
        "data.labels: 1 row(s) have an empty label and are passed over: line 4 of labels.csv",
    ]
    assert train.labels.tolist() == [0, -1, -1, 1]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("id,label\na/1.png,fox\na/2.png,owl\na/1.png,owl\n", "line 4 .*'owl', and line 2 .* gives it 'fox'"),
        (
            "id,label\nx,fox\ny,owl\n",
            r"none of the 2 rows .* its first id is 'x', the first id of .*'a/1.png'",
        ),
        ("id,class\nx,fox\n", "the columns are id, class; expected label and id"),
        ("id,label\n,fox\n", "line 2 of labels.csv has no id"),
        ("id,label\nc.png,\nb/1.png,\n", "no row of .* has a label"),
        ("", "is empty"),
        ("id,label\n", "no row of .* has a label"),
    ],
)
def test_files_that_cannot_be_used(tmp_path: Path, text: str, says: str):
    with pytest.raises(DataError, match=says):
        joined(tmp_path, text)


def test_no_file_and_another_encoding(tmp_path: Path):
    with pytest.raises(DataError, match="there is no file"):
        read_label_file(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("id,label\nc.png,m\xf6we\n".encode("latin-1"))
    with pytest.raises(DataError, match="not utf-8; save it as CSV in UTF-8"):
        read_label_file(tmp_path / "latin.csv")


def test_the_same_label_twice_is_one(tmp_path: Path):
    train, _ = joined(tmp_path, "id,label\nc.png,owl\nc.png,owl\na/1.png,fox\n")
    assert train.labels.tolist() == [0, -1, -1, 1]


def test_a_file_of_suggestions_is_known(tmp_path: Path):
    assert file(tmp_path, "id,label,rank,why\nc.png,owl,1,typical\n").suggested
    assert not file(tmp_path, "id,label\nc.png,owl\n").suggested
