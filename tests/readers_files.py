"""The files of their own that README and docs suppose their readers to have."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np

_TOPICS = {
    "cooking": "oven flour butter sugar pan boil roast spice dough cream salt onion garlic bake",
    "sailing": "harbour mast keel anchor tide rope rudder deck wind sail buoy storm crew coast",
    "banking": "loan credit rate deposit bond branch audit ledger asset fund market debt fee",
}
_COMMON = "the a of and to in it was is that for on with as at by from this they were"


def plant(folder: Path) -> None:
    """Photos, articles and crops of cells, small enough to train on within a test."""
    photos(folder / "photos")
    articles(folder / "articles.csv", 600, labelled=45)
    articles(folder / "new-articles.csv", 30, labelled=0)
    crops(folder / "crops.parquet", 400)


def photos(folder: Path) -> None:
    """Two folders of 96 JPEG pictures each, reddish and bluish noise."""
    from PIL import Image

    draws = np.random.default_rng(0)
    for name, colour in {"red": (180, 60, 40), "blue": (40, 90, 190)}.items():
        (folder / name).mkdir(parents=True)
        for i in range(96):
            pixels = np.clip(draws.normal(colour, 40, (24 + i % 3, 32, 3)), 0, 255).astype("uint8")
            Image.fromarray(pixels).save(folder / name / f"{i:03}.jpg")


def articles(path: Path, n: int, *, labelled: int) -> None:
    """A CSV of ``title``, ``body`` and ``topic``, the latter empty but for the first ``labelled``."""
    draws = np.random.default_rng(n)
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["title", "body", "topic"])
        for i in range(n):
            topic = list(_TOPICS)[i % len(_TOPICS)]
            words = [*draws.choice(_TOPICS[topic].split(), 20), *draws.choice(_COMMON.split(), 40)]
            draws.shuffle(words)
            writer.writerow([" ".join(words[:5]), " ".join(words[5:]), topic if i < labelled else ""])


def crops(path: Path, n: int) -> None:
    """A Parquet file of RGB cells, their ``patient`` and, of a quarter, ``abnormal`` (a large nucleus)."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image

    draws, images = np.random.default_rng(1), []
    down, across = np.mgrid[:48, :48] - 23.5
    for i in range(n):
        radius = (7 if i % 2 == 0 else 12) + draws.normal()
        inside = 1 / (1 + np.exp(np.hypot(down, across) - radius))[..., None]
        colour = inside * np.array([90, 50, 140]) + (1 - inside) * np.array([230, 190, 210])
        pixels = np.clip(colour + draws.normal(0, 12, (48, 48, 3)), 0, 255).astype("uint8")
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, "PNG")
        images.append(stream.getvalue())
    columns = {
        "image": images,
        "abnormal": [i % 2 if i < n // 4 else None for i in range(n)],
        "patient": [i // 12 for i in range(n)],
    }
    pq.write_table(pa.table(columns), path)
