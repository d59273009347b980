from __future__ import annotations

import json
import shutil
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


@pytest.fixture
def with_code(bert: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """A folder whose model is code of its own, and the file that the code would write."""
    folder, trace = tmp_path / "coded", tmp_path / "was-run"
    shutil.copytree(bert, folder)
    own = {"AutoConfig": "own.C", "AutoModel": "own.M", "AutoTokenizer": [None, "own.T"]}
    for name in ("config.json", "tokenizer_config.json"):
        values = json.loads((folder / name).read_text())
        if name == "config.json":
            values["model_type"] = "never-heard-of"
        (folder / name).write_text(json.dumps({**values, "auto_map": own, "tokenizer_class": "T"}))
    (folder / "own.py").write_text(f"open({str(trace)!r}, 'w').close()\nclass C: pass\nM = T = C\n")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked a question"))
    return folder, trace


def test_code_that_lies_in_a_folder_is_not_run(
    with_code: tuple[Path, Path], data: TextDataset, jsonl: Path, open_table: Open
) -> None:
    folder, trace = with_code
    with pytest.raises(DataError, match=r"encoder\.model=.* brings Python code of its own .* is never run"):
        build(folder, data)
    with pytest.raises(DataError, match=r"data\.tokenizer\.pretrained=.* code of its own .* is never run"):
        _ = open_table(jsonl, tokenizer=TokenizerConfig(pretrained=str(folder))).info
    saved = json.loads((folder / "config.json").read_text())
    info = DataInfo(
        data.info.facts, {**data.info.assets, huggingface.CONFIG_ASSET: json.dumps(saved).encode()}
    )
    with pytest.raises(DataError, match="saved model, 'never-heard-of', cannot be opened"):
        huggingface.build(HuggingFaceEncoderConfig(model=str(folder)), info)
    assert not trace.exists()


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"\xff" * 99])
def test_a_damaged_folder_is_named(
    bert: Path, data: TextDataset, jsonl: Path, tmp_path: Path, open_table: Open, name: str, content: bytes
) -> None:
    shutil.copytree(bert, tmp_path / "damaged")
    (tmp_path / "damaged" / name).write_bytes(content)

    def open_() -> object:
        if name == "tokenizer.json":
            return open_table(jsonl, tokenizer=TokenizerConfig(pretrained=str(tmp_path / "damaged"))).info
        return build(tmp_path / "damaged", data)

    with pytest.raises(DataError, match="cannot be opened"):
        open_()


def test_documents_of_which_no_token_is_known_are_named(
    bert: Path, tmp_path: Path, open_table: Open, data: TextDataset
) -> None:
    from vicreg_text.augmentations.config import WholeConfig
    from vicreg_text.augmentations.whole import build as whole

    texts = ["heron is seen", "☃ ☃", "otter number 5", "\u200b", "moth ☃"]
    path = tmp_path / "t.jsonl"
    path.write_text(
        "".join(json.dumps({"text": text, "name": f"n{i}"}) + "\n" for i, text in enumerate(texts))
    )
    odd = open_table(path, tokenizer=TokenizerConfig(pretrained=str(bert)), id="name")
    with pytest.warns(UserWarning, match=r"no token of 2 of 5 documents \(data\.id n1, n3\)"):
        assert len(odd.tokens.lengths) == 5
    with pytest.warns(UserWarning, match="knows no token of '☃'"):
        whole(WholeConfig(), data.info).ingest("☃")
