"""Views a second: vision/standard beside torchvision v2 (per sample) and kornia (batched).

Each pipeline makes two views of every image with the same operations and probabilities (preset ``small`` at
32 pixels, ``paper`` at 96 and 224). ``prepare`` is the part of photographs that runs in a loader worker: the
random resized crop of one image. Rounds are interleaved and the best of each is shown, so that a
disturbance of the machine does not favour anybody.

Run: ``python benchmarks/augment.py`` (``--seconds 2 --sizes 32,96,224 --threads 2``).
"""

from __future__ import annotations

import argparse
import time
from collections import deque
from collections.abc import Callable
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from vicreg_core.contracts import DataInfo
from vicreg_core.contracts.keys import Keys
from vicreg_vision.augmentations.build import build_standard
from vicreg_vision.augmentations.config import StandardAugmentationConfig
from vicreg_vision.augmentations.standard import StandardAugmentation

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
PHOTOGRAPH = (375, 500)
LEAST_ROUNDS = 3
Pipelines: TypeAlias = dict[str, tuple[Callable[[], object], int]]
"""By name: what to run, and how many images it makes two views of."""
BATCH = {32: 256, 96: 128, 224: 32}


def build_ours(size: int, *, uniform: bool) -> StandardAugmentation:
    height, width = (size, size) if uniform else (None, None)
    facts = {"kind": "image", "channels": 3, "height": height, "width": width, "uniform": uniform}
    facts |= {"dtype": "uint8", "mean": MEAN, "std": STD}
    preset = "small" if size <= 32 else "paper"
    return build_standard(StandardAugmentationConfig(preset=preset, size=size), DataInfo(facts=facts))


def build_torchvision(ours: StandardAugmentation) -> nn.Module:
    from torchvision.transforms import v2

    s = ours.settings
    jitter = v2.ColorJitter(s.brightness, s.contrast, s.saturation, s.hue)
    steps = [
        v2.RandomResizedCrop(s.size, s.crop_scale, s.crop_ratio, antialias=True),
        v2.RandomHorizontalFlip(s.flip),
        v2.RandomApply([jitter], s.jitter_probability),
        v2.RandomGrayscale(s.grayscale),
    ]
    if s.blur[0] > 0:
        steps.append(v2.RandomApply([v2.GaussianBlur(s.blur_kernel, s.blur_sigma)], s.blur[0]))
    steps += [
        v2.RandomSolarize(128, s.solarise[0]),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(MEAN, STD),
    ]
    return v2.Compose(steps)


def build_kornia(ours: StandardAugmentation) -> nn.Module:
    import kornia.augmentation as K  # noqa: N812

    s = ours.settings
    steps = [
        K.RandomResizedCrop((s.size, s.size), s.crop_scale, s.crop_ratio),
        K.RandomHorizontalFlip(p=s.flip),
        K.ColorJitter(s.brightness, s.contrast, s.saturation, s.hue, p=s.jitter_probability),
        K.RandomGrayscale(p=s.grayscale),
    ]
    if s.blur[0] > 0:
        steps.append(K.RandomGaussianBlur((s.blur_kernel,) * 2, s.blur_sigma, p=s.blur[0]))
    steps += [K.RandomSolarize(0.0, 0.0, p=s.solarise[0]), K.Normalize(torch.tensor(MEAN), torch.tensor(STD))]
    return nn.Sequential(*steps)


def two_views(size: int, workers: int) -> Pipelines:
    """Pipelines that make two views of a batch of images of one size, and how many images each works on."""
    batch = torch.randint(0, 256, (BATCH[size], 3, size, size), dtype=torch.uint8)
    ours = build_ours(size, uniform=True)
    torchvision, kornia = build_torchvision(ours), build_kornia(ours)
    few = batch[: len(batch) // 16]
    ids = torch.arange(len(batch))

    def run_ours() -> None:
        for view in (0, 1):
            ours(batch, Keys.of(0, 0, ids, view))

    def run_torchvision() -> None:
        for _ in range(2):
            torch.stack([torchvision(image) for image in few])

    def run_kornia() -> None:
        for _ in range(2):
            kornia(batch.to(torch.float32) / 255)

    pipelines: Pipelines = {
        "ours": (run_ours, len(batch)),
        "torchvision v2": (run_torchvision, len(few)),
        "kornia": (run_kornia, len(batch)),
    }
    if workers:
        loader = DataLoader(
            _TwoViews(batch, torchvision), len(batch) // 8, num_workers=workers, persistent_workers=True
        )
        pipelines[f"v2, {workers} workers"] = (lambda: deque(loader, maxlen=0), len(batch))
    return pipelines


class _TwoViews(Dataset[Tensor]):
    """Two torchvision views of each image, made one by one in a loader's worker."""

    def __init__(self, images: Tensor, transform: nn.Module) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> Tensor:
        return torch.stack([self.transform(self.images[index]) for _ in range(2)])


def worker_crops(size: int) -> Pipelines:
    """The worker's part for photographs: two random resized, possibly mirrored crops of one image."""
    from torchvision.transforms import v2

    # Channels last in memory, as decoders write it.
    photograph = torch.randint(0, 256, (*PHOTOGRAPH, 3), dtype=torch.uint8).permute(2, 0, 1)
    ours = build_ours(size, uniform=False)
    s = ours.settings
    crop = v2.Compose(
        [
            v2.RandomResizedCrop(s.size, s.crop_scale, s.crop_ratio, antialias=True),
            v2.RandomHorizontalFlip(s.flip),
        ]
    )
    keys = [Keys.of(0, 0, torch.arange(8), view) for view in (0, 1)]

    def run_ours() -> None:
        for key in keys:
            for row in range(8):
                ours.prepare(photograph, key[row])

    def run_torchvision() -> None:
        crops: list[Tensor] = [crop(photograph) for _ in range(16)]
        del crops

    return {"ours": (run_ours, 8), "torchvision v2": (run_torchvision, 8)}


def fastest(pipelines: Pipelines, seconds: float, clock: Callable[[], float]) -> dict[str, float]:
    """Images a second of each pipeline: its best round among interleaved ones."""
    best = dict.fromkeys(pipelines, 0.0)
    for run, _ in pipelines.values():
        run()
    rounds, deadline = 0, time.perf_counter() + seconds * len(pipelines)
    while rounds < LEAST_ROUNDS or time.perf_counter() < deadline:
        rounds += 1
        for name, (run, images) in pipelines.items():
            start = clock()
            run()
            best[name] = max(best[name], images / (clock() - start))
    return best


def show(title: str, rates: dict[str, float]) -> None:
    for name, rate in rates.items():
        ratio = "" if name == "ours" else f"{rates['ours'] / rate:8.1f}x"
        print(f"{title:<24}{name:<18}{rate:>12,.0f}{ratio:>12}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=4.0, help="of measurement for each pipeline")
    parser.add_argument("--sizes", default="32,96,224")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--processor-time", action="store_true", help="count it instead of wall time, on one thread"
    )
    arguments = parser.parse_args()
    clock = time.process_time if arguments.processor_time else time.perf_counter
    threads = 1 if arguments.processor_time else arguments.threads
    workers = 0 if arguments.processor_time else arguments.threads
    torch.set_num_threads(threads)
    print(f"two views of each image, {threads} thread(s)")
    print(f"{'':<24}{'pipeline':<18}{'images/s':>12}{'ours is':>12}")
    for size in map(int, arguments.sizes.split(",")):
        show(f"{size} px, batched", fastest(two_views(size, workers), arguments.seconds, clock))
        if size >= 224:
            show(f"{size} px, prepare", fastest(worker_crops(size), arguments.seconds, clock))


if __name__ == "__main__":
    main()
