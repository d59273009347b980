"""Seconds of the evaluation protocols at the scale of CIFAR-10, beyond the embedding pass.

10,000 training and 10,000 test images as 512 features: their pixels through a fixed random layer with ReLU,
which are as correlated as those of an untrained encoder. The linear probe is timed beside scikit-learn's
LogisticRegression walking the same penalties over the same folds. ``--million`` instead searches a
memory-mapped gallery of 1,000,000 x 512 and reports the peak memory.

Run: ``python benchmarks/evaluate.py [--threads 2] [--peer] [--million]``, with the labelled data in the
folder that VICREG_DATA names.
"""

from __future__ import annotations

import argparse
import io
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from vicreg_core.classifiers.folds import assign_folds
from vicreg_core.classifiers.linear import fit_tuned
from vicreg_core.classifiers.neighbours import nearest
from vicreg_core.classifiers.preprocessing import Standardiser
from vicreg_core.evaluation.protocols.registry import load_protocol
from vicreg_core.evaluation.subjects.subject import Features, Subject

SAMPLES, DIMS, SEED = 10_000, 512, 0
PROTOCOLS = ("knn", "linear", "rank")
GALLERY, QUERIES = 1_000_000, 1_000


def read_pixels(path: Path) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The first images of a Parquet file, ``(n, 3072)`` in ``[0, 1]``, and their labels."""
    import pyarrow.parquet as pq
    from PIL import Image

    table = pq.read_table(path).slice(0, SAMPLES)
    images = [np.asarray(Image.open(io.BytesIO(cell["bytes"]))) for cell in table["image"].to_pylist()]
    return np.stack(images).reshape(len(images), -1).astype(np.float32) / 255, table["label"].to_numpy()


def make_subject(folder: Path) -> Subject:
    layer = np.random.default_rng(SEED).normal(size=(3072, DIMS)).astype(np.float32) / 3072**0.5
    parts = {}
    for split in ("train", "test"):
        pixels, labels = read_pixels(folder / f"{split}.parquet")
        vectors = np.maximum((pixels - 0.5) @ layer, 0)
        parts[split] = Features(ids=np.arange(len(labels)), vectors=vectors, labels=labels)
    noise = np.random.default_rng(SEED)

    def views(samples: int, count: int) -> NDArray[np.float32]:
        chosen = parts["train"].vectors[:samples, None]
        return chosen + 0.1 * noise.standard_normal((len(chosen), count, DIMS), np.float32)

    classes = [str(label) for label in range(10)]
    return Subject(name="random layer", **parts, classes=classes, seed=SEED, views=views)


def time_protocols(subject: Subject) -> float:
    total = 0.0
    for name in PROTOCOLS:
        protocol = load_protocol(name)
        started = time.perf_counter()
        result = protocol(subject)
        seconds = time.perf_counter() - started
        total += seconds
        headline = f"accuracy {result['accuracy']:.4f}" if "accuracy" in result else f"{result['rankme']:.1f}"
        print(f"  {name:<18} {seconds:7.2f} s   {headline}")
    return total


def time_linear_beside_peer(subject: Subject) -> None:
    """Our cross-validated fit, then scikit-learn's fits at each penalty that ours tried, started warm."""
    from sklearn.linear_model import LogisticRegression

    train = subject.train
    assert train.labels is not None
    features = Standardiser.fit(torch.from_numpy(train.vectors))(torch.from_numpy(train.vectors))
    started = time.perf_counter()
    ours = fit_tuned(features, torch.from_numpy(train.labels), 10, seed=SEED)
    own = time.perf_counter() - started
    fold, x, y = assign_folds(train.labels, None, 5, SEED), features.numpy(), train.labels
    started = time.perf_counter()
    accuracies: dict[float, float] = dict.fromkeys(ours.cross_validated, 0.0)
    for held in range(5):
        model: Any = LogisticRegression(max_iter=1000, warm_start=True)
        for c in ours.cross_validated:
            model.set_params(C=c).fit(x[fold != held], y[fold != held])
            accuracies[c] += float((model.predict(x[fold == held]) == y[fold == held]).sum()) / len(y)
    LogisticRegression(C=max(accuracies, key=lambda c: accuracies[c]), max_iter=1000).fit(x, y)
    peer = time.perf_counter() - started
    print(f"  linear, ours {own:.1f} s, scikit-learn {peer:.1f} s: {peer / own:.1f} times")
    for c, accuracy in accuracies.items():
        print(f"    C={c:<8g} cross-validated {ours.cross_validated[c]:.4f}, scikit-learn {accuracy:.4f}")


def search_a_million() -> None:
    """Exact neighbours in a gallery on disk; the peak is that of the whole process."""
    generator = np.random.default_rng(SEED)
    with tempfile.TemporaryDirectory() as folder:
        gallery = np.lib.format.open_memmap(
            Path(folder, "gallery.npy"), mode="w+", dtype=np.float32, shape=(GALLERY, DIMS)
        )
        for start in range(0, GALLERY, 50_000):
            gallery[start : start + 50_000] = generator.standard_normal((50_000, DIMS), np.float32)
        gallery.flush()
        queries = np.array(gallery[:QUERIES])
        started = time.perf_counter()
        found = nearest(queries, gallery, 200)
        seconds = time.perf_counter() - started
    assert (found.row[:, 0].numpy() == np.arange(QUERIES)).all()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"  200 of {GALLERY:,} x {DIMS} for {QUERIES:,} queries: {seconds:.1f} s, peak {peak:.2f} GiB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peer", action="store_true", help="time scikit-learn's linear probe as well")
    parser.add_argument("--million", action="store_true", help="search a gallery of a million instead")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    if options.million:
        search_a_million()
        return
    root = Path(__file__).resolve().parents[1]
    folder = Path(os.environ.get("VICREG_DATA", root.parent / "shared" / "data"), "cifar10")
    if not folder.is_dir():
        sys.exit(f"skipped: no folder {folder}; VICREG_DATA names the folder of the labelled data")
    subject = make_subject(folder)
    print(f"{SAMPLES:,} / {SAMPLES:,} x {DIMS}, {options.threads} threads, torch {torch.__version__}")
    print(f"  together           {time_protocols(subject):7.2f} s")
    if options.peer:
        time_linear_beside_peer(subject)


if __name__ == "__main__":
    main()
