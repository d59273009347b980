"""Vectors and columns come back from every format."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vicreg_core.errors import RunError
from vicreg_core.vectors.files import VectorTable, files_of, write_vectors

VECTORS = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
COLUMNS = {
    "id": ["a", "b,\n", 'c"', "d", "ü"],
    "label": ["x", "y", None, "x", "y"],
    "group": np.array([1, 1, 2, 2, 3]),
    "mixed": [1, "two", None, 4.5, "five"],
}
TABLE = VectorTable(COLUMNS, VECTORS)


def test_parquet(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    write_vectors(tmp_path / "x.parquet", TABLE)
    table = pq.read_table(tmp_path / "x.parquet")
    assert table.schema.field("vector").type == pa.list_(pa.float32(), 3)
    np.testing.assert_array_equal(np.stack(table["vector"].to_numpy()), VECTORS)
    assert table["id"].to_pylist() == COLUMNS["id"]
    assert table["label"].to_pylist() == COLUMNS["label"]
    assert table["group"].to_pylist() == [1, 1, 2, 2, 3]
    assert table["mixed"].to_pylist() == ["1", "two", None, "4.5", "five"]


def test_csv(tmp_path):
    import csv

    write_vectors(tmp_path / "x.csv", TABLE)
    with (tmp_path / "x.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["id", "label", "group", "mixed", "v0", "v1", "v2"]
    assert [row["id"] for row in rows] == COLUMNS["id"]
    read = np.array([[row[f"v{i}"] for i in range(3)] for row in rows], dtype=np.float32)
    np.testing.assert_array_equal(read, VECTORS)


def test_a_spreadsheet_runs_nothing(tmp_path):
    import csv

    ids = ["=HYPERLINK(1)", "+1+cmd", "-3.5", "@SUM(A1)", "\ta", "a=b"]
    table = VectorTable({"id": ids, "=evil": ids}, np.zeros((6, 1), np.float32))
    write_vectors(tmp_path / "x.csv", table)
    write_vectors(tmp_path / "x.npy", table)
    for file in ("x.csv", "x.ids.csv"):
        with (tmp_path / file).open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        expected = ["'=HYPERLINK(1)", "'+1+cmd", "-3.5", "'@SUM(A1)", "'\ta", "a=b"]
        assert [row["id"] for row in rows] == expected
        assert [row["'=evil"] for row in rows] == expected


@pytest.mark.parametrize("name", ["x.npy", "x.csv", "x.parquet", "x.npz"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, name, monkeypatch):
    def full(path):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("vicreg_core.vectors.files.sync_file", full)
    with pytest.raises(RunError, match="No space left on device"):
        write_vectors(tmp_path / name, TABLE)
    assert list(tmp_path.iterdir()) == []


def test_npz_needs_no_pickle(tmp_path):
    write_vectors(tmp_path / "x.npz", TABLE)
    with np.load(tmp_path / "x.npz", allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["vectors"], VECTORS)
        assert arrays["id"].tolist() == COLUMNS["id"]
        assert arrays["group"].tolist() == [1, 1, 2, 2, 3]


def test_npy_has_its_columns_beside_it(tmp_path):
    import csv

    files = write_vectors(tmp_path / "x.npy", TABLE)
    assert files == [tmp_path / "x.npy", tmp_path / "x.ids.csv"]
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), VECTORS)
    with files[1].open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["id"] for row in rows] == COLUMNS["id"]
    assert list(rows[0]) == ["id", "label", "group", "mixed"]


def test_h5ad(tmp_path):
    anndata = pytest.importorskip("anndata")
    gaps = {"area": [4, None, 6, 7, 8], "is_control": [True, None, False, False, True]}
    projected = {"projection_x": np.arange(5.0), "projection_y": np.arange(5.0) + 0.5}
    write_vectors(tmp_path / "x.h5ad", VectorTable({**COLUMNS, **gaps, **projected}, VECTORS))
    back = anndata.read_h5ad(tmp_path / "x.h5ad")
    np.testing.assert_array_equal(back.X, VECTORS)
    assert back.X.dtype == np.float32
    assert list(back.obs_names) == COLUMNS["id"]
    assert list(back.var_names) == ["v0", "v1", "v2"]
    assert back.obs["group"].tolist() == [1, 1, 2, 2, 3]
    assert back.obs["label"].isna().tolist() == [False, False, True, False, False]
    assert back.obs["area"].dropna().tolist() == [4, 6, 7, 8]
    assert back.obs["is_control"].dropna().tolist() == [True, False, False, True]
    assert back.obs["mixed"].dropna().tolist() == ["1", "two", "4.5", "five"]
    assert back.obsm["X_projection"][1].tolist() == [1.0, 1.5]


def test_h5ad_rows_have_names_of_their_own(tmp_path):
    anndata = pytest.importorskip("anndata")
    columns = {"id": ["a.tif", "a.tif", "b.tif"], "split": ["train", "test", "test"]}
    write_vectors(tmp_path / "x.h5ad", VectorTable(columns, np.zeros((3, 2), np.float32)))
    assert list(anndata.read_h5ad(tmp_path / "x.h5ad").obs_names) == [
        "train/a.tif",
        "test/a.tif",
        "test/b.tif",
    ]


def test_h5ad_without_anndata(monkeypatch):
    monkeypatch.setattr("vicreg_core.vectors.files.find_spec", lambda name: None)
    with pytest.raises(RunError, match="pip install anndata"):
        files_of(Path("x.h5ad"))


@pytest.mark.parametrize("suffix", ["parquet", "csv", "npz", "npy", "h5ad"])
def test_nothing_to_write(tmp_path, suffix):
    if suffix == "h5ad":
        pytest.importorskip("anndata")
    table = VectorTable({"id": []}, VECTORS[:0])
    for path in write_vectors(tmp_path / f"x.{suffix}", table):
        assert path.is_file()
    assert not list(tmp_path.glob(".partial*"))


def test_other_formats_are_refused():
    with pytest.raises(RunError, match=r"ends in \.parquet, \.csv, \.npz, \.npy, \.h5ad, got '\.xlsx'"):
        files_of(Path("x.xlsx"))
