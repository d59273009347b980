from __future__ import annotations

import gzip
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.vision.pictures import colour, encoded, gray, write
from vicreg_core.errors import DataError
from vicreg_vision.datasets import table
from vicreg_vision.datasets.adapters import ImageAdapter, LazyImages, MemoryImages
from vicreg_vision.datasets.config import TableConfig

pa = pytest.importorskip("pyarrow")
pq = pytest.importorskip("pyarrow.parquet")


def table_file(path: Path, features: dict[str, Any] | None = None, **columns: Any) -> Path:
    arrow = pa.table(columns)
    if features:
        info = json.dumps({"info": {"features": features}})
        arrow = arrow.replace_schema_metadata({"huggingface": info})
    pq.write_table(arrow, path)
    return path


def build(train: Path | list[Path], split: str = "train", **keys: Any) -> ImageAdapter:
    files = [str(p) for p in train] if isinstance(train, list) else [str(train)]
    adapter = table.build(TableConfig(train=tuple(files), **keys), split)  # type: ignore[arg-type]
    assert adapter is not None
    return adapter


def images(*seeds: int) -> list[bytes]:
    return [encoded(colour(seed)) for seed in seeds]


def structs(*seeds: int) -> list[dict[str, Any]]:
    return [{"bytes": data, "path": None} for data in images(*seeds)]


IMAGE = {"_type": "Image"}


def named(*names: str) -> dict[str, Any]:
    return {"_type": "ClassLabel", "names": list(names)}


def test_encoded_bytes_with_labels_and_further_columns(tmp_path: Path) -> None:
    file = table_file(tmp_path / "t.parquet", picture=images(0, 1, 2), label=["b", "a", "b"], age=[3, 1, 2])
    data = build(file)
    assert isinstance(data, MemoryImages)
    assert np.array_equal(data[2].permute(1, 2, 0).numpy(), colour(2))
    assert data.labels is not None
    assert (data.labels.tolist(), list(data.classes)) == ([1, 0, 1], ["a", "b"])
    assert list(data.ids) == [0, 1, 2]
    assert data.metadata == {"age": [3, 1, 2]}
    assert table.build(TableConfig(train=(str(file),)), "test") is None


def test_structs_of_bytes_or_paths(tmp_path: Path) -> None:
    write(tmp_path / "pics/1.png", colour(1))
    cells = [structs(0)[0], {"bytes": None, "path": "pics/1.png"}]
    data = build(table_file(tmp_path / "t.parquet", image=cells))
    assert [np.array_equal(data[i].permute(1, 2, 0).numpy(), colour(i)) for i in (0, 1)] == [True, True]
    assert data.labels is None


def test_several_files_are_one_table(tmp_path: Path) -> None:
    files = [table_file(tmp_path / f"{i}.parquet", image=images(i, i + 1)) for i in range(2)]
    data = build(files)
    assert np.array_equal(data[3].permute(1, 2, 0).numpy(), colour(2))
    table_file(tmp_path / "1.parquet", image=[*images(0), b"broken"])
    with pytest.raises(DataError, match=r"row 1 \(the first is 0\) of .*1\.parquet"):
        build(files)
    table_file(tmp_path / "1.parquet", picture=images(0))
    with pytest.raises(DataError, match="same columns"):
        build(files)


def test_class_names_of_hugging_face(tmp_path: Path) -> None:
    features = {"image": IMAGE, "label": named("cat", "dog", "eel")}
    file = table_file(tmp_path / "t.parquet", features, image=structs(0, 1), label=[2, 0])
    data = build(file)
    assert data.labels is not None
    assert (data.labels.tolist(), list(data.classes)) == ([2, 0], ["cat", "dog", "eel"])
    beyond = table_file(tmp_path / "u.parquet", features, image=structs(0, 1), label=[3, 0])
    with pytest.raises(DataError, match=r"holds 3, but its metadata names 3 classes"):
        build(beyond)


def test_test_labels_follow_the_classes_of_training(tmp_path: Path) -> None:
    train = table_file(
        tmp_path / "a.parquet", {"label": named("cat", "dog")}, image=structs(0, 1), label=[0, 1]
    )
    other_order = {"label": named("dog", "cat")}
    test = table_file(tmp_path / "b.parquet", other_order, image=structs(2, 3), label=[0, 1])
    data = build(train, "test", test=(str(test),))
    assert data.labels is not None
    assert (data.labels.tolist(), list(data.classes)) == ([1, 0], ["cat", "dog"])
    unnamed = table_file(tmp_path / "c.parquet", image=structs(2, 3), label=[0, 1])
    data = build(train, "test", test=(str(unnamed),))
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1]


@pytest.mark.parametrize("labels", [[-1, -1], [None, None]])
def test_an_unlabelled_test_split(tmp_path: Path, labels: list[int | None]) -> None:
    train = table_file(tmp_path / "a.parquet", image=structs(0, 1), label=[5, 7])
    test = table_file(tmp_path / "b.parquet", image=structs(2, 3), label=pa.array(labels, pa.int64()))
    assert build(train, "test", test=(str(test),)).labels is None
    assert build(test).labels is None


@pytest.mark.parametrize(
    ("labels", "encoded", "classes"),
    [
        ([5, None, 7], [0, -1, 1], ["5", "7"]),
        ([0, -1, 1], [0, -1, 1], ["0", "1"]),
        ([-1, 1, 1], [0, 1, 1], ["-1", "1"]),
        (["a", " ", "b"], [0, -1, 1], ["a", "b"]),
        ([2.0, float("nan"), 1.0], [1, -1, 0], ["1", "2"]),
    ],
)
def test_rows_without_a_label(tmp_path: Path, labels: list, encoded: list[int], classes: list[str]) -> None:
    gaps = table_file(tmp_path / "c.parquet", image=structs(0, 1, 2), label=labels)
    data = build(gaps)
    assert data.labels is not None
    assert (data.labels.tolist(), list(data.classes)) == (encoded, classes)
    assert build(gaps, label_column="none").labels is None


def test_labels_that_do_not_fit(tmp_path: Path) -> None:
    train = table_file(tmp_path / "a.parquet", image=structs(0, 1), label=[5, 7])
    unseen = table_file(tmp_path / "b.parquet", image=structs(0, 1, 2), label=[7, 6, 6])
    with pytest.raises(DataError, match=r"data\.test .*class 6 \(2 rows, first at row 1\).*: 5, 7"):
        build(train, "test", test=(str(unseen),))
    target = table_file(tmp_path / "d.parquet", image=structs(0, 1), label=[0.5, 1.5])
    with pytest.raises(DataError, match="text or a whole number"):
        build(target)


def test_numbers_are_ordered_by_value_and_floats_are_whole(tmp_path: Path) -> None:
    file = table_file(tmp_path / "a.parquet", image=structs(0, 1, 2), label=[10.0, 9.0, 10.0])
    data = build(file)
    assert data.labels is not None
    assert (data.labels.tolist(), list(data.classes)) == ([1, 0, 1], ["9", "10"])


def test_minus_one_is_a_class_beside_others(tmp_path: Path) -> None:
    data = build(table_file(tmp_path / "a.parquet", image=structs(0, 1), label=[1, -1]))
    assert data.labels is not None
    assert (data.labels.tolist(), list(data.classes)) == ([1, 0], ["-1", "1"])


def test_which_columns_are_meant(tmp_path: Path) -> None:
    both = table_file(tmp_path / "a.parquet", front=images(0), back=images(1), view=["x"])
    with pytest.raises(DataError, match=r"more than one could hold images \(front, back\).*view \(string\)"):
        build(both)
    assert np.array_equal(build(both, image_column="back")[0].permute(1, 2, 0).numpy(), colour(1))
    with pytest.raises(DataError, match=r"data\.image_column: .* no column 'side'.*front \(binary\)"):
        build(both, image_column="side")
    none = table_file(tmp_path / "b.parquet", text=["no picture"], n=[1])
    with pytest.raises(DataError, match=r"none holds images of the columns text \(string\), n \(int64\)"):
        build(none)
    features = {"coarse": named("a"), "fine": named("b")}
    classes = table_file(tmp_path / "c.parquet", features, image=images(0), coarse=[0], fine=[0])
    with pytest.raises(DataError, match=r"hold the labels \(coarse, fine\): set data\.label_column"):
        build(classes)
    assert list(build(classes, label_column="fine").classes) == ["b"]
    for key in ("label_column", "id_column", "group_column"):
        with pytest.raises(DataError, match=rf"data\.{key}: .*no column 'zzz'"):
            build(classes, **{"label_column": "none", key: "zzz"})


def test_ids_and_groups(tmp_path: Path) -> None:
    columns = {"image": images(0, 1, 2), "name": ["x", "y", "z"], "patient": [4, 4, 5]}
    data = build(table_file(tmp_path / "a.parquet", **columns), id_column="name", group_column="patient")
    assert list(data.ids) == ["x", "y", "z"]
    assert data.groups is not None
    assert data.groups.tolist() == [4, 4, 5]
    twice = table_file(tmp_path / "b.parquet", image=images(0, 1), name=["x", "x"])
    with pytest.raises(DataError, match="2 rows have the id 'x'"):
        build(twice, id_column="name")
    empty = table_file(tmp_path / "c.parquet", image=images(0, 1), name=["x", None])
    with pytest.raises(DataError, match=r"row 1 .*data\.id_column"):
        build(empty, id_column="name")


def test_skip_keeps_rows_and_annotations_together(tmp_path: Path) -> None:
    file = table_file(
        tmp_path / "a.parquet",
        image=[encoded(colour(0)), b"broken", None, encoded(colour(3))],
        label=["a", "b", "b", "c"],
        note=["p", "q", "r", "s"],
    )
    for cache, kind in (("auto", MemoryImages), ("none", LazyImages)):
        data = build(file, on_error="skip", cache=cache)
        assert isinstance(data, kind)
        assert list(data.ids) == [0, 3]
        assert data.labels is not None
        assert [data.classes[i] for i in data.labels] == ["a", "c"]
        assert data.metadata == {"note": ["p", "s"]}
        assert np.array_equal(data[1].permute(1, 2, 0).numpy(), colour(3))
        assert [line.split(": ")[1] for line in data.skipped] == [
            "not an image in a known format",
            "the cell is empty",
        ]
        assert data.skipped[0].startswith("row 1 ")


def test_a_lazy_table_can_be_sent_to_a_worker(tmp_path: Path) -> None:
    data = build(table_file(tmp_path / "a.parquet", image=structs(0, 1)), cache="none")
    again = pickle.loads(pickle.dumps(data))
    assert torch.equal(again[1], data[1])


def csv(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_csv_with_paths_beside_it(tmp_path: Path) -> None:
    for seed in range(2):
        write(tmp_path / f"pics/{seed}.png", gray(seed))
    file = csv(tmp_path / "t.csv", "file,label,code\npics/0.png,cat,007\npics/1.png,dog,8\n")
    data = build(file, id_column="code")
    assert list(data.ids) == ["007", "8"]
    assert list(data.classes) == ["cat", "dog"]
    assert np.array_equal(data[1][0].numpy(), gray(1))
    tabs = csv(tmp_path / "t.tsv", "file\tlabel\npics/0.png\ta, b\n")
    assert build(tabs).classes == ["a, b"]
    elsewhere = csv(tmp_path / "pics" / "t.csv", "file\npics/1.png\n")
    assert np.array_equal(build(elsewhere, root=str(tmp_path))[0][0].numpy(), gray(1))


@pytest.mark.parametrize(
    "path", ["../secret.png", "pics/../../secret.png", "{root}/../secret.png", "link.png"]
)
@pytest.mark.parametrize("on_error", ["raise", "skip"])
def test_a_path_may_not_lead_out_of_the_folder(tmp_path: Path, path: str, on_error: str) -> None:
    write(tmp_path / "secret.png", colour(0))
    root = tmp_path / "data"
    write(root / "pics/0.png", colour(1))
    (root / "link.png").symlink_to(tmp_path / "secret.png")
    file = csv(root / "t.csv", f"file\npics/0.png\n{path.format(root=root)}\n")
    with pytest.raises(DataError, match=r"line 3 of t\.csv names .*leads out of .*data\.root"):
        build(file, on_error=on_error)


def test_an_absolute_path_inside_the_folder_is_fine(tmp_path: Path) -> None:
    picture = write(tmp_path / "0.png", colour(1))
    assert build(csv(tmp_path / "t.csv", f"file\n{picture}\n"))[0].shape == (3, 12, 10)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("ftp://host/0.png", "not the path of a local file"),
        ("gone.png", "No such file"),
        ("folder.png", "not a regular"),
    ],
)
def test_a_path_that_cannot_be_read_names_the_row(tmp_path: Path, path: str, reason: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(DataError, match=rf"line 2 of t\.csv.*{reason}"):
        build(csv(tmp_path / "t.csv", f"file\n{path}\n"))


def test_files_that_are_no_tables(tmp_path: Path) -> None:
    table_file(tmp_path / "real.parquet", image=images(0))
    with pytest.raises(
        DataError, match=r"data\.train: there is no file .*reel\.parquet.*mean .*real\.parquet"
    ):
        build(tmp_path / "reel.parquet")
    with pytest.raises(DataError, match=r"is a folder.*vision/folder"):
        build(tmp_path)
    (tmp_path / "x.parquet").write_bytes(b"")
    with pytest.raises(DataError, match=r"data\.train: .*x\.parquet cannot be read"):
        build(tmp_path / "x.parquet")
    (tmp_path / "y.csv").write_bytes(b"")
    with pytest.raises(DataError, match=r"y\.csv is empty"):
        build(tmp_path / "y.csv")
    (tmp_path / "z.pdf").write_bytes(b"x")
    with pytest.raises(DataError, match=r"suffix '\.pdf' does not say.*data\.format"):
        build(tmp_path / "z.pdf")
    with pytest.raises(DataError, match="holds no row"):
        build(table_file(tmp_path / "none.parquet", image=pa.array([], pa.binary())))
    with pytest.raises(DataError, match="holds no row"):
        build(csv(tmp_path / "header.csv", "file,label\n"))


ROWS = [("0.png", "10"), ("1.png", "9"), ("2.png", "")]


def delimited(mark: str) -> str:
    return "\n".join(mark.join(row) for row in [("file", "label"), *ROWS])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.csv", delimited(",")),
        ("semicolons.csv", delimited(";")),
        ("t.tsv", delimited("\t")),
        ("t.jsonl", "\n".join(json.dumps(dict(zip(("file", "label"), row, strict=True))) for row in ROWS)),
        ("t.json", json.dumps([{"file": f, "label": int(n) if n else None} for f, n in ROWS])),
        ("t.csv.gz", delimited(",")),
    ],
)
@pytest.mark.filterwarnings("ignore:semicolons.csv is read as separated by a semicolon")
def test_every_format_is_the_same_table(tmp_path: Path, name: str, content: str) -> None:
    for seed in range(3):
        write(tmp_path / f"{seed}.png", gray(seed))
    raw = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    data = build(tmp_path / name)
    assert data.labels is not None
    assert (data.labels.tolist(), list(data.classes)) == ([1, 0, -1], ["9", "10"])
    assert np.array_equal(data[2][0].numpy(), gray(2))


def test_files_by_a_pattern_are_one_table(tmp_path: Path) -> None:
    for seed in range(3):
        write(tmp_path / f"{seed}.png", gray(seed))
    csv(tmp_path / "a.csv", "file,label\n0.png,x\n")
    csv(tmp_path / "b.csv", "label,file\ny,1.png\n")
    data = build(tmp_path / "*.csv")
    assert data.labels is not None
    assert data.labels.tolist() == [0, 1]
    csv(tmp_path / "c.csv", "file,class\n2.png,x\n")
    with pytest.raises(DataError, match="same columns: class, file and file, label"):
        build(tmp_path / "*.csv")
    with pytest.raises(DataError, match=r"data\.train: no file matches"):
        build(tmp_path / "*.tsv")


def test_a_broken_row_is_named_or_left_out_and_moves_no_number(tmp_path: Path) -> None:
    for seed in range(2):
        write(tmp_path / f"{seed}.png", gray(seed))
    file = csv(tmp_path / "t.csv", "file,label,name\n0.png,a,x\n0.png,a\n1.png,b,z\n")
    with pytest.raises(DataError, match=r"line 3 of t\.csv: 2 column\(s\) where the header has 3"):
        build(file)
    data = build(file, on_error="skip")
    assert list(data.ids) == [0, 2]
    assert data.skipped == ["line 3 of t.csv: 2 column(s) where the header has 3"]
    assert list(build(file, on_error="skip", id_column="name").ids) == ["x", "z"]


def test_a_table_beyond_the_memory_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = table_file(tmp_path / "a.parquet", image=images(0))
    monkeypatch.setattr(os, "sysconf", lambda name: 10)
    with pytest.raises(DataError, match=r"half of this machine's.*vision/huggingface"):
        build(file)


@pytest.mark.data
@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "shape", "first"), [("cifar10", (3, 32, 32), "cat"), ("fashion_mnist", (1, 28, 28), "Bag")]
)
def test_public_data(name: str, shape: tuple[int, ...], first: str) -> None:
    folder = Path(os.environ.get("VICREG_DATA", Path(__file__).parents[2] / "../shared/data")) / name
    if not folder.is_dir():
        pytest.skip(f"VICREG_DATA has no {name}")
    file = str(folder / "test.parquet")
    data = build(Path(file))
    assert isinstance(data, MemoryImages)
    assert tuple(data.images.shape) == (10_000, *shape)
    assert data.labels is not None
    assert np.bincount(data.labels).tolist() == [1000] * 10
    assert first in data.classes
