"""A stream of the toy's points, in memory, and shards of every format on a disk."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np
import torch

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.stream import Broken, Placed, StreamAdapter


class Points(StreamAdapter):
    """Shards of points around four centres; some rows can be broken."""

    info = DataInfo()

    def __init__(self, counts=(20, 7, 1, 40, 12), *, lanes=4, buffer=16, broken=(), skip=False):
        self.counts = np.array(counts)
        self.names = [f"s{i}" for i in range(len(counts))]
        self.lanes, self.buffer, self.broken, self.skip = lanes, buffer, set(broken), skip
        self.reads: list[tuple[int, int, int]] = []

    def read(self, shard, start, stop):
        self.reads.append((shard, start, stop))
        return [self._row(shard, row) for row in range(start, stop)]

    def _row(self, shard, row):
        place = f"row {row} of s{shard}"
        if (shard, row) in self.broken:
            return Broken(place, "not what it was")
        generator = np.random.default_rng([shard, row])
        centre = np.random.default_rng(int(generator.integers(4))).normal(size=8) * 3
        return Placed(place, torch.from_numpy(centre + generator.normal(size=8)).float())

    def sample(self):
        raise NotImplementedError


def rows(count, first=0):
    """Rows of a table that tells them apart."""
    return [{"text": f"document number {i} of all", "n": i} for i in range(first, first + count)]


def write_parquet(path, made, group=4):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist(made), path, row_group_size=group)


def write_lines(path, made):
    import pyarrow as pa

    text = "".join(json.dumps(row) + "\n" for row in made).encode()
    packed = {".gz": "gzip", ".zst": "zstd"}.get(path.suffix)
    with pa.output_stream(str(path), compression=packed) as stream:
        stream.write(text)


def write_tar(path, made):
    with tarfile.open(path, "w") as archive:
        for row in made:
            for suffix, content in (("txt", row["text"].encode()), ("cls", str(row["n"] % 3).encode())):
                member = tarfile.TarInfo(f"part/{row['n']:06d}.{suffix}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
