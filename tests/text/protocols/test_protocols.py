from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from vicreg_core.evaluation.subjects.subject import Features, Subject
from vicreg_text.datasets import pairs
from vicreg_text.datasets.config import PairsConfig, TokenizerConfig
from vicreg_text.protocols import geometry, similarity


def subject(
    vectors: NDArray[np.float32], metadata: dict[str, list[object]], name: str = "random_encoder"
) -> Subject:
    features = Features(ids=np.arange(len(vectors)), vectors=vectors, metadata=metadata)
    return Subject(name=name, train=features, test=features, classes=())


def scored(scores: list[float | None]) -> dict[str, list[object]]:
    n = len(scores)
    return {
        "pair": [row // 2 for row in range(2 * n)],
        "score": [scores[row // 2] for row in range(2 * n)],
        "text": [f"words of sentence {row} and more" for row in range(2 * n)],
    }


def at_angles(angles: list[float]) -> NDArray[np.float32]:
    """Pairs of vectors at the given angles, of unlike lengths."""
    rows = [[(3.0, 0.0), (np.cos(a) / 2, np.sin(a) / 2)] for a in angles]
    return np.array(rows, dtype=np.float32).reshape(-1, 2)


def test_similarity_ranks_by_cosine() -> None:
    protocol = similarity.build(None)
    angles = [0.1, 0.4, 0.9, 1.3, 2.0, 2.9]
    falling = [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]
    assert protocol(subject(at_angles(angles), scored(list(falling))))["spearman"] == pytest.approx(1)
    assert protocol(subject(at_angles(angles), scored(falling[::-1])))["spearman"] == pytest.approx(-1)
    swapped = [4.0, 5.0, *falling[2:]]
    result = protocol(subject(at_angles(angles), scored(list(swapped))))
    assert result["spearman"] == pytest.approx(1 - 6 * 2 / (6 * 35))
    assert result["n"] == 6
    assert result["interval"][0] < result["spearman"] < result["interval"][1]


def test_ties_and_constants() -> None:
    assert similarity.spearman(np.array([1.0, 1, 2]), np.array([1.0, 1, 2])) == pytest.approx(1)
    assert similarity.spearman(np.ones(4), np.arange(4.0)) == 0


def test_pairs_without_score_or_partner_are_left_out() -> None:
    metadata = scored([5.0, None, 1.0])
    for values in metadata.values():
        values.pop()
    found = similarity.pairs_of(
        Features(ids=np.arange(5), vectors=np.zeros((5, 2), np.float32), metadata=metadata)
    )
    assert found is not None
    assert found.first.tolist() == [0]
    assert found.scores.tolist() == [5.0]


def test_floors_stand_beside_the_encoder_alone() -> None:
    angles, scores = [0.1, 0.5, 1.0, 2.0], [4.0, 3.0, 2.0, 1.0]
    result = similarity.build(None)(subject(at_angles(angles), scored(list(scores)), name="encoder"))
    assert set(result["floors"]) == {"tfidf_words", "tfidf_characters", "lsa"}
    assert "skipped" in similarity.build(None)(subject(at_angles(angles), {}))


def test_pairs_dataset_leads_back_to_the_pairs(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    rows = [
        {"sentence1": f"heron number {i}", "sentence2": f"otter number {i}", "score": i / 2} for i in range(9)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))
    data = pairs.build(
        PairsConfig(train=str(path), tokenizer=TokenizerConfig(vocab_size=400)),  # type: ignore[arg-type]
        "train",
    )
    assert data is not None
    assert list(data.ids)[:3] == ["0/0", "0/1", "1/0"]
    assert data.groups is not None
    assert data.groups[0] == data.groups[1] != data.groups[2]
    tested = pairs.build(
        PairsConfig(train=str(path), test=str(path), tokenizer=TokenizerConfig(vocab_size=400)),  # type: ignore[arg-type]
        "test",
    )
    assert tested is not None
    assert tested.groups is not None
    assert not set(tested.groups) & set(data.groups)
    features = Features(ids=data.ids, vectors=np.zeros((18, 2), np.float32), metadata=data.metadata)
    found = similarity.pairs_of(features)
    assert found is not None
    assert found.scores.tolist() == [i / 2 for i in range(9)]
    assert data.metadata["text"][found.second[3]] == "otter number 3"


def test_anisotropy() -> None:
    generator = np.random.default_rng(0)
    isotropic = generator.standard_normal((400, 8)).astype(np.float32)
    protocol = geometry.build(None)
    round_cloud = protocol(subject(isotropic, {}))
    assert abs(round_cloud["mean_cosine"]) < 0.01
    assert round_cloud["top_eigenvalue_share"] < 0.2
    cone = isotropic + np.float32(10)
    assert protocol(subject(cone, {}))["mean_cosine"] > 0.9


def test_mean_cosine_is_that_of_all_pairs() -> None:
    vectors = np.random.default_rng(1).standard_normal((6, 3))
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    expected = np.mean([unit[i] @ unit[j] for i in range(6) for j in range(6) if i != j])
    assert geometry.mean_cosine(vectors) == pytest.approx(expected)


def test_dependence_on_length_is_seen() -> None:
    generator = np.random.default_rng(0)
    lengths = generator.integers(5, 500, 300)
    vectors = generator.standard_normal((300, 8)).astype(np.float32)
    protocol = geometry.build(None)
    metadata: dict[str, list[object]] = {"tokens": lengths.tolist()}
    free = protocol(subject(vectors, metadata))
    assert free["length_correlation_first_component"] < 0.3
    vectors[:, 2] += 5 * np.log(lengths)
    bound = protocol(subject(vectors, metadata))
    assert bound["length_correlation_first_component"] > 0.9
    assert bound["length_correlation_norm"] > 0.9


def test_a_leak_of_padding_is_seen() -> None:
    def encode(items: object, leak: float = 0.0) -> NDArray[np.float32]:
        longest = max(len(str(item)) for item in items)  # type: ignore[attr-defined]
        return np.array([[1.0, len(str(item)) + leak * longest] for item in items], np.float32)  # type: ignore[attr-defined]

    base = Features(ids=np.arange(4), vectors=np.eye(4, dtype=np.float32))
    for leak in (0.0, 0.1):
        scored_subject = Subject(
            name="encoder",
            train=base,
            test=None,
            classes=(),
            encode=lambda items, leak=leak: encode(items, leak),
        )
        assert (geometry.build(None)(scored_subject)["padding_change"] > 1e-6) is (leak > 0)
