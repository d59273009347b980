from __future__ import annotations

from pathlib import Path

import pytest

from vicreg_core.errors import DataError
from vicreg_text.datasets import huggingface
from vicreg_text.datasets.config import HuggingFaceConfig
from vicreg_text.tokens.config import TokenizerConfig

SMALL = TokenizerConfig(vocab_size=400)


def test_hugging_face_from_disk(tmp_path: Path) -> None:
    import datasets

    features = datasets.Features(
        {"text": datasets.Value("string"), "y": datasets.ClassLabel(names=["ant", "bee"])}
    )
    rows = {"text": [f"words of row {i}" for i in range(9)], "y": [i % 2 for i in range(9)]}
    saved = datasets.DatasetDict({"train": datasets.Dataset.from_dict(rows, features=features)})
    saved.save_to_disk(str(tmp_path / "saved"))
    config = HuggingFaceConfig(path=str(tmp_path / "saved"), text="text", label="y", tokenizer=SMALL)  # type: ignore[arg-type]
    data = huggingface.build(config, "train")
    assert data is not None
    assert data.classes == ("ant", "bee")
    assert len(data) == 9
    with pytest.raises(DataError, match="no split 'dev'; it has train"):
        huggingface.build(config.model_copy(update={"train": "dev"}), "train")


def test_a_script_of_a_dataset_is_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked a question"))
    trace = tmp_path / "was-run"
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "own.py").write_text(f"open({str(trace)!r}, 'w').close()")
    config = HuggingFaceConfig(path=str(tmp_path / "own"), text="text", tokenizer=SMALL)  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"data\.path: .* cannot be opened"):
        huggingface.build(config, "train")
    assert not trace.exists()


def test_a_damaged_saved_dataset_is_named(tmp_path: Path) -> None:
    import datasets

    datasets.Dataset.from_dict({"text": ["a b", "c d"]}).save_to_disk(str(tmp_path / "saved"))
    config = HuggingFaceConfig(path=str(tmp_path / "saved"), text="text", tokenizer=SMALL)  # type: ignore[arg-type]
    for path in sorted((tmp_path / "saved").iterdir()):
        whole = path.read_bytes()
        for damaged in (b"", b"[]", whole[: len(whole) // 2]):
            path.write_bytes(damaged)
            with pytest.raises(DataError, match="cannot be opened"):
                huggingface.build(config, "train")
        path.write_bytes(whole)
