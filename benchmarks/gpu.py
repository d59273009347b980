"""What the suite does on a GPU: correct, how fast, and how near the ceiling. One command, no network.

    python benchmarks/gpu.py                      every part
    python benchmarks/gpu.py --parts loss,views   some of them
    python benchmarks/gpu.py --small              a small form for a CPU, so that the script cannot rot

Needs the suite with its extra ``vision``; lightly is measured beside it where it is installed. CIFAR-10 is
read from ``VICREG_DATA`` (``cifar10/train.parquet``, ``test.parquet``), and the part ``minutes`` is left out
where it is not there. After each part its figures are printed and ``--out`` is written anew, so that a run
that is cut off still leaves figures. A part that fails is named, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from device import correctness, loss, minutes, neighbours, training, views
from device.scale import Figures, Scale

PARTS: dict[str, Callable[[Scale], Figures]] = {
    "correctness": correctness.measure,
    "loss": loss.measure,
    "views": views.measure,
    "training": training.measure,
    "neighbours": neighbours.measure,
    "minutes": minutes.measure,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure the suite on one GPU.")
    parser.add_argument("--parts", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--small", action="store_true", help="small sizes, for a CPU")
    parser.add_argument("--compile", action="store_true", help="train compiled, in the part training")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="of the recipe in minutes"
    )
    parser.add_argument("--out", type=Path, default=Path("gpu.json"))
    arguments = parser.parse_args()
    asked = arguments.parts.split(",")
    if unknown := set(asked) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    device = torch.device(arguments.device)
    scale = Scale(device, arguments.small, tuple(arguments.set), arguments.compile)
    report: dict[str, object] = {"device": scale.device_name, "torch": torch.__version__, "parts": {}}
    print(f"{scale.device_name}, torch {torch.__version__}", flush=True)
    failed = []
    for name in asked:
        started = time.perf_counter()
        try:
            figures = PARTS[name](scale)
        except Exception as error:
            traceback.print_exc()
            figures = [{"failed": f"{type(error).__name__}: {error}"}]
        failed += [name] if any("failed" in row for row in figures) else []
        seconds = round(time.perf_counter() - started, 1)
        report["parts"][name] = {"seconds": seconds, "figures": figures}  # type: ignore[index]
        arguments.out.write_text(json.dumps(report, indent=2) + "\n")
        print(f"\n{name}, {seconds:.0f} s")
        for row in figures:
            print("  " + "  ".join(f"{key} {shown(value)}" for key, value in row.items()), flush=True)
    sys.exit(f"failed: {', '.join(failed)}" if failed else 0)


def shown(value: object) -> str:
    return f"{value:,.4g}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
