"""A ``text/hf`` encoder as the folder ``AutoModel`` and ``AutoTokenizer`` open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vicreg_core.errors import RunError
from vicreg_core.files import atomic_path
from vicreg_core.pretrained import PretrainedEncoder
from vicreg_text.encoders.huggingface import HuggingFaceEncoder
from vicreg_text.tokens.tokenizer import FILE, Vocabulary, parse_tokenizer


def export_transformers(model: PretrainedEncoder, folder: str | Path) -> None:
    """Write weights, configuration and tokenizer of a ``text/hf`` encoder.

    Its hidden states are those of the encoder; the pooling over tokens is the reader's.

    Args:
        model: from ``vicreg_core.load``.
        folder: replaced if it is there.

    Raises:
        RunError: for another encoder, or when the disk refuses.
    """
    with atomic_path(Path(folder)) as temporary:
        temporary.mkdir()
        write_transformers(model, temporary)


def write_transformers(model: PretrainedEncoder, folder: Path) -> None:
    """The files of :func:`export_transformers`, into a folder that is there."""
    encoder = model.encoder
    if not isinstance(encoder, HuggingFaceEncoder):
        raise RunError(
            f"a transformers folder holds an encoder text/hf; this model is a {model.manifest.encoder.name}"
        )
    encoder.merged().save_pretrained(folder)
    _tokenizer(model, encoder.window).save_pretrained(folder)


def _tokenizer(model: PretrainedEncoder, window: int) -> Any:
    from transformers import PreTrainedTokenizerFast

    backend = parse_tokenizer(model.info.assets[FILE])
    vocabulary = Vocabulary.of_facts(model.info.facts)
    pad, mask = backend.id_to_token(vocabulary.pad_id), backend.id_to_token(vocabulary.mask_id)
    build: Any = PreTrainedTokenizerFast
    return build(
        tokenizer_object=backend,
        pad_token=pad,
        mask_token=mask,
        model_max_length=window,
        model_input_names=["input_ids", "attention_mask"],
    )
