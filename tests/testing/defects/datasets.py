"""Datasets that break one promise each."""

from __future__ import annotations

import os

import numpy as np
import torch

from tests.testing.parts import DIM, Points
from vicreg_core.contracts import DataInfo, Floor
from vicreg_core.data.subset import Subset


class RepeatsIds(Points):
    breaks = "ids_are_unique_and_the_same_every_time"

    def __init__(self, *given):
        super().__init__(*given)
        self.ids[1] = self.ids[0]


class ChangesIds(Points):
    breaks = "ids_are_unique_and_the_same_every_time"

    def __init__(self, *given):
        super().__init__(*given)
        self.ids = [f"{os.urandom(4).hex()}-{i}" for i in range(len(self.points))]


class ChangesSamples(Points):
    breaks = "reading_again_gives_the_same_samples"

    def __init__(self, *given):
        super().__init__(*given)
        self.points = self.points + torch.from_numpy(np.random.default_rng().normal(size=(1, DIM))).float()


class SortsIndices(Points):
    breaks = "a_batch_holds_what_single_samples_are"

    def __getitems__(self, indices):
        return self.points[np.sort(np.asarray(indices))]


class ShortLabels(Points):
    breaks = "labels_and_the_like_are_absent_or_whole"

    def __init__(self, *given):
        super().__init__(*given)
        self.labels = self.labels[:-1]


class UnnamedClass(Points):
    breaks = "labels_and_the_like_are_absent_or_whole"

    def __init__(self, *given):
        super().__init__(*given)
        self.labels = self.labels + 1


class BelowUnlabelled(Points):
    breaks = "labels_and_the_like_are_absent_or_whole"

    def __init__(self, *given):
        super().__init__(*given)
        self.labels = self.labels - 2


class NothingLabelled(Points):
    breaks = "labels_and_the_like_are_absent_or_whole"

    def __init__(self, *given):
        super().__init__(*given)
        self.labels = np.full_like(self.labels, -1)


class ShortGroups(Points):
    breaks = "labels_and_the_like_are_absent_or_whole"
    groups = np.zeros(3)


class ArrayFact(Points):
    breaks = "its_info_can_be_saved_with_a_model"

    def __init__(self, *given):
        super().__init__(*given)
        self.info = DataInfo({"dim": DIM, "mean": np.zeros(2)})


class TextAsset(Points):
    breaks = "its_info_can_be_saved_with_a_model"

    def __init__(self, *given):
        super().__init__(*given)
        self.info = DataInfo({"dim": DIM}, {"words.txt": "text"})


class HoldsAFunction(Points):
    breaks = "it_goes_to_worker_processes"
    in_memory = False

    def __init__(self, *given):
        super().__init__(*given)
        self.decode = lambda row: row


class DoubleFeatures(Points):
    breaks = "floors_are_absent_or_a_row_a_sample"

    def raw_features(self, indices):
        return self.points[indices].double().numpy()


class KeepsWhatIsTrainedOn(Points):
    breaks = "told_what_is_trained_on_it_holds_the_same_samples"

    def for_training(self, rows):
        return Subset(self, rows)


class FloorOfAllSamples(Points):
    breaks = "floors_are_absent_or_a_row_a_sample"

    def floors(self):
        return {**super().floors(), "sums": Floor(lambda indices: self.points.float().numpy())}
