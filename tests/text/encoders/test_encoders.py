from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from vicreg_core.contracts import DataInfo, Encoder
from vicreg_core.errors import DataError
from vicreg_text.datasets.adapter import TextDataset
from vicreg_text.encoders import bag, transformer, windows
from vicreg_text.encoders.config import BagConfig, TransformerConfig
from vicreg_text.tokens.statistics import count_matrix

SMALL = TransformerConfig(dim=32, depth=2, heads=2, window=16)
INFO = DataInfo(facts={"kind": "text", "vocab_size": 50, "token_vectors": 0})


def encoders() -> list[Encoder]:
    torch.manual_seed(0)
    return [
        bag.build(BagConfig(dim=24, init="random"), INFO),
        bag.build(BagConfig(dim=24, init="random", normalize=False), INFO),
        transformer.build(SMALL, INFO),
    ]


def view(lengths: list[int], width: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(2, 50, (len(lengths), width), generator=generator)
    mask = torch.arange(width) < torch.tensor(lengths)[:, None]
    return {"ids": ids.masked_fill(~mask, 0), "mask": mask}


@pytest.mark.parametrize("encoder", encoders(), ids=["bag", "raw-bag", "transformer"])
def test_padding_changes_nothing(encoder: Encoder) -> None:
    encoder.eval()
    batch = view([3, 40, 16, 17, 1], 40)
    out = encoder(batch)
    assert out.shape == (5, encoder.embedding_dim)
    wider = {
        "ids": torch.nn.functional.pad(batch["ids"], (0, 23), value=7),
        "mask": torch.nn.functional.pad(batch["mask"], (0, 23)),
    }
    assert torch.allclose(encoder(wider), out, atol=1e-5)
    for row, length in enumerate((3, 40, 16, 17, 1)):
        alone = {name: tensor[row : row + 1, :length] for name, tensor in batch.items()}
        assert torch.allclose(encoder(alone)[0], out[row], atol=1e-5)


@pytest.mark.parametrize("encoder", encoders(), ids=["bag", "raw-bag", "transformer"])
def test_an_empty_document_is_finite_and_harmless(encoder: Encoder) -> None:
    encoder.eval()
    batch = view([4, 0, 20], 20)
    out = encoder(batch)
    assert torch.equal(out[1], torch.zeros(encoder.embedding_dim))
    out.square().sum().backward()
    assert all(p.grad is None or p.grad.isfinite().all() for p in encoder.parameters())
    kept = {name: tensor[[0, 2]] for name, tensor in batch.items()}
    assert torch.allclose(encoder(kept), out[[0, 2]], atol=1e-6)


@pytest.mark.parametrize("encoder", encoders(), ids=["bag", "raw-bag", "transformer"])
def test_every_weight_is_trained(encoder: Encoder) -> None:
    encoder.train()
    encoder(view([20] * 64, 20)).square().sum(1).log().sum().backward()
    flat = [name for name, p in encoder.named_parameters() if p.grad is None]
    assert flat == []


def test_a_window_reads_its_own_tokens_only() -> None:
    encoder = transformer.build(SMALL, INFO).eval()
    batch = view([32], 32)
    both = encoder(batch)[0]
    halves = [encoder({k: v[:, s] for k, v in batch.items()})[0] for s in (slice(0, 16), slice(16, 32))]
    assert torch.allclose(both, (halves[0] + halves[1]) / 2, atol=1e-5)


def test_a_transformer_knows_the_order_of_tokens_and_a_bag_does_not() -> None:
    batch = view([10], 10)
    turned = {name: tensor.flip(1) for name, tensor in batch.items()}
    bag_encoder, _, attention = encoders()
    assert torch.allclose(bag_encoder(batch), bag_encoder(turned), atol=1e-5)
    attention.eval()
    assert not torch.allclose(attention(batch), attention(turned), atol=1e-3)


def test_rotary_attention_hangs_on_distance_alone() -> None:
    torch.manual_seed(0)
    query, key = torch.randn(1, 8), torch.randn(1, 8)
    cos, sin = transformer.rotary(20, 8, torch.device("cpu"))

    def score(i: int, j: int) -> Tensor:
        turned = transformer.rotate(query, cos[i], sin[i]), transformer.rotate(key, cos[j], sin[j])
        return (turned[0] * turned[1]).sum()

    assert torch.allclose(score(3, 7), score(13, 17), atol=1e-5)
    assert not torch.allclose(score(3, 7), score(3, 8), atol=1e-3)


def test_bag_starts_as_latent_semantic_analysis(corpus: TextDataset) -> None:
    """Without sublinear counts, the untrained bag is TF-IDF times the singular vectors, up to its norm."""
    encoder = bag.build(BagConfig(dim=16), corpus.info)
    lengths, flat = corpus.tokens.gather(np.arange(len(corpus)))
    width = int(lengths.max())
    ids = torch.zeros(len(lengths), width, dtype=torch.long)
    mask = torch.arange(width) < torch.from_numpy(lengths)[:, None]
    ids[mask] = torch.from_numpy(flat).long()
    matrix = count_matrix(corpus.tokens, slice(0, len(corpus)), encoder.table.shape[0])
    counts = torch.from_numpy(matrix.toarray())
    expected = (counts * encoder.log_weight.exp()) @ encoder.table
    similarity = torch.cosine_similarity(encoder({"ids": ids, "mask": mask}), expected)
    assert torch.allclose(similarity, torch.ones(len(lengths)), atol=1e-5)


def test_a_start_from_the_corpus_needs_its_vectors(
    jsonl: Path, open_table: Callable[..., TextDataset], corpus: TextDataset
) -> None:
    with pytest.raises(DataError, match=r"set data\.token_vectors=24, or encoder\.init=random"):
        bag.build(BagConfig(dim=24), corpus.info)
    encoder = transformer.build(SMALL.model_copy(update={"dim": 16, "init": "corpus"}), corpus.info)
    assert encoder.table.weight.square().mean().sqrt().item() == pytest.approx(1, abs=0.01)
    saved = DataInfo(corpus.info.facts, {"tokenizer.json": corpus.info.assets["tokenizer.json"]})
    trained = bag.build(BagConfig(dim=16), corpus.info)
    rebuilt = bag.build(BagConfig(dim=16).model_copy(update=dict(trained.rebuild_options)), saved)
    rebuilt.load_state_dict(trained.state_dict())
    assert torch.equal(rebuilt.table, trained.table)


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ValueError, match="multiple of 2"):
        TransformerConfig(dim=30, heads=4)


def test_buckets_of_like_length_change_no_vector_and_spare_the_padding() -> None:
    lengths = [1 + (i * 37) % 60 for i in range(70)]
    ids, mask = view(lengths, 60).values()
    sizes: list[int] = []

    def compute(ids: Tensor, mask: Tensor) -> Tensor:
        sizes.append(ids.numel())
        return (ids * mask).cumsum(1)[:, -1:].float()

    got = windows.in_buckets(ids, mask, compute)
    assert torch.equal(got, (ids * mask).sum(1, keepdim=True).float())
    assert len(sizes) == 4
    assert sum(sizes) < 0.7 * ids.numel()
    few = windows.in_buckets(ids[:20], mask[:20], compute)
    assert torch.equal(few, got[:20])
    assert sizes[4:] == [20 * 60]
