from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vicreg_core.contracts import DataInfo
from vicreg_core.errors import DataError
from vicreg_text.augmentations import spans
from vicreg_text.augmentations.config import SpansConfig
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.datasets.config import TokenizerConfig
from vicreg_text.encoders import huggingface
from vicreg_text.encoders.config import HuggingFaceEncoderConfig

Open = Callable[..., TextDataset]


@pytest.fixture
def data(bert: Path, jsonl: Path, open_table: Open) -> TextDataset:
    return open_table(jsonl, tokenizer=TokenizerConfig(pretrained=str(bert)))


def build(bert: Path, data: TextDataset, **keys: Any) -> huggingface.HuggingFaceEncoder:
    return huggingface.build(HuggingFaceEncoderConfig(model=str(bert), **keys), data.info)


def encode(encoder: huggingface.HuggingFaceEncoder, data: TextDataset, rows: list[int]) -> torch.Tensor:
    augment = spans.build(SpansConfig(), data.info)
    with torch.no_grad():
        return encoder.eval()(augment(data.__getitems__(rows)))


def test_vectors_are_those_of_transformers(bert: Path, data: TextDataset) -> None:
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(bert), AutoModel.from_pretrained(bert).eval()
    text = next(iter(data.documents.texts()))
    batch = tokenizer([text], return_tensors="pt")
    assert batch["input_ids"][0, 0] == tokenizer.cls_token_id
    with torch.no_grad():
        states = model(**batch).last_hidden_state[0]
    assert torch.allclose(encode(build(bert, data), data, [0])[0], states.mean(0), atol=1e-5)
    assert torch.allclose(encode(build(bert, data, pooling="first"), data, [0])[0], states[0], atol=1e-5)


def test_documents_longer_than_the_model_are_read_in_windows(bert: Path, data: TextDataset) -> None:
    long = int(data.lengths.argmax())
    assert data.lengths[long] > 24
    assert encode(build(bert, data), data, [long, 0]).isfinite().all()


@pytest.mark.parametrize(
    ("keys", "trained"),
    [({}, {0, 1, 2, None}), ({"tune": "last", "last_layers": 1}, {2}), ({"tune": "lora"}, {0, 1, 2})],
)
def test_what_is_trained(
    bert: Path, data: TextDataset, keys: dict[str, Any], trained: set[int | None]
) -> None:
    from vicreg_text.encoders.tuning import _layer_of

    if keys.get("tune") == "lora":
        pytest.importorskip("peft")
    encoder = build(bert, data, **keys).train()
    encoder(spans.build(SpansConfig(), data.info)(data.__getitems__([0, 1]))).square().sum().backward()
    got = {name for name, p in encoder.named_parameters() if p.grad is not None}
    assert got == {name for name, p in encoder.named_parameters() if p.requires_grad}
    assert {_layer_of(name) for name in got} == trained
    assert all("lora" in name for name in got) or keys.get("tune") != "lora"


def test_a_saved_encoder_needs_its_origin_no_more(bert: Path, data: TextDataset) -> None:
    encoder = build(bert, data)
    info = DataInfo(data.info.facts, {**data.info.assets, **encoder.assets})
    rebuilt = huggingface.build(HuggingFaceEncoderConfig(model="gone"), info)
    rebuilt.load_state_dict(encoder.state_dict())
    assert torch.equal(encode(rebuilt, data, [0, 5]), encode(encoder, data, [0, 5]))


def test_dropout_is_set_where_asked(bert: Path, data: TextDataset) -> None:
    encoder = build(bert, data, dropout=0.3)
    config: Any = encoder.model.config
    assert config.hidden_dropout_prob == config.attention_probs_dropout_prob == 0.3


def test_the_tokenizer_must_be_the_models_own(bert: Path, jsonl: Path, open_table: Open) -> None:
    with pytest.raises(DataError, match=r"set data\.tokenizer\.pretrained"):
        build(bert, open_table(jsonl))


def test_what_cannot_be_opened_is_named(bert: Path, data: TextDataset, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be opened"):
        huggingface.build(HuggingFaceEncoderConfig(model=str(tmp_path)), data.info)
    (tmp_path / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(DataError, match="cannot be opened"):
        huggingface.build(HuggingFaceEncoderConfig(model=str(tmp_path)), data.info)
