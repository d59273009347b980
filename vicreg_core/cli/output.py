"""Printing for people and for programs.

On a terminal tables fit its width; in a pipe a row is a line, whatever its length, unless ``COLUMNS`` says
otherwise. Nothing is coloured in a pipe. Errors and notes go to stderr, so that stdout stays parseable.
"""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Iterable, Sequence
from typing import Any

import click

_NARROWEST_COLUMN = 24


def print_json(value: Any) -> None:
    """Print plain values as indented JSON."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of text under headings.

    Only the last column wraps. Where the others leave it too little room, each row becomes a block of lines.

    Args:
        columns: the headings.
        rows: one text a column; an empty one is left out of a block.
    """
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    rows, width = list(rows), _width()
    widest = [max(map(cell_len, column)) for column in zip(columns, *rows, strict=True)]
    if width is not None and sum(widest[:-1]) + 2 * len(columns) + min(widest[-1], _NARROWEST_COLUMN) > width:
        _print_blocks(columns, rows, width)
        return
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for index, column in enumerate(columns):
        last = index == len(columns) - 1
        table.add_column(Text(column), no_wrap=not last, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(file=sys.stdout, width=width or sum(widest) + 2 * len(columns), emoji=False)
    with console.capture() as captured:
        console.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def stderr_block(title: str, text: str = "", colour: str = "red") -> None:
    """Print an error or a note: the title, coloured on a terminal, then the text as it is."""
    click.echo(f"{click.style(title, fg=colour, bold=True)} {text}".rstrip(), err=True)


def _width() -> int | None:
    """Columns to print into; ``None`` for as many as it takes."""
    if columns := os.environ.get("COLUMNS", ""):
        return int(columns) if columns.isdigit() and int(columns) > 0 else None
    return os.get_terminal_size(sys.stdout.fileno()).columns if sys.stdout.isatty() else None


def _print_blocks(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> None:
    for first, *others in rows:
        click.echo(first)
        for column, cell in zip(columns[1:], others, strict=True):
            if cell:
                lines = textwrap.wrap(
                    f"{column}: {cell}", max(width, 20), initial_indent="  ", subsequent_indent="    "
                )
                click.echo("\n".join(lines))
