"""The embedded corpus: documentation strings of Python's standard library, present wherever Python is."""

from __future__ import annotations

import ast
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

from vicreg_core.contracts import Split
from vicreg_core.data.tables import Row
from vicreg_core.errors import DataError
from vicreg_text.cache import key_of
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import StdlibDocsConfig
from vicreg_text.datasets.source import Columns, Source
from vicreg_text.datasets.splits import open_split

FAMILIES = {
    "concurrency": "asyncio concurrent multiprocessing queue sched selectors subprocess threading",
    "data types": "_collections_abc array bisect calendar collections copy dataclasses datetime enum heapq",
    "development": "ast bdb cProfile dis doctest inspect pdb profile pydoc timeit trace traceback unittest",
    "files": "_pyio bz2 filecmp fileinput gzip lzma os pathlib shutil tarfile tempfile zipfile",
    "importing": "distutils importlib modulefinder pkgutil runpy site sysconfig venv zipapp zipimport",
    "internet": "ftplib http imaplib ipaddress nntplib smtplib socket socketserver ssl urllib wsgiref xmlrpc",
    "markup and mail": "base64 email html json mailbox mimetypes plistlib quopri xml",
    "numbers": "_pydecimal colorsys fractions numbers random statistics",
    "programs": "argparse cmd code configparser getopt gettext locale logging optparse platform",
    "text": "codecs csv difflib encodings re string stringprep textwrap tokenize",
    "windows": "curses tkinter turtle turtledemo",
}
"""Top-level modules by family, after the chapters of the library's manual."""

_FAMILY_OF = {module: family for family, modules in FAMILIES.items() for module in modules.split()}
_SKIPPED_FOLDERS = {"test", "tests", "__pycache__", "site-packages", "idlelib"}
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def build(config: StdlibDocsConfig, split: Split) -> TextDataset | None:
    """The documentation strings, labelled by family; there is no test split.

    Raises:
        DataError: where this Python came without the library's source files.
    """
    return open_split(config, split, _source(config), None)


def _source(config: StdlibDocsConfig) -> Source:
    root = Path(sysconfig.get_paths()["stdlib"])
    paths = [path for path in sorted(root.rglob("*.py")) if _family(path.relative_to(root)) is not None]
    if not paths:
        raise DataError(
            f"text/stdlib-docs: {root} holds no source files of the standard library; use text/table"
        )
    sizes = [[path.relative_to(root).as_posix(), path.stat().st_size] for path in paths]
    fingerprint = key_of("stdlib-docs", sys.version, sizes, config.min_words, config.max_documents)
    return Source(
        "the standard library",
        fingerprint,
        lambda: _rows(root, paths, config),
        Columns(label="label", id="id"),
    )


def _family(relative: Path) -> str | None:
    if _SKIPPED_FOLDERS.intersection(relative.parts):
        return None
    return _FAMILY_OF.get(relative.parts[0].removesuffix(".py"))


def _rows(root: Path, paths: list[Path], config: StdlibDocsConfig) -> Iterator[Row]:
    seen: set[str] = set()
    for path in paths:
        relative = path.relative_to(root)
        for name, text in _docstrings(path):
            if len(seen) == config.max_documents:
                return
            if len(text.split()) >= config.min_words and text not in seen:
                seen.add(text)
                place = f"{relative.as_posix()}:{name}"
                yield Row(place, {"text": text, "label": _family(relative), "id": place})


def _docstrings(path: Path) -> Iterator[tuple[str, str]]:
    """Name with line number, and text, of each documentation string of a file; nothing is imported or run."""
    tree = ast.parse(path.read_bytes(), filename=str(path))
    for node in ast.walk(tree):
        if isinstance(node, _Documented) and (text := ast.get_docstring(node)):
            name, line = ("", 0) if isinstance(node, ast.Module) else (node.name, node.lineno)
            yield f"{name}:{line}", text
