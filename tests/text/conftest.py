from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import TableConfig, TokenizerConfig
from vicreg_text.datasets.table import build

ANIMALS = ["heron", "otter", "lynx", "viper", "moth"]
METALS = ["copper", "zinc", "nickel", "cobalt", "tin"]

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "[MASK]",
    "heron",
    "otter",
    "lynx",
    "viper",
    "moth",
    "copper",
    "zinc",
    "nickel",
    "cobalt",
    "tin",
    "is",
    "seen",
    "number",
    ".",
]


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VICREG_CACHE", str(tmp_path_factory.mktemp("cache")))


def sentences(n: int) -> list[dict[str, str]]:
    """Documents of two topics, none like another, of 4 to 23 words."""
    rows = []
    for i in range(n):
        topic = ("animal", "metal")[i % 2]
        words = (ANIMALS, METALS)[i % 2]
        text = " ".join(
            f"{words[(i + j * (1 + i % 3)) % 5]} {'is seen' if j % 2 else f'number {i}.'}"
            for j in range(2 + i % 10)
        )
        rows.append({"text": text, "topic": topic, "author": f"a{i // 3}", "name": f"doc-{i}"})
    return rows


@pytest.fixture
def jsonl(tmp_path: Path) -> Path:
    path = tmp_path / "corpus.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in sentences(60)), encoding="utf-8")
    return path


@pytest.fixture
def open_table() -> Callable[..., TextDataset]:
    """Opens a small table; keyword arguments are recipe keys."""

    def open_(path: Path | str, split: str = "train", **keys: object) -> TextDataset:
        defaults: dict[str, object] = {"text": "text", "tokenizer": TokenizerConfig(vocab_size=400)}
        data = build(TableConfig(train=str(path), **{**defaults, **keys}), split)  # type: ignore[arg-type]
        assert data is not None
        return data

    return open_


@pytest.fixture
def corpus(jsonl: Path, open_table: Callable[..., TextDataset]) -> TextDataset:
    return open_table(jsonl, label="topic", positives="author", id="name", token_vectors=16)


@pytest.fixture(scope="session")
def bert(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny BERT with its tokenizer, as a local folder."""
    from tokenizers import BertWordPieceTokenizer
    from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("bert")
    known = {word: i for i, word in enumerate([*WORDS, *map(str, range(60))])}
    special = {f"{name}_token": f"[{name.upper()}]" for name in ("pad", "unk", "cls", "sep", "mask")}
    backend = BertWordPieceTokenizer(vocab=known)._tokenizer
    PreTrainedTokenizerFast(tokenizer_object=backend, **special).save_pretrained(folder)
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS) + 60,
        hidden_size=32,
        num_hidden_layers=3,
        num_attention_heads=2,
        intermediate_size=48,
        max_position_embeddings=24,
    )
    BertModel(config).save_pretrained(folder)
    return folder


def measured_data() -> Path:
    """The folder of labelled data, or a skip that says so."""
    root = Path(os.environ.get("VICREG_DATA", Path(__file__).parents[2] / "../shared/data"))
    if not root.is_dir():
        pytest.skip("needs the labelled data named by VICREG_DATA")
    return root
