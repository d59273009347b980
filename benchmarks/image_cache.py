"""Two views of large photos: decoded anew, from ``data.cache=FOLDER``, and by torchvision's loader.

``python benchmarks/image_cache.py [--photos 48] [--megapixels 12] [--size 224] [--rounds 3]``

Photos are made in a temporary folder: smooth scenes with grain, JPEG of quality 90. One process, one thread
each, contenders in turn, the best of the rounds. The first epoch of the cache is its making and one epoch;
data are opened before the others are timed. torchvision's loader is ImageFolder with two RandomResizedCrop,
flip and ColorJitter a sample; ours makes crops as a loader worker does, and colours batched.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from vicreg_core.contracts.keys import hash_ids
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.sampler import Share, StepPlan
from vicreg_core.recipes.load import load_recipe
from vicreg_core.training.components import build_components


def make_photos(folder: Path, photos: int, megapixels: float) -> None:
    """Scenes of unlike size around ``megapixels``, in two classes."""
    from PIL import Image

    generator = np.random.default_rng(0)
    for number in range(photos):
        height = round((megapixels * 1e6 / generator.uniform(1.2, 1.6)) ** 0.5)
        width = round(megapixels * 1e6 / height)
        coarse = Image.fromarray(generator.integers(0, 256, (24, 32, 3), dtype=np.uint8))
        scene = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC), dtype=np.int16)
        grain = generator.integers(-12, 13, (height, width, 1), dtype=np.int16)
        path = folder / f"class-{number % 2}" / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(scene + grain, 0, 255).astype(np.uint8)).save(path, quality=90)


def ours(folder: Path, size: int, cache: str) -> Callable[[], None]:
    """Opens the data; the result is one epoch of two views a sample."""
    options = [f"data.path={folder}", f"data.cache={cache}", f"augmentation.size={size}", "data.holdout=0"]
    parts = build_components(load_recipe("vision/folder", [*options, "train.batch_size=16"]))
    plan = StepPlan(len(parts.data), 16, 0)
    share = Share(plan, hash_ids(parts.data.ids), 0, 1)
    loader = ViewLoader(parts.data, parts.augmentation, share, views=2, device=torch.device("cpu"), workers=0)

    def epoch() -> None:
        for _ in loader(0, plan.steps_per_epoch):
            pass

    return epoch


def torchvision_loader(folder: Path, size: int) -> Callable[[], None]:
    """The same by torchvision, as its documentation has it."""
    from torch.utils.data import DataLoader
    from torchvision import datasets, transforms

    view = transforms.Compose(
        [
            transforms.RandomResizedCrop(size, scale=(0.2, 1.0)),
            transforms.RandomHorizontalFlip(),
            transforms.RandomApply([transforms.ColorJitter(0.4, 0.4, 0.2, 0.1)], p=0.8),
            transforms.RandomGrayscale(0.2),
            transforms.ToTensor(),
        ]
    )
    data = datasets.ImageFolder(str(folder), transform=lambda image: (view(image), view(image)))

    def epoch() -> None:
        for _ in DataLoader(data, batch_size=16, shuffle=True):
            pass

    return epoch


def seconds_of(action: Callable[[], None]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=int, default=48)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder, cache = Path(temporary, "photos"), Path(temporary, "cache")
        make_photos(folder, options.photos, options.megapixels)
        anew = ours(folder, options.size, "none")
        theirs = torchvision_loader(folder, options.size)
        times: dict[str, list[float]] = {"first": [], "later": [], "decoded anew": [], "torchvision": []}
        for _ in range(options.rounds):
            shutil.rmtree(cache, ignore_errors=True)
            times["first"].append(seconds_of(lambda: ours(folder, options.size, str(cache))()))
            times["later"].append(seconds_of(ours(folder, options.size, str(cache))))
            times["decoded anew"].append(seconds_of(anew))
            times["torchvision"].append(seconds_of(theirs))
    best = {name: min(each) for name, each in times.items()}
    print(f"{options.photos} photos of {options.megapixels:g} megapixels, two views of {options.size} px")
    for name, seconds in best.items():
        print(f"{name:14}{options.photos / seconds:8.1f} photos/s")
    print(f"a later epoch is {best['decoded anew'] / best['later']:.1f} times as fast as decoding anew")
    print(f"the first epoch is {best['torchvision'] / best['first']:.1f} times as fast as torchvision's")
    print(f"a later epoch is {best['torchvision'] / best['later']:.1f} times as fast as torchvision's")


if __name__ == "__main__":
    main()
