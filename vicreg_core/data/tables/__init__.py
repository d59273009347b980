"""Tables in files: CSV, TSV, JSONL, JSON, Parquet and XLSX, compressed or not, as a stream of rows.

>>> import tempfile, pathlib
>>> path = pathlib.Path(tempfile.mkdtemp(), "t.csv")
>>> _ = path.write_text("text,label\\nheron,bird\\n")
>>> next(read_table(path, TableFileConfig()))
Row(place='line 2 of t.csv', values={'text': 'heron', 'label': 'bird'}, problem=None)
"""

from vicreg_core.data.tables.config import TableFileConfig
from vicreg_core.data.tables.delimited import find_delimiter
from vicreg_core.data.tables.find import find_files
from vicreg_core.data.tables.formats import open_unpacked, table_format
from vicreg_core.data.tables.read import read_table
from vicreg_core.data.tables.rows import Row, check_text_file, class_names, text_problem

__all__ = [
    "Row",
    "TableFileConfig",
    "check_text_file",
    "class_names",
    "find_delimiter",
    "find_files",
    "open_unpacked",
    "read_table",
    "table_format",
    "text_problem",
]
