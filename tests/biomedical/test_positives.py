from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from tests.biomedical.test_plate import opened, write_sites
from vicreg_biomedical.augmentations.cells import build as build_views
from vicreg_biomedical.augmentations.cells import one_of_pair
from vicreg_biomedical.augmentations.config import CellsConfig, MonaiConfig
from vicreg_biomedical.augmentations.monai import build as build_monai
from vicreg_biomedical.datasets.config import CropsConfig
from vicreg_biomedical.datasets.crops import build as build_crops
from vicreg_biomedical.datasets.positives import MOST, find_partners
from vicreg_core.contracts import DatasetAdapter
from vicreg_core.contracts.keys import Keys
from vicreg_core.errors import DataError

RNG = np.random.default_rng(0)


def random_columns(n: int = 300) -> tuple[list[str], list[str], list[str]]:
    treatment, well, plate = (RNG.integers(0, high, n).astype(str).tolist() for high in (5, 12, 3))
    return treatment, well, plate


def test_partners_are_alike_and_apart() -> None:
    treatment, well, plate = map(np.array, random_columns())
    found = find_partners(treatment.tolist(), well.tolist(), plate.tolist())
    assert found.shape == (300, MOST)
    assert (treatment[found] == treatment[:, None]).all()
    assert (plate[found] == plate[:, None]).all()
    has_one = [
        bool(((treatment == treatment[i]) & (plate == plate[i]) & (well != well[i])).any())
        for i in range(len(well))
    ]
    apart = (well[found] != well[:, None]).all(axis=1)
    alone = (found == np.arange(300)[:, None]).all(axis=1)
    assert np.array_equal(apart, has_one)
    assert np.array_equal(alone, ~np.array(has_one))


def test_every_possible_partner_is_somebodys() -> None:
    found = find_partners(["a"] * 12, [str(i // 3) for i in range(12)])
    for cell in range(12):
        assert len(set(found[cell].tolist())) == MOST
    assert set(found.ravel().tolist()) == set(range(12))


def test_missing_values_pair_with_nobody() -> None:
    found = find_partners([None, "a", None, "a"])
    assert found[0].tolist() == [0] * MOST
    assert set(found[1].tolist()) == {3}


@pytest.mark.parametrize("transform", ["cells", "monai"])
def test_a_pair_shows_two_cells_of_one_treatment(tmp_path: Path, transform: str) -> None:
    folder = write_sites(tmp_path, 4)
    rows = "".join(f"s{i}.ome.tif,W{i},{'drug' if i % 2 else 'DMSO'}\n" for i in range(4))
    (folder / "metadata.csv").write_text("file,well,treatment\n" + rows)
    data = opened(folder, metadata="metadata.csv", positives="treatment", positives_across="well")
    if transform == "cells":
        views = build_views(CellsConfig(preset="none"), data.info)
    else:
        identity = MonaiConfig(transforms=({"name": "RandFlip", "prob": 0.0},))
        views = build_monai(identity, data.info)
    indices = np.arange(len(data))
    alone = data.for_model(data.info)

    def view_of(cells: DatasetAdapter, keys: Keys | None) -> torch.Tensor:
        if not views.per_sample:
            return views(cells.__getitems__(indices), keys)
        prepared = [views.prepare(cells[int(i)], None if keys is None else keys[int(i)]) for i in indices]
        return views(views.collate(prepared), keys)

    plain = view_of(alone, None)
    shown = [view_of(data, Keys.of(0, 0, torch.arange(len(data)), view)) for view in (0, 1)]
    assert torch.equal(shown[0], plain)
    assert torch.equal(view_of(data, None), plain)
    treatment, well = (np.array(data.metadata[name]) for name in ("treatment", "well"))
    for cell in range(len(data)):
        partner = int(next(i for i in indices if torch.equal(plain[i], shown[1][cell])))
        assert treatment[partner] == treatment[cell]
        assert well[partner] != well[cell]


def test_the_evaluation_view_is_the_cell_itself() -> None:
    crops = torch.arange(10.0).reshape(2, 5, 1, 1, 1)
    assert one_of_pair(crops, None).flatten().tolist() == [0.0, 5.0]


def crops(tmp_path: Path, **options: str) -> DatasetAdapter:
    images = RNG.integers(0, 99, (8, 3, 20, 20)).astype(np.uint16)
    patient = np.repeat(["p", "q", "r", "s"], 2)
    np.savez(tmp_path / "cells.npz", image=images, patient=patient, label=np.arange(8) % 2)
    data = build_crops(CropsConfig(path=str(tmp_path / "cells.npz"), axes="NCHW", **options), "train")
    assert data is not None
    return data


def test_what_may_be_paired_is_never_split(tmp_path: Path) -> None:
    from vicreg_core.data.holdout import holdout_split

    data = crops(tmp_path, positives="patient")
    assert data.groups is not None
    kept, held = holdout_split(data, 0.5, 0)
    assert not set(data.groups[kept]) & set(data.groups[held])
    assert data.__getitems__(kept).shape == (len(kept), 1 + MOST, 3, 20, 20)
    assert data.for_model(data.info).__getitems__(kept).shape == (len(kept), 3, 20, 20)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"positives": "treatment"}, "data.positives: no column 'treatment'; there are patient, label"),
        ({"positives": "patient", "positives_across": "well"}, "data.positives_across: no column 'well'"),
        (
            {"positives": "patient", "positives_across": "patient"},
            "no two cells are alike in patient that differ in patient",
        ),
        (
            {"positives": "patient", "positives_across": "label", "group": "label"},
            r"differ in label, inside one group \(data.group\)",
        ),
    ],
)
def test_columns_without_a_pair_are_named(tmp_path: Path, options: dict[str, str], said: str) -> None:
    with pytest.raises(DataError, match=said):
        crops(tmp_path, **options)
