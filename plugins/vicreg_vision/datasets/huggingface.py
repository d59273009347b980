"""``vision/huggingface``: datasets of the Hugging Face hub, or local copies of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vicreg_core.contracts import Split
from vicreg_core.errors import DataError
from vicreg_vision.datasets.adapters import ImageAdapter
from vicreg_vision.datasets.config import HuggingFaceConfig
from vicreg_vision.datasets.image_table import ImageTable, open_table

_SAVED = ("dataset_dict.json", "state.json")
_TEST_NAMES = ("test", "validation")


@dataclass(frozen=True, slots=True)
class _RowName:
    """Names a row of a split; picklable, as loader workers need it."""

    where: str

    def __call__(self, row: int) -> str:
        return f"row {row} (the first is 0) of {self.where}"


def build(config: HuggingFaceConfig, split: Split) -> ImageAdapter | None:
    """The images of one split of a dataset on the hub, in a local folder or from ``save_to_disk``.

    Raises:
        DataError: for a dataset, split or column that is not there, and for images that cannot be read.
    """
    splits = _load(config)
    train = _table(splits, config.train_split, "train_split", config)
    if split == "train":
        return open_table(train, train, config)
    name = config.test_split
    if name == "auto":
        name = next((known for known in _TEST_NAMES if known in splits), "none")
    if name == "none":
        return None
    return open_table(_table(splits, name, "test_split", config), train, config)


def _load(config: HuggingFaceConfig) -> Any:
    """The splits of the dataset by name: a ``datasets.DatasetDict``."""
    import datasets

    folder = Path(config.path).expanduser()
    try:
        if any((folder / name).is_file() for name in _SAVED):
            found = datasets.load_from_disk(str(folder))
            return found if isinstance(found, dict) else {config.train_split: found}
        path = str(folder) if folder.is_dir() else _hub_id(config.path)
        return datasets.load_dataset(path, name=config.config_name, revision=config.revision)
    # datasets and the hub's client raise a dozen unrelated types for what is missing, private or offline.
    except Exception as error:
        if isinstance(error, DataError):
            raise
        advice = "" if folder.is_dir() else _LOCAL_COPY
        raise DataError(f"data.path: cannot load {config.path!r}: {error}{advice}") from error


_LOCAL_COPY = (
    "\nWithout the hub, set data.path to a local copy: a folder with train.parquet and test.parquet, or what "
    "Dataset.save_to_disk wrote"
)


def _hub_id(path: str) -> str:
    if path.startswith((".", "/", "~")) or path.count("/") > 1 or Path(path).exists():
        raise DataError(
            f"data.path: {path} is neither a folder (working directory {Path.cwd()}) nor an id on the "
            f"Hugging Face hub, such as uoft-cs/cifar10; single table files are read by vision/table"
        )
    return path


def _table(splits: Any, name: str, key: str, config: HuggingFaceConfig) -> ImageTable:
    import datasets

    where = f"split {name!r} of {config.path}"
    if name not in splits:
        raise DataError(f"data.{key}: {config.path} has no split {name!r}; it has {', '.join(splits)}")
    data = splits[name]
    images = [column for column, feature in data.features.items() if isinstance(feature, datasets.Image)]
    for column in images:
        data = data.cast_column(column, datasets.Image(decode=False))
    folder = Path(config.path).expanduser()
    root = folder if folder.is_dir() else Path(datasets.config.HF_CACHE_HOME)
    return ImageTable(data.with_format("arrow")[:], where, _RowName(where), root)
