from __future__ import annotations

import numpy as np
import pytest

from tests.biomedical.fixtures import cells
from vicreg_biomedical.datasets.config import PlateConfig
from vicreg_biomedical.datasets.plate import build as build_plate
from vicreg_biomedical.datasets.synthetic.config import PHENOTYPES, SyntheticCellsConfig
from vicreg_biomedical.datasets.synthetic.optics import plate_effects
from vicreg_biomedical.datasets.synthetic.plates import main


def test_a_cell_is_a_function_of_seed_and_number() -> None:
    few, many = cells(10), cells(40)
    assert np.array_equal(few.crops, many.crops[:10])
    assert not np.array_equal(few.crops, cells(10, seed=1).crops)
    assert few.crops.dtype == np.uint16
    assert few.crops.max() < 4096


def test_splits_share_no_cell_and_carry_their_truth() -> None:
    train, test = cells(60), cells(60, "test")
    assert not set(train.ids) & set(test.ids)
    assert tuple(train.classes) == PHENOTYPES
    assert set(train.metadata) == {"plate", "well", "treatment", "is_control"}
    treated = np.array(train.metadata["treatment"]) != "DMSO"
    assert (train.labels[~treated] == 0).all()
    assert (train.labels[treated] > 0).mean() > 0.7


def test_effects_are_none_unless_asked_for() -> None:
    assert (plate_effects(SyntheticCellsConfig()).gain == 1).all()
    assert (plate_effects(SyntheticCellsConfig(plate_effect=1.0)).gain != 1).any()


def accuracy(features: np.ndarray, labels: np.ndarray, folds: list) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    probe = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500, class_weight="balanced"))
    return float(cross_val_score(probe, features, labels, cv=folds, scoring="balanced_accuracy").mean())


def test_a_planted_plate_effect_fools_random_folds_and_is_seen_by_plate() -> None:
    from sklearn.model_selection import GroupKFold, StratifiedKFold

    data = cells(800, plate_effect=1.0, confounding=0.8, floor="intensity")
    features, labels = data.raw_features(np.arange(800)), np.asarray(data.labels)
    naive = accuracy(features, labels, list(StratifiedKFold(4).split(features, labels)))
    held_out = accuracy(features, labels, list(GroupKFold(4).split(features, labels, data.groups)))
    assert naive - held_out > 0.15


def test_plates_on_disk_are_cut_into_the_cells_that_were_drawn(tmp_path, capsys) -> None:
    main([str(tmp_path), "--plates", "1", "--seed", "3"])
    assert "128 cells on 1 plates" in capsys.readouterr().out
    config = {
        "path": str(tmp_path),
        "metadata": "metadata.csv",
        "label": "treatment",
        "crop": 32,
        "border": "pad",
    }
    by_mask = build_plate(PlateConfig(masks="{stem}_mask.tif", min_area=1, **config), "train")
    by_point = build_plate(PlateConfig(files="*.ome.tif", centroids="cells.csv", **config), "train")
    assert len(by_mask) == len(by_point) == 128
    assert np.array_equal(by_mask.crops, by_point.crops)
    assert by_mask.info.facts["channel_names"] == ["DNA", "cytoplasm", "texture"]
    assert set(by_mask.classes) == {"DMSO", "compound-A", "compound-B", "compound-C"}
    centre = by_mask.crops[:, 0, 12:20, 12:20].mean()
    assert centre > 2 * by_mask.crops[:, 0, :3].mean()


@pytest.mark.parametrize("size", [24, 48])
def test_phenotypes_differ_in_what_they_are_named_for(size: int) -> None:
    import torch

    from vicreg_biomedical.datasets.synthetic.cells import draw_cells
    from vicreg_core.contracts.keys import Keys

    keys = Keys.of(0, 0, torch.arange(64), 0)
    areas = [
        draw_cells(torch.full((64,), p), size, keys).nucleus.sum(dim=(1, 2)).float().mean() for p in range(4)
    ]
    assert areas[1] > 1.4 * areas[0] > 1.4 * areas[3]
