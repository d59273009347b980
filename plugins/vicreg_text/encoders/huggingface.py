"""Pretrained encoders by way of transformers."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn

from vicreg_core.contracts import Batch, DataInfo, Encoder
from vicreg_core.errors import DataError
from vicreg_text.encoders.config import HuggingFaceEncoderConfig
from vicreg_text.encoders.tuning import choose_trained
from vicreg_text.encoders.windows import in_buckets, pooled_mean
from vicreg_text.hub import NO_CODE, opened

CONFIG_ASSET = "encoder/config.json"
_DROPOUTS = ("hidden_dropout_prob", "attention_probs_dropout_prob", "dropout", "attention_dropout")
_ROBERTA_LIKE = ("roberta", "camembert", "xlm-roberta", "mpnet", "longformer")


class HuggingFaceEncoder(Encoder):
    """Any ``AutoModel`` that gives hidden states, pooled over tokens.

    Args:
        model: the transformers model.
        pooling: ``"mean"`` of all tokens, or the ``"first"``.
    """

    def __init__(self, model: nn.Module, pooling: str = "mean") -> None:
        super().__init__()
        self.model, self.pooling = model, pooling
        config: Any = model.config
        self.embedding_dim = int(config.hidden_size)
        self.window = _reach(config)

    @property
    def assets(self) -> Mapping[str, bytes]:
        """The model's own configuration, from which a saved encoder is rebuilt without its origin."""
        config: Any = self.model.config
        return {CONFIG_ASSET: config.to_json_string(use_diff=False).encode("utf-8")}

    def merged(self) -> Any:
        """The transformers model, with low-rank updates added into its weights."""
        model: Any = self.model
        return copy.deepcopy(model).merge_and_unload() if hasattr(model, "merge_and_unload") else model

    def forward(self, batch: Batch) -> Tensor:
        """``{"ids": (B, L) int64, "mask": (B, L) bool}`` to ``(B, embedding_dim)``."""
        assert isinstance(batch, dict)
        ids, mask = batch["ids"], batch["mask"]
        if self.pooling == "first":
            return in_buckets(
                ids[:, : self.window],
                mask[:, : self.window],
                lambda ids, mask: self._hidden_states(ids, mask)[:, 0],
            )
        return pooled_mean(ids, mask, self.window, self._hidden_states)

    def _hidden_states(self, ids: Tensor, mask: Tensor) -> Tensor:
        states: Tensor = self.model(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        return states


def _reach(config: Any) -> int:
    """Tokens the model can read at once; RoBERTa's kind loses two positions to its padding offset."""
    reach = int(getattr(config, "max_position_embeddings", 512) or 512)
    return reach - 2 if config.model_type in _ROBERTA_LIKE else reach


def build(config: HuggingFaceEncoderConfig, info: DataInfo) -> HuggingFaceEncoder:
    """The encoder ``text/hf``: pretrained weights, or, for a saved model, its architecture alone.

    Raises:
        DataError: where the model cannot be opened or does not fit the dataset's tokenizer.
    """
    saved = info.assets.get(CONFIG_ASSET)
    model = _pretrained(config) if saved is None else _from_config(json.loads(saved))
    known, needed = int(model.config.vocab_size), int(info.facts["vocab_size"])
    if info.facts.get("tokenizer") is None or needed > known:
        raise DataError(
            f"encoder.model={config.model!r} needs the tokenizer it was trained with; the dataset brings "
            f"another ({needed:,} tokens, the model knows {known:,}): set data.tokenizer.pretrained to it"
        )
    model = choose_trained(model, config)
    return HuggingFaceEncoder(model, config.pooling)


def _pretrained(config: HuggingFaceEncoderConfig) -> Any:
    from transformers import AutoConfig, AutoModel

    def open_() -> Any:
        settings = AutoConfig.from_pretrained(config.model, revision=config.revision, **NO_CODE)
        _set_dropout(settings, config.dropout)
        return AutoModel.from_pretrained(config.model, revision=config.revision, config=settings, **NO_CODE)

    return opened(f"encoder.model={config.model!r}", open_)


def _from_config(values: dict[str, Any]) -> Any:
    from transformers import AutoConfig, AutoModel

    build_model: Any = AutoModel.from_config
    return opened(
        f"the architecture of the saved model, {values.get('model_type')!r},",
        lambda: build_model(AutoConfig.for_model(**values), **NO_CODE),
    )


def _set_dropout(settings: Any, dropout: float | None) -> None:
    if dropout is None:
        return
    names = [name for name in _DROPOUTS if hasattr(settings, name)]
    if not names:
        raise DataError(f"encoder.dropout: {settings.model_type} has no dropout to set; leave it out")
    for name in names:
        setattr(settings, name, dropout)
