"""What passes between the parts of a modality."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

Batch: TypeAlias = Tensor | dict[str, Tensor]
"""What a dataset, an augmentation and an encoder hand on; the core looks at nothing in it."""

Shown: TypeAlias = NDArray[np.uint8] | str
"""A sample for people: a picture ``(H, W)`` or ``(H, W, 3) uint8``, or a text."""
