from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.biomedical.fixtures import cells
from vicreg_biomedical.profiles import aggregate, main, to_profiles, write_profiles
from vicreg_core.errors import DataError, RunError
from vicreg_core.vectors.files import VectorTable


def table() -> VectorTable:
    columns = {
        "id": ["a", "b", "c", "d"],
        "plate": ["P1", "P1", "P2", "P2"],
        "treatment": ["x", "x", "y", "y"],
        "area": [4, None, 6, 8],
        "y": [0.5, 1.5, 2.5, 3.5],
    }
    return VectorTable(columns, np.arange(8, dtype=np.float32).reshape(4, 2))


def test_h5ad_holds_vectors_and_every_column(tmp_path: Path) -> None:
    from anndata import read_h5ad

    write_profiles(tmp_path / "cells.h5ad", table())
    back = read_h5ad(tmp_path / "cells.h5ad")
    assert np.array_equal(back.X, table().vectors)
    assert back.X.dtype == np.float32
    assert list(back.obs_names) == ["a", "b", "c", "d"]
    assert list(back.obs["plate"]) == ["P1", "P1", "P2", "P2"]
    assert list(back.obs["y"]) == [0.5, 1.5, 2.5, 3.5]
    assert list(back.var_names) == ["v0", "v1"]


@pytest.mark.parametrize("suffix", [".parquet", ".csv", ".csv.gz"])
def test_pycytominer_form(tmp_path: Path, suffix: str) -> None:
    import pandas as pd

    path = tmp_path / f"profiles{suffix}"
    write_profiles(path, table())
    back = pd.read_parquet(path) if suffix == ".parquet" else pd.read_csv(path)
    assert [name for name in back if name.startswith("Metadata_")] == [
        f"Metadata_{n}" for n in table().columns
    ]
    assert np.array_equal(back[["VICReg_0", "VICReg_1"]].to_numpy(np.float32), table().vectors)


def test_aggregate_averages_and_keeps_what_is_constant() -> None:
    made = aggregate(table(), ["plate"])
    assert made.columns == {
        "id": ["P1", "P2"],
        "plate": ["P1", "P2"],
        "treatment": ["x", "y"],
        "cells": [2, 2],
    }
    assert made.vectors.tolist() == [[1, 2], [5, 6]]
    with pytest.raises(RunError, match="no column well; there are id, plate"):
        aggregate(table(), ["plate", "well"])
    assert "Metadata_cells" in to_profiles(made)


def test_the_command_refuses_what_it_cannot_write(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "there.csv").touch()
    assert main([str(tmp_path), "--out", str(tmp_path / "there.csv")]) == 2
    assert "exists" in capsys.readouterr().err
    with pytest.raises(RunError, match=r"expected a name that ends in \.h5ad"):
        write_profiles(tmp_path / "cells.xlsx", table())


def test_channels_in_another_order_are_refused() -> None:
    from vicreg_core.contracts import DataInfo

    data = cells()
    names = data.info.facts["channel_names"]
    assert data.for_model(data.info) is data
    with pytest.raises(DataError, match="are DNA, cytoplasm, texture, but the model was trained on texture"):
        data.for_model(DataInfo({**data.info.facts, "channel_names": names[::-1]}))
