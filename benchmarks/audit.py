"""What ``vicreg audit`` finds of what was planted: near-duplicates across the splits, and wrong labels.

    python benchmarks/audit.py --work /tmp/audit --seeds 3
    python benchmarks/audit.py --samples 1000000      vectors alone, by faiss, with 1,000 near-duplicates

Of Fashion-MNIST (``VICREG_DATA``), 20,000 training and 4,000 test images: 200 test images are replaced by
altered training images, 40 of each kind, and 100 training labels by others drawn at random. An encoder of
four epochs is trained and the run audited. A near-duplicate is found where its pair is in the table; the data
itself holds some more.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from PIL import Image

from vicreg_core.cli.main import cli
from vicreg_core.decisions.audit.neighbourhood import Space, near_duplicates
from vicreg_core.decisions.audit.run import audit_run

TRAIN, TEST, OF_EACH, WRONG = 20_000, 4_000, 40, 100
DIMS = 256
DATA = Path(os.environ.get("VICREG_DATA", Path(__file__).parents[2] / "shared" / "data")) / "fashion_mnist"


def shifted(image: np.ndarray) -> np.ndarray:
    return np.pad(image, ((1, 0), (0, 0)))[:-1]


def altered(draw: np.random.Generator) -> dict[str, Callable[[np.ndarray], np.ndarray]]:
    return {
        "copied": lambda image: image,
        "noise of 6 / 255": lambda image: image + draw.normal(0, 6, image.shape),
        "12 % brighter": lambda image: image * 1.12,
        "shifted by a pixel": shifted,
        "shifted and darker": lambda image: np.pad(image, ((0, 0), (0, 1)))[:, 1:] * 0.9,
    }


def plant(work: Path, seed: int) -> tuple[dict[str, list[tuple[str, str]]], set[str]]:
    """Write both tables; returns the pairs by kind and the ids of the wrong labels."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    draw = np.random.default_rng(seed)
    images, labels = {}, {}
    for split, count in (("train", TRAIN), ("test", TEST)):
        table = pq.read_table(DATA / f"{split}.parquet")
        rows = np.sort(draw.permutation(table.num_rows)[:count])
        cells = table.column("image").take(rows).to_pylist()
        images[split] = [np.asarray(Image.open(io.BytesIO(cell["bytes"]))) for cell in cells]
        labels[split] = np.asarray(table.column("label").take(rows).to_pylist())
    kinds = altered(draw)
    sources = draw.permutation(TRAIN)[: OF_EACH * len(kinds)]
    places = draw.permutation(TEST)[: OF_EACH * len(kinds)]
    pairs: dict[str, list[tuple[str, str]]] = {}
    for number, (kind, change) in enumerate(kinds.items()):
        chosen = slice(number * OF_EACH, (number + 1) * OF_EACH)
        for source, place in zip(sources[chosen], places[chosen], strict=True):
            changed = change(images["train"][source].astype(np.float64)).clip(0, 255).round().astype(np.uint8)
            images["test"][place], labels["test"][place] = changed, labels["train"][source]
            pairs.setdefault(kind, []).append((f"train{source}", f"test{place}"))
    wrong = draw.permutation(np.setdiff1d(np.arange(TRAIN), sources))[:WRONG]
    labels["train"][wrong] = (labels["train"][wrong] + draw.integers(1, 10, WRONG)) % 10
    for split in ("train", "test"):
        columns = {
            "id": [f"{split}{row}" for row in range(len(images[split]))],
            "image": [encoded(image) for image in images[split]],
            "label": labels[split],
        }
        pq.write_table(pa.table(columns), work / f"{split}.parquet")
    return pairs, {f"train{row}" for row in wrong}


def encoded(image: np.ndarray) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "PNG")
    return stream.getvalue()


def measure(work: Path, seed: int) -> None:
    work.mkdir(parents=True, exist_ok=True)
    pairs, wrong = plant(work, seed)
    run = work / "run"
    if not (run / "model").is_dir():
        tables = f"train: {work}/train.parquet, test: {work}/test.parquet, id_column: id"
        keys = [f"data={{name: vision/table, {tables}}}", "train.epochs=4", f"seed={seed}"]
        command = ["train", "vision/fashion-mnist", *keys, "--out", str(run)]
        result = CliRunner().invoke(cli, command)
        if result.exit_code:
            raise SystemExit(result.output)
    audit = audit_run(run)
    names = audit.samples.ids
    found = {(names[pair.first], names[pair.second]) for pair in audit.across()}
    planted = {pair for of in pairs.values() for pair in of}
    right, more = len(found & planted), len(found - planted)
    print(
        f"seed {seed}: {right} of {len(planted)} near-duplicates across the splits found, {more} pairs more"
    )
    for kind, of in pairs.items():
        print(f"  {kind}: {len(found & set(of))} of {len(of)}")
    doubted = [names[each.row] for each in audit.doubts if each.row < audit.samples.train]
    at = {k: len(wrong & set(doubted[:k])) / k for k in (50, 100, 200)}
    print("  wrong labels, precision at", ", ".join(f"{k}: {share:.2f}" for k, share in at.items()))
    print(f"  {len(wrong & set(doubted))} of {len(wrong)} among {len(doubted):,}", flush=True)


def among_vectors(samples: int) -> None:
    """Near-duplicates of 1,000 among ``samples`` vectors of 256 dimensions in 2,000 clusters."""
    draw = np.random.default_rng(0)
    vectors = draw.normal(size=(2000, DIMS)).astype(np.float32)[draw.integers(0, 2000, samples)]
    for start in range(0, samples, 50_000):
        block = vectors[start : start + 50_000]
        block += draw.standard_normal(block.shape, np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    first, second = draw.permutation(samples)[:2000].reshape(2, -1)
    vectors[second] = vectors[first] + draw.normal(0, 0.002, (1000, DIMS))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    planted = {(min(pair), max(pair)) for pair in zip(first.tolist(), second.tolist(), strict=True)}
    started = time.perf_counter()
    found = {(pair.first, pair.second) for pair in near_duplicates([Space.of(vectors)])}
    seconds, peak = time.perf_counter() - started, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(
        f"{samples:,} x {DIMS}: {len(found & planted)} of {len(planted)} near-duplicates, "
        f"{len(found - planted)} pairs more, {seconds:.0f} s, peak {peak:.1f} GiB"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--work", type=Path, default=Path("audit"), help="folder to work in; a run there is used again"
    )
    parser.add_argument("--samples", type=int, help="audit so many vectors instead")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    if given.samples:
        among_vectors(given.samples)
        return
    if not DATA.is_dir():
        raise SystemExit(f"no {DATA}; set VICREG_DATA to a folder that holds fashion_mnist")
    for seed in range(given.seeds):
        measure(given.work / str(seed), seed)


if __name__ == "__main__":
    main()
