"""README and docs as what they are made of: pages, code blocks, commands.

A fenced ``bash`` or ``python`` block is run, in the order of its page. A comment on the line before its fence
says otherwise: ``<!-- not run: REASON -->``, or ``<!-- fails: WORDS -->`` for a command whose error is shown.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(
    r"(?:^<!-- (?P<mark>not run|fails): (?P<words>.+?) -->\n)?^```(?P<language>[a-z]*)\n(?P<text>.*?)^```",
    flags=re.M | re.S,
)
_PLACEHOLDER = re.compile(r"\b(RUN|RECIPE|NAME|PHOTOS|FILE|DIR|KEY)\b|\.\.\.|\[")


@dataclass(frozen=True)
class Block:
    """A fenced block of code."""

    language: str
    text: str
    mark: str | None
    words: str | None

    @property
    def lines(self) -> list[str]:
        """Its lines that hold more than a comment."""
        joined = self.text.replace("\\\n", " ")
        return [line.strip() for line in joined.splitlines() if line.strip() and line.strip()[0] != "#"]


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(match["language"], match["text"], match["mark"], match["words"])
        for match in _FENCE.finditer(page.read_text(encoding="utf-8"))
    ]


def vicreg_commands(page: Path) -> list[list[str]]:
    """The words after ``vicreg`` of every command in a code block that names no placeholder."""
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    fenced = [line for block in blocks_of(page) if block.language != "python" for line in block.lines]
    indented = re.findall(r"^    (vicreg .*)$", _FENCE.sub("", text), flags=re.M)
    found = [line.removeprefix("$ ") for line in (*fenced, *indented)]
    commands = [line for line in found if line.startswith("vicreg ")]
    return [
        shlex.split(line, comments=True)[1:]
        for line in commands
        if not _PLACEHOLDER.search(line.partition("#")[0].replace("text=[", ""))
    ]
