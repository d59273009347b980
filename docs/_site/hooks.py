"""mkdocs hook: adds the pages that are generated from the code, so that they cannot drift from it."""

from __future__ import annotations

import sys
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

sys.path.insert(0, str(Path(__file__).parent))

from generated import PAGES


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Write each page anew for every build."""
    for path, write in PAGES.items():
        files.append(File.generated(config, path, content=write()))
    return files
