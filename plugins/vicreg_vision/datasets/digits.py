"""``vision/digits``: scikit-learn's 1,797 handwritten digits, which need no download."""

from __future__ import annotations

import numpy as np
import torch

from vicreg_core.contracts import Split
from vicreg_vision.datasets.adapters import Annotations, MemoryImages
from vicreg_vision.datasets.config import DigitsConfig

TEST_SIZE = 500


def build(config: DigitsConfig, split: Split) -> MemoryImages:
    """8 x 8 grayscale digits: 1,297 to train on and 500 to test on, a fixed split stratified by digit.

    The original 17 levels (0 to 16) are spread over ``uint8``. Ids are the positions in scikit-learn's
    ``load_digits()``.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    digits = load_digits()
    train, test = train_test_split(
        np.arange(len(digits.target)), test_size=TEST_SIZE, stratify=digits.target, random_state=0
    )
    rows = np.sort(train if split == "train" else test)
    pixels = np.round(digits.images[rows] * (255 / 16)).astype(np.uint8)
    annotations = Annotations(
        rows, digits.target[rows].astype(np.int64), [str(n) for n in digits.target_names]
    )
    return MemoryImages(torch.from_numpy(pixels).unsqueeze(1), annotations)
