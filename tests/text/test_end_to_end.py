"""From recipe to vectors, home in other libraries, and back after a stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from vicreg_core.errors import RunError
from vicreg_core.pretrained import PretrainedEncoder, load
from vicreg_core.recipes.load import load_recipe
from vicreg_core.runs.directory import RunDirectory
from vicreg_core.training.session import train_run
from vicreg_text.export import export_sentence_transformers, export_transformers

TEXTS = ["A heron waits by the river.", "zinc", "", "copper and tin, number 7. " * 40]
SMALL = ["data.tokenizer.vocab_size=400", "train.batch_size=16", "projector.dims=[32,32]", "train.device=cpu"]


def train(folder: Path, corpus: Path, *overrides: str, recipe: str = "text/documents") -> PretrainedEncoder:
    given = [f"data.train={corpus}", "data.text=text", *SMALL, *overrides]
    train_run(load_recipe(recipe, given), RunDirectory(folder), resume=False, overwrite=False)
    return load(folder)


@pytest.fixture
def bag(tmp_path: Path, jsonl: Path) -> PretrainedEncoder:
    return train(tmp_path / "run", jsonl, "data.token_vectors=16", "encoder.dim=16", "train.epochs=2")


def test_encode_strings(bag: PretrainedEncoder) -> None:
    vectors = bag.encode(TEXTS, device="cpu")
    assert vectors.shape == (4, 16)
    assert np.isfinite(vectors).all()
    assert np.allclose(vectors[2], 0)
    alone = np.concatenate([bag.encode([text], device="cpu") for text in TEXTS])
    assert np.allclose(vectors, alone, atol=1e-5)
    assert not any(name.startswith("init/") for name in bag.info.assets)


def test_sentence_transformers_reads_a_bag(bag: PretrainedEncoder, tmp_path: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    export_sentence_transformers(bag, tmp_path / "st")
    theirs = library.SentenceTransformer(str(tmp_path / "st"), device="cpu").encode(TEXTS)
    assert np.allclose(theirs, bag.encode(TEXTS, device="cpu"), atol=1e-5)


def test_long_documents_are_cut_alike(tmp_path: Path, jsonl: Path) -> None:
    library = pytest.importorskip("sentence_transformers")
    short = ("data.token_vectors=16", "encoder.dim=16", "train.epochs=1", "augmentation.evaluation_tokens=5")
    model = train(tmp_path / "run", jsonl, *short)
    export_sentence_transformers(model, tmp_path / "st")
    theirs = library.SentenceTransformer(str(tmp_path / "st"), device="cpu").encode(TEXTS)
    assert np.allclose(theirs, model.encode(TEXTS, device="cpu"), atol=1e-5)


def test_the_library_has_no_module_for_some(tmp_path: Path, jsonl: Path) -> None:
    raw = ("data.token_vectors=16", "encoder.dim=16", "train.epochs=1", "encoder.normalize=false")
    model = train(tmp_path / "run", jsonl, *raw)
    with pytest.raises(RunError, match="normalize: true"):
        export_sentence_transformers(model, tmp_path / "st")
    assert not (tmp_path / "st").exists()
    with pytest.raises(RunError, match="holds an encoder text/hf"):
        export_transformers(model, tmp_path / "hf")


def test_words_pairs_and_n_grams_all_the_way(tmp_path: Path, jsonl: Path) -> None:
    grams = ("data.token_vectors=16", "encoder.dim=16", "train.epochs=1", "data.tokenizer.kind=grams")
    model = train(tmp_path / "run", jsonl, *grams)
    vectors = model.encode(TEXTS, device="cpu")
    assert np.isfinite(vectors).all()
    # A word that no document holds is read by its character n-grams.
    known, unknown = model.encode(["the heron waits", "theherons waiting"], device="cpu")
    assert known @ unknown > 0
    assert np.allclose(load(tmp_path / "run").encode(TEXTS, device="cpu"), vectors)
    with pytest.raises(RunError, match="train with kind: bpe"):
        export_sentence_transformers(model, tmp_path / "st")


@pytest.mark.slow
@pytest.mark.parametrize("pooling", ["mean", "first"])
def test_a_pretrained_encoder_goes_home(bert: Path, tmp_path: Path, jsonl: Path, pooling: str) -> None:
    library = pytest.importorskip("sentence_transformers")
    import torch
    from transformers import AutoModel, AutoTokenizer

    options = ["encoder.name=text/hf", f"encoder.model={bert}", f"encoder.pooling={pooling}"]
    recipe = tmp_path / "adapt.yaml"
    recipe.write_text(
        "data: {name: text/table, text: text, train: x}\naugmentation: {name: text/spans}\n"
        f"encoder: {{name: text/hf, model: {bert}}}\n"
        "optimizer: {name: adamw, lr: 1e-3}\ntrain: {epochs: 1}\n"
    )
    given = [f"data.tokenizer.pretrained={bert}", *options]
    model = train(tmp_path / "run", jsonl, *given, recipe=str(recipe))
    texts = ["heron is seen number 5 .", "zinc"]
    ours = model.encode(texts, device="cpu")
    export_sentence_transformers(model, tmp_path / "st")
    theirs = library.SentenceTransformer(str(tmp_path / "st"), device="cpu").encode(texts)
    assert np.allclose(theirs, ours, atol=1e-5)
    export_transformers(model, tmp_path / "hf")
    tokenizer, network = (
        AutoTokenizer.from_pretrained(tmp_path / "hf"),
        AutoModel.from_pretrained(tmp_path / "hf"),
    )
    with torch.no_grad():
        states = network.eval()(**tokenizer([texts[0]], return_tensors="pt")).last_hidden_state[0]
    expected = states.mean(0) if pooling == "mean" else states[0]
    assert np.allclose(expected.numpy(), ours[0], atol=1e-5)


@pytest.mark.slow
@pytest.mark.parametrize("view", ["spans", "whole", "adjacent", "positives"])
def test_a_transformer_trains_on_every_kind_of_view(tmp_path: Path, jsonl: Path, view: str) -> None:
    recipe = tmp_path / "small.yaml"
    recipe.write_text(
        "data: {name: text/table, text: text, train: x, positives: author}\n"
        f"augmentation: {{name: text/{view}}}\n"
        "encoder: {name: text/transformer, dim: 16, depth: 1, heads: 2, window: 32}\n"
        "optimizer: {name: adamw, lr: 1e-3}\ntrain: {epochs: 2}\n"
    )
    model = train(tmp_path / "run", jsonl, recipe=str(recipe))
    assert np.isfinite(model.encode(TEXTS, device="cpu")).all()
