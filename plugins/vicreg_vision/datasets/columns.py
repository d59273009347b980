"""Which column of a table holds the images, and which the labels."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from vicreg_core.errors import DataError
from vicreg_vision.datasets.config import ColumnsConfig
from vicreg_vision.datasets.files import IMAGE_SUFFIXES

_IMAGE_NAMES = ("image", "img")
_LABEL_NAMES = ("label", "labels", "class", "target", "category")


@dataclass(frozen=True, slots=True)
class Columns:
    """The columns of a table by their part; ``None`` where a part has none.

    ``names`` are the class names of the label column where the table's metadata holds them.
    """

    image: str
    label: str | None
    id: str | None
    group: str | None
    names: Sequence[str] | None = None
    others: Sequence[str] = field(default=())


def find_columns(schema: Any, first: Mapping[str, Any], config: ColumnsConfig, where: str) -> Columns:
    """The columns of a table.

    Args:
        schema: its ``pyarrow.Schema``, with the metadata of Hugging Face's ``datasets`` where it has them.
        first: the first cell of each column that is not empty, by name.
        config: the columns the recipe names, or ``auto``.
        where: what errors call the table.

    Raises:
        DataError: listing the columns, where one is missing or more than one could be meant.
    """
    features = _features(schema)
    image = _image_column(schema, features, first, config.image_column, where)
    label = _label_column(schema, features, config.label_column, where)
    for key in ("id_column", "group_column"):
        name = getattr(config, key)
        if name is not None and name not in schema.names:
            raise _no_column(key, name, schema, where)
    taken = {image, label, config.id_column, config.group_column}
    others = [f.name for f in schema if f.name not in taken and _is_scalar(f.type)]
    names = features.get(label, {}).get("names") if label is not None else None
    return Columns(image, label, config.id_column, config.group_column, names, others)


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    """Hugging Face's description of each column, empty without one."""
    stored = (schema.metadata or {}).get(b"huggingface")
    features = json.loads(stored).get("info", {}).get("features", {}) if stored else {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def _image_column(
    schema: Any, features: Mapping[str, Any], first: Mapping[str, Any], wanted: str, where: str
) -> str:
    if wanted != "auto":
        if wanted not in schema.names:
            raise _no_column("image_column", wanted, schema, where)
        return wanted
    found = [f.name for f in schema if _holds_images(f, features.get(f.name, {}), first.get(f.name))]
    named = [name for name in found if name in _IMAGE_NAMES]
    if len(found) == 1 or len(named) == 1:
        return str((named or found)[0])
    problem = f"more than one could hold images ({', '.join(found)})" if found else "none holds images"
    raise DataError(
        f"{where}: {problem} of the columns {_listing(schema)}. Set data.image_column to a column of encoded "
        f"images, of structs {{bytes, path}}, or of paths of image files"
    )


def _holds_images(column: Any, feature: Mapping[str, Any], cell: Any) -> bool:
    import pyarrow as pa

    kind = column.type
    if feature.get("_type") == "Image" or pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return True
    if pa.types.is_struct(kind):
        return bool(kind.get_field_index("bytes") >= 0)
    return isinstance(cell, str) and cell.lower().endswith(tuple(IMAGE_SUFFIXES))


def _label_column(schema: Any, features: Mapping[str, Any], wanted: str, where: str) -> str | None:
    if wanted == "none":
        return None
    if wanted != "auto":
        if wanted not in schema.names:
            raise _no_column("label_column", wanted, schema, where)
        return wanted
    if "label" in schema.names:
        return "label"
    found = [
        name
        for name in schema.names
        if name in _LABEL_NAMES or features.get(name, {}).get("_type") == "ClassLabel"
    ]
    if len(found) > 1:
        raise DataError(
            f"{where}: more than one column could hold the labels ({', '.join(found)}): set "
            f"data.label_column to one of them, or to none"
        )
    return found[0] if found else None


def _no_column(key: str, name: str, schema: Any, where: str) -> DataError:
    return DataError(f"data.{key}: {where} has no column {name!r}; its columns are {_listing(schema)}")


def _listing(schema: Any) -> str:
    return ", ".join(f"{column.name} ({column.type})" for column in schema)


def _is_scalar(kind: Any) -> bool:
    from pyarrow import types

    numeric = types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)
    return bool(numeric or types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind))
