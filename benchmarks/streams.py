"""Streams: memory and time to begin in 10,000,000 rows, and throughput beside the same Parquet at random.

``python benchmarks/streams.py [--rows 10000000] [--photos 2000] [--workers 0]``

The rows are made up where they are read (64 numbers each), so that what is measured is the plan, the windows
and the keys. The photos are those of grocery_store under ``VICREG_DATA`` (default ``../shared/data``), packed
into Parquet and read by vision/shards and, decoded anew each time as well, by vision/table; that part is left
out, saying so, where they are not there.
"""

from __future__ import annotations

import argparse
import os
import resource
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from vicreg_core.contracts import Augmentation, DataInfo, DatasetAdapter
from vicreg_core.contracts.stream import Broken, Placed, StreamAdapter
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.streams.pack import pack
from vicreg_core.data.streams.plan import share_of
from vicreg_core.recipes.load import load_recipe
from vicreg_core.training.components import build_components

BATCH, SHARD = 256, 10_000


class MadeUp(StreamAdapter):
    """Rows that are numbers of their place."""

    info = DataInfo()

    def __init__(self, rows: int) -> None:
        self.counts = np.full(rows // SHARD, SHARD)
        self.names = [f"shard-{i:06d}" for i in range(len(self.counts))]

    def read(self, shard: int, start: int, stop: int) -> list[Placed | Broken]:
        made = np.random.default_rng([shard, start]).normal(size=(stop - start, 64)).astype(np.float32)
        return [Placed(f"row {start + i}", row) for i, row in enumerate(made)]

    def sample(self) -> DatasetAdapter:
        raise NotImplementedError


class Noise(Augmentation):
    """Adds keyed noise."""

    def forward(self, batch: Any, keys: Any = None) -> Any:
        return batch if keys is None else batch + keys.normal("noise", batch.shape[1])


def loader_of(data: DatasetAdapter, augmentation: Augmentation, workers: int) -> ViewLoader:
    share = share_of(data, BATCH, 0, 0, 1)
    return ViewLoader(data, augmentation, share, views=2, device=torch.device("cpu"), workers=workers)


def many_rows(rows: int) -> None:
    start = time.perf_counter()
    loader = loader_of(MadeUp(rows), Noise(), 0)
    print(f"{rows:,} rows: opened in {time.perf_counter() - start:.2f} s", flush=True)
    steps = loader.share.plan.steps_per_epoch
    for name, first in (("the start", 0), ("the middle", steps // 2), ("the second epoch", steps + 5)):
        start = time.perf_counter()
        batches = loader(first, first + 400)
        next(batches)
        begun = time.perf_counter() - start
        for _ in batches:
            pass
        rate = 399 * BATCH / (time.perf_counter() - start - begun)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(
            f"  from {name}: first batch in {begun:.2f} s, then {rate:,.0f} rows/s; peak {peak:,.0f} MiB",
            flush=True,
        )


def photos(count: int, workers: int) -> None:
    source = Path(os.environ.get("VICREG_DATA", "../shared/data"), "grocery_store", "images")
    if not source.is_dir():
        print("photos: left out, grocery_store is not there")
        return
    with tempfile.TemporaryDirectory() as folder:
        few = Path(folder, "photos")
        for number, path in enumerate(sorted(source.rglob("*.jpg"))[:count]):
            target = few / f"{number:05d}.jpg"
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(path.read_bytes())
        pack(few, Path(folder, "shards"), rows=512)
        ways = {
            "map-style": [
                "data={name: vision/table, image_column: content, label_column: none, cache: none, "
                f"train: '{folder}/shards/*.parquet'}}",
            ],
            "stream": [
                f"data={{name: vision/shards, label_column: none, train: {folder}/shards/manifest.json}}",
            ],
        }
        rates: dict[str, list[float]] = {name: [] for name in ways}
        loaders = {}
        for name, overrides in ways.items():
            loaded = load_recipe("vision/shards", ["data.train=x", *overrides])
            parts = build_components(loaded)
            loaders[name] = loader_of(parts.data, parts.augmentation, workers)
        for _ in range(3):
            for name, loader in loaders.items():
                steps = loader.share.plan.steps_per_epoch
                start = time.perf_counter()
                for _ in loader(0, steps):
                    pass
                rates[name].append(steps * BATCH / (time.perf_counter() - start))
        best = {name: max(found) for name, found in rates.items()}
        for name, rate in best.items():
            print(
                f"{count:,} photos, {name}: {rate:,.0f} samples/s ({rate / best['map-style']:.3f})",
                flush=True,
            )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--workers", type=int, default=0)
    options = parser.parse_args()
    many_rows(options.rows)
    photos(options.photos, options.workers)


if __name__ == "__main__":
    main()
