"""Parquet files as rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from vicreg_core.data.tables.rows import Row, class_names
from vicreg_core.errors import DataError

_BLOCK = 1024


def read_parquet(path: Path, columns: Sequence[str] | None) -> Iterator[Row]:
    """Rows of a Parquet file, read a batch at a time; only those of ``columns`` that exist are read.

    Integers of a Hugging Face ``ClassLabel`` become the names of their classes.

    Raises:
        DataError: when the file is no Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(path)
        names = class_names(file.schema_arrow.metadata)
        there = file.schema_arrow.names
        present = there if columns is None else [column for column in columns if column in there]
        if not present:
            # Something to name in "no column 'x'; its columns are ...".
            yield Row(f"row 0 of {path.name}", dict.fromkeys(there))
            return
        number = 0
        for batch in file.iter_batches(batch_size=_BLOCK, columns=present):
            for values in batch.to_pylist():
                for column, classes in names.items():
                    if isinstance(index := values.get(column), int) and 0 <= index < len(classes):
                        values[column] = classes[index]
                yield Row(f"row {number} of {path.name}", values)
                number += 1
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}") from error
