"""A copy of a labelled data set in which a share of the training samples is noise, for docs/evidence.md.

``python benchmarks/noisy_copy.py fashion_mnist|ag_news_7600 FOLDER --share 0.25 [--rows 10000] [--seed 0]``

The data is looked for under ``VICREG_DATA`` (default ``../shared/data``). Of images the chosen ones get
Gaussian noise of standard deviation 0.4 (white is 1); of documents the chosen ones have half of their words
replaced by words drawn from the whole corpus. The test split is copied as it is.
"""

from __future__ import annotations

import argparse
import io
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

SIGMA, REPLACED = 0.4, 0.5


def noisy_image(image: dict[str, Any], generator: np.random.Generator) -> dict[str, Any]:
    """The picture with noise, as PNG."""
    pixels = np.asarray(Image.open(io.BytesIO(image["bytes"])), dtype=np.float64)
    noisy = np.clip(pixels + 255 * SIGMA * generator.normal(size=pixels.shape), 0, 255).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noisy).save(buffer, format="PNG")
    return {**image, "bytes": buffer.getvalue()}


def noisy_text(text: str, words: np.ndarray, generator: np.random.Generator) -> str:
    """The document with half of its words replaced."""
    own = np.array(text.split(), dtype=object)
    hit = generator.random(len(own)) < REPLACED
    own[hit] = generator.choice(words, size=int(hit.sum()))
    return " ".join(own)


def main() -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--share", type=float, required=True)
    parser.add_argument("--rows", type=int)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    source = Path(os.environ.get("VICREG_DATA", "../shared/data"), options.name)
    train = pq.read_table(source / "train.parquet")
    generator = np.random.default_rng(options.seed)
    if options.rows:
        train = train.take(np.sort(generator.permutation(len(train))[: options.rows]))
    column = "image" if "image" in train.column_names else "text"
    values = train[column].to_pylist()
    chosen = generator.random(len(values)) < options.share
    if column == "image":
        made = [noisy_image(v, generator) if hit else v for v, hit in zip(values, chosen, strict=True)]
    else:
        words = np.array(" ".join(values).split(), dtype=object)
        made = [noisy_text(v, words, generator) if hit else v for v, hit in zip(values, chosen, strict=True)]
    place = train.column_names.index(column)
    train = train.set_column(
        place, train.schema.field(column), pa.array(made, train.schema.field(column).type)
    )
    options.folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(train, options.folder / "train.parquet")
    shutil.copyfile(source / "test.parquet", options.folder / "test.parquet")
    print(f"{int(chosen.sum())} of {len(values)} training samples are noisy: {options.folder}")


if __name__ == "__main__":
    main()
