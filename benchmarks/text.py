"""Tokens a second of training a bag encoder, beside sentence-transformers training the same encoder.

``python benchmarks/text.py [--steps 60] [--rounds 3] [--dim 256]``

The work: two random spans of each of 256 documents a step (the embedded corpus of the standard library's
documentation strings), through a table of the same tokens and width, with AdamW. Here the objective is
VICReg behind a projector of two layers of 512; there it is the library's usual in-batch contrastive loss
without a projector, and its spans are cut beforehand, outside the clock. Rounds are interleaved, and the
best of each is shown, so that a disturbance of the machine does not favour anybody; the clock is processor
time, all threads together.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from typing import Any

import numpy as np
import torch
from torch import nn

from vicreg_core.contracts.keys import hash_ids
from vicreg_core.data.loader import ViewLoader
from vicreg_core.data.sampler import Share, StepPlan
from vicreg_core.models.joint_embedding import JointEmbedding
from vicreg_core.models.projector import build_projector
from vicreg_core.objectives.vicreg import VICRegLoss
from vicreg_text.augmentations import spans
from vicreg_text.augmentations.config import SpansConfig
from vicreg_text.datasets import stdlib_docs
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import StdlibDocsConfig, TokenizerConfig
from vicreg_text.encoders import bag
from vicreg_text.encoders.config import BagConfig
from vicreg_text.tokens.tokenizer import FILE, parse_tokenizer

BATCH, WARM = 256, 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dim", type=int, default=256)
    options = parser.parse_args()
    data = stdlib_docs.build(StdlibDocsConfig(tokenizer=TokenizerConfig(vocab_size=8192)), "train")
    assert data is not None
    best = {"vicreg": 0.0, "sentence-transformers": 0.0}
    for _ in range(options.rounds):
        best["vicreg"] = max(best["vicreg"], ours(data, options.dim, options.steps))
        theirs = sentence_transformers(data, options.dim, options.steps)
        best["sentence-transformers"] = max(best["sentence-transformers"], theirs)
    print(f"{torch.get_num_threads()} thread(s), batch {BATCH}, width {options.dim}")
    for name, rate in best.items():
        print(f"{name:24} {rate:12,.0f} tokens per second of processor time")
    print(f"ratio {best['vicreg'] / best['sentence-transformers']:.1f}")


def view_loader(data: TextDataset) -> ViewLoader:
    share = Share(StepPlan(len(data), BATCH, seed=0), hash_ids(data.ids))
    return ViewLoader(data, spans.build(SpansConfig(), data.info), share, views=2, device=torch.device("cpu"))


def ours(data: TextDataset, dim: int, steps: int) -> float:
    """Tokens a second, from the memory-mapped ids to the optimiser's step."""
    encoder = bag.build(BagConfig(dim=dim, init="random"), data.info)
    model = JointEmbedding(encoder, build_projector(dim, (512, 512)))
    loss, optimizer = VICRegLoss(), torch.optim.AdamW(model.parameters(), lr=1e-3)
    tokens, started = 0, 0.0
    for step, views in enumerate(view_loader(data)(0, WARM + steps)):
        if step == WARM:
            tokens, started = 0, time.process_time()
        tokens += sum(int(view["mask"].sum()) for view in views if isinstance(view, dict))
        loss(*model(views).embeddings).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return tokens / (time.process_time() - started)


def sentence_transformers(data: TextDataset, dim: int, steps: int) -> float:
    """Tokens a second of its trainer, from strings to the optimiser's step."""
    from datasets import Dataset
    from sentence_transformers import (
        SentenceTransformer,
        SentenceTransformerTrainer,
        SentenceTransformerTrainingArguments,
    )
    from sentence_transformers.losses import MultipleNegativesRankingLoss
    from sentence_transformers.models import StaticEmbedding
    from transformers import TrainerCallback

    class Clock(TrainerCallback):  # type: ignore[misc]
        started = stopped = 0.0

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if state.global_step == WARM:
                self.started = time.process_time()
            self.stopped = time.process_time()

    tokenizer = parse_tokenizer(data.info.assets[FILE])
    pairs, tokens = [], 0
    for step, views in enumerate(view_loader(data)(0, WARM + steps)):
        texts = [
            tokenizer.decode_batch(
                [ids[mask].tolist() for ids, mask in zip(v["ids"], v["mask"], strict=True)]
            )
            for v in views
            if isinstance(v, dict)
        ]
        pairs += [{"anchor": a, "positive": b} for a, b in zip(*texts, strict=True)]
        tokens += sum(int(v["mask"].sum()) for v in views if isinstance(v, dict)) if step >= WARM else 0
    weights = np.random.default_rng(0).standard_normal((data.info.facts["vocab_size"], dim), dtype=np.float32)
    static: nn.Module = StaticEmbedding(tokenizer, embedding_weights=weights)
    model = SentenceTransformer(modules=[static], device="cpu")
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        arguments = SentenceTransformerTrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=BATCH,
            max_steps=WARM + steps,
            learning_rate=1e-3,
            use_cpu=True,
            report_to=[],
            logging_strategy="no",
            save_strategy="no",
            disable_tqdm=True,
        )
        SentenceTransformerTrainer(
            model=model,
            args=arguments,
            train_dataset=Dataset.from_list(pairs),
            loss=MultipleNegativesRankingLoss(model),
            callbacks=[clock],
        ).train()
    return tokens / (clock.stopped - clock.started)


if __name__ == "__main__":
    main()
