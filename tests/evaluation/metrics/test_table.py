"""The table of scores: every floor where there are few, the highest where there are more."""

from __future__ import annotations

from vicreg_core.evaluation.metrics.table import score_table


def evaluation(**floors: float | None):
    def scored(value):
        return {} if value is None else {"linear": {"metric": "accuracy", "accuracy": value, "n": 1200}}

    own = {"metric": "accuracy", "accuracy": 0.9, "interval": [0.88, 0.92], "n": 1200}
    return {"protocols": {"linear": own}, "baselines": {name: scored(v) for name, v in floors.items()}}


def test_few_floors_have_a_column_each():
    columns, rows = score_table(evaluation(random_encoder=0.5, raw_features=None))
    assert columns[4:-1] == ["untrained encoder", "raw features"]
    assert rows == [["linear", "accuracy", "0.900", "0.880 - 0.920", "0.500", "-", "1,200"]]


def test_of_more_floors_the_highest_is_named():
    columns, rows = score_table(
        evaluation(random_encoder=0.5, raw_features=None, gradients=0.7, b=0.1, c=0.6)
    )
    assert columns[4:-1] == ["highest floor", "which is"]
    assert rows[0][4:-1] == ["0.700", "gradients"]
    assert score_table(evaluation(a=None, b=None, c=None, d=None, e=None))[1][0][4:-1] == ["-", "-"]
