"""Sheets of spreadsheets as rows."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from vicreg_core.data.paths import require_size
from vicreg_core.data.tables.config import TableFileConfig
from vicreg_core.data.tables.rows import Row, require_unique
from vicreg_core.errors import DataError


def read_xlsx(path: Path, config: TableFileConfig, columns: Sequence[str] | None) -> Iterator[Row]:
    """Rows of a sheet, the first that is not empty with the names of its columns; formulas by their value.

    Raises:
        DataError: where openpyxl is missing, the file is no such workbook, it unpacks to more than
            ``data.max_unpacked_mib``, or it has no such sheet.
    """
    try:
        openpyxl: Any = importlib.import_module("openpyxl")
    except ModuleNotFoundError:
        raise DataError(
            f"{path.name}: reading .xlsx needs openpyxl: pip install 'vicreg-suite[xlsx]'; or save it as CSV"
        ) from None
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
        require_size(size, config.max_unpacked_mib, path.name, "data.max_unpacked_mib")
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
        yield from _rows(_sheet(book, config.sheet, path.name), path.name, columns)
    except DataError:
        raise
    # A damaged workbook fails in whatever part of XML or archive it is damaged in.
    except Exception as error:
        raise DataError(
            f"{path} cannot be read as XLSX: {type(error).__name__}: {error}; it is damaged, or of another "
            "kind: save it again, or as CSV"
        ) from error


def _sheet(book: Any, name: str | None, file: str) -> Any:
    if name is None:
        return book.worksheets[0]
    if name not in book.sheetnames:
        raise DataError(f"data.sheet: {file} has no sheet {name!r}; it has {', '.join(book.sheetnames)}")
    return book[name]


def _rows(sheet: Any, file: str, columns: Sequence[str] | None) -> Iterator[Row]:
    header: list[str] = []
    for number, cells in enumerate(sheet.iter_rows(values_only=True), start=1):
        if all(cell is None for cell in cells):
            continue
        if not header:
            header = ["" if cell is None else str(cell).strip() for cell in cells]
            require_unique(header, columns, file)
            continue
        padded = [*cells, *[None] * (len(header) - len(cells))]
        yield Row(f"row {number} of {file}", dict(zip(header, padded, strict=False)))
    if not header:
        raise DataError(f"{file}: the sheet {sheet.title!r} is empty")
