"""A copy of a labelled data set with noise in it, for docs/evidence.md.

``python benchmarks/noisy_copy.py fashion_mnist|ag_news_7600 FOLDER --share 0.25 [--rows 10000] [--seed 0]``
``python benchmarks/noisy_copy.py fashion_mnist|ag_news_7600 FOLDER --features [--rows 10000] [--seed 0]``

The data is looked for under ``VICREG_DATA`` (default ``../shared/data``). ``--share`` spoils that share of
the training samples: images get Gaussian noise of standard deviation 0.4 (white is 1), documents have half of
their words replaced by words drawn from the whole corpus; the test split is copied as it is. ``--features``
adds to *every* sample, of both splits, as many features again that mean nothing: an image lies in the middle
of a frame of noise with as many pixels as it has itself, a document has one of 20,000 made-up words behind
each of its own.
"""

from __future__ import annotations

import argparse
import io
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIGMA, REPLACED, MADE_UP = 0.4, 0.5, 20_000

Change = Callable[[Any, np.random.Generator], Any]


def _pixels(image: dict[str, Any]) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image["bytes"])))


def _png(pixels: np.ndarray, image: dict[str, Any]) -> dict[str, Any]:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, format="PNG")
    return {**image, "bytes": buffer.getvalue()}


def noisy_image(image: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    """The picture with noise, as PNG."""
    pixels = _pixels(image)
    return _png(np.clip(pixels + 255 * SIGMA * generator.normal(size=pixels.shape), 0, 255), image)


def framed(image: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    """The picture in the middle of a field of uniform noise of twice its area, as PNG."""
    pixels = _pixels(image)
    height, width = (round(side * math.sqrt(2)) for side in pixels.shape[:2])
    field = generator.integers(0, 256, size=(height, width, *pixels.shape[2:]))
    top, left = (height - pixels.shape[0]) // 2, (width - pixels.shape[1]) // 2
    field[top : top + pixels.shape[0], left : left + pixels.shape[1]] = pixels
    return _png(field, image)


def replacing(words: np.ndarray) -> Change:
    """Replaces half of a document's words by others of the corpus."""

    def noisy_text(text: str, generator: np.random.Generator) -> str:
        own = np.array(text.split(), dtype=object)
        hit = generator.random(len(own)) < REPLACED
        own[hit] = generator.choice(words, size=int(hit.sum()))
        return " ".join(own)

    return noisy_text


def interspersed(text: str, generator: np.random.Generator) -> str:
    """A made-up word behind each of the document's own."""
    own = text.split()
    letters = np.array(list("bcdfghjklmnpqrstvwxz"))
    drawn = generator.integers(0, MADE_UP, len(own))
    digits = np.stack([drawn // 20**place % 20 for place in range(4)], axis=1)
    made_up = ["".join(row) for row in letters[digits]]
    return " ".join(word for pair in zip(own, made_up, strict=True) for word in pair)


def changed(table: Any, change: Change, chosen: Sequence[bool], generator: np.random.Generator) -> Any:
    """A table whose chosen samples are changed."""
    import pyarrow as pa

    place = table.column_names.index("image" if "image" in table.column_names else "text")
    values = table.column(place).to_pylist()
    made = [change(value, generator) if hit else value for value, hit in zip(values, chosen, strict=True)]
    field = table.schema.field(place)
    return table.set_column(place, field, pa.array(made, field.type))


def main() -> None:
    import pyarrow.parquet as pq

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--share", type=float)
    kind.add_argument("--features", action="store_true")
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    source = Path(os.environ.get("VICREG_DATA", "../shared/data"), options.name)
    train, test = (pq.read_table(source / f"{split}.parquet") for split in ("train", "test"))
    generator = np.random.default_rng(options.seed)
    if options.rows:
        train = train.take(np.sort(generator.permutation(len(train))[: options.rows]))
    images = "image" in train.column_names
    if options.features:
        change: Change = framed if images else interspersed
        train, test = (changed(each, change, [True] * len(each), generator) for each in (train, test))
        print(f"all samples have as many features again that are noise: {options.folder}")
    else:
        chosen = generator.random(len(train)) < options.share
        if images:
            change = noisy_image
        else:
            change = replacing(np.array(" ".join(train.column("text").to_pylist()).split(), dtype=object))
        train = changed(train, change, chosen, generator)
        print(f"{int(chosen.sum())} of {len(train)} training samples are noisy: {options.folder}")
    options.folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(train, options.folder / "train.parquet")
    pq.write_table(test, options.folder / "test.parquet")


if __name__ == "__main__":
    main()
