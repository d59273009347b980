"""The contracts between the core and a modality: dataset adapter, augmentation, encoder.

The life of a batch::

    indices -> DatasetAdapter.__getitems__ -> Augmentation.prepare (per sample, in loader workers; optional)
            -> Augmentation.forward (batched, on the device) -> Encoder.forward -> projector -> objective

A *batch* is a tensor or a mapping of tensors. The core looks at nothing in it: it moves it to a device. What
``Augmentation.forward`` makes has the sample as the first dimension of every tensor; what it is given may be
ragged, such as the tokens of all documents in one row with their lengths.
"""

from vicreg_core.contracts.augmentation import Augmentation
from vicreg_core.contracts.batch import Batch, Shown
from vicreg_core.contracts.dataset import UNLABELLED, DataInfo, DatasetAdapter, Floor, Split
from vicreg_core.contracts.encoder import Encoder
from vicreg_core.contracts.keys import Keys
from vicreg_core.contracts.stream import Broken, Placed, StreamAdapter

__all__ = [
    "UNLABELLED",
    "Augmentation",
    "Batch",
    "Broken",
    "DataInfo",
    "DatasetAdapter",
    "Encoder",
    "Floor",
    "Keys",
    "Placed",
    "Shown",
    "Split",
    "StreamAdapter",
]
