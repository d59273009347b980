"""A trained encoder as the folder ``SentenceTransformer(path)`` opens, with the same vectors."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path
from vicreg_core.pretrained import PretrainedEncoder
from vicreg_text.augmentations.base import TextAugmentation
from vicreg_text.encoders.bag import BagEncoder
from vicreg_text.encoders.huggingface import HuggingFaceEncoder
from vicreg_text.export.transformers import write_transformers
from vicreg_text.tokens.grams import GramTokenizer
from vicreg_text.tokens.tokenizer import FILE, parse_tokenizer

_MODULES = "sentence_transformers.models"
"""Where every version of the library finds its modules, newer ones by an alias."""


def export_sentence_transformers(model: PretrainedEncoder, folder: str | Path) -> None:
    """Write the encoder as modules of sentence-transformers, which need not be installed here.

    ``text/bag`` becomes a static embedding, which is as fast there as here; ``text/hf`` a transformer with
    pooling, which reads the first window of a document where this suite reads all of them.

    Args:
        model: from ``vicreg_core.load``.
        folder: replaced if it is there.

    Raises:
        RunError: for an encoder that the library has no modules for, or when the disk refuses.
    """
    encoder = model.encoder
    with atomic_path(Path(folder)) as temporary:
        temporary.mkdir()
        if isinstance(encoder, BagEncoder) and encoder.normalize:
            _write_static(model, encoder, temporary)
        elif isinstance(encoder, HuggingFaceEncoder):
            _write_transformer(model, encoder, temporary)
        else:
            raise RunError(
                "sentence-transformers has no modules for this encoder: it takes text/hf, and text/bag with "
                f"normalize: true; this model is a {model.manifest.encoder.name}"
            )
        settings = {"model_type": "SentenceTransformer", "similarity_fn_name": "cosine", "prompts": {}}
        _write_json(temporary / "config_sentence_transformers.json", settings)


def _write_static(model: PretrainedEncoder, encoder: BagEncoder, folder: Path) -> None:
    """A mean of weighted embeddings, normalised, times ``sqrt(dim)``: the bag's own formula."""
    tokenizer = parse_tokenizer(model.info.assets[FILE])
    if isinstance(tokenizer, GramTokenizer):
        raise RunError(
            "sentence-transformers reads other tokenizers than words, their pairs and n-grams, which this "
            "model has (data.tokenizer.kind: grams); train with kind: bpe for it, or use vicreg_core.load"
        )
    assert isinstance(model.augmentation, TextAugmentation)
    if (limit := model.augmentation.config.evaluation_tokens) is not None:
        tokenizer.enable_truncation(limit)
    static, normal, scale = folder, folder / "1_Normalize", folder / "2_Dense"
    normal.mkdir()
    scale.mkdir()
    tokenizer.save(str(static / "tokenizer.json"))
    weighted = (encoder.table * encoder.log_weight.exp()[:, None]).detach().cpu().contiguous()
    save_file({"embedding.weight": weighted}, static / "model.safetensors")
    dim = encoder.embedding_dim
    save_file({"linear.weight": torch.eye(dim) * math.sqrt(dim)}, scale / "model.safetensors")
    identity = "torch.nn.modules.linear.Identity"
    shape = {"in_features": dim, "out_features": dim, "bias": False, "activation_function": identity}
    _write_json(scale / "config.json", shape)
    _write_modules(folder, [("StaticEmbedding", ""), ("Normalize", normal.name), ("Dense", scale.name)])


def _write_transformer(model: PretrainedEncoder, encoder: HuggingFaceEncoder, folder: Path) -> None:
    write_transformers(model, folder)
    limits = {"max_seq_length": encoder.window, "do_lower_case": False}
    _write_json(folder / "sentence_bert_config.json", limits)
    pooling = folder / "1_Pooling"
    pooling.mkdir()
    modes = {
        "word_embedding_dimension": encoder.embedding_dim,
        "pooling_mode_cls_token": encoder.pooling == "first",
        "pooling_mode_mean_tokens": encoder.pooling == "mean",
        "pooling_mode_max_tokens": False,
        "pooling_mode_mean_sqrt_len_tokens": False,
    }
    _write_json(pooling / "config.json", modes)
    _write_modules(folder, [("Transformer", ""), ("Pooling", pooling.name)])


def _write_modules(folder: Path, modules: list[tuple[str, str]]) -> None:
    listed = [
        {"idx": number, "name": str(number), "path": path, "type": f"{_MODULES}.{kind}"}
        for number, (kind, path) in enumerate(modules)
    ]
    _write_json(folder / "modules.json", listed)


def _write_json(path: Path, value: Any) -> None:
    path.write_text(json.dumps(value, indent=2) + "\n", encoding="utf-8")
