"""Protocols that break one promise each."""

from __future__ import annotations

import numpy as np

from tests.testing.parts import Spread


class HidesItsNeeds(Spread):
    breaks = "it_says_whether_it_needs_labels"
    needs_labels = None


class NamesNoValue(Spread):
    breaks = "a_result_is_json_with_headlines"

    def __call__(self, subject):
        return {"metric": "spread", "n": 3}


class DrawsAtRandom(Spread):
    breaks = "the_same_features_give_the_same_result"

    def __call__(self, subject):
        return super().__call__(subject) | {"spread": float(np.random.default_rng().random())}


class EncodesAlways(Spread):
    breaks = "features_of_no_encoder_are_scored_or_skipped"

    def __call__(self, subject):
        if subject.encode is None:
            return None
        return super().__call__(subject)
