"""What the numbers of a run say, in plain words: pure functions of its record."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Literal, NamedTuple

from vicreg_core.report.record import RunRecord
from vicreg_core.report.scores import Headline, headlines
from vicreg_core.report.words import count, interval, listed, name_of, number, score
from vicreg_core.runs.outlook import outlook

Tone = Literal["good", "note", "warning", "problem"]

_UNTRAINED = ("random_encoder", "raw_features")
_WIDE_INTERVAL = 0.1
_LEAK = 0.02
_LOW_STD = 0.8
_MOSTLY_FLOOR = 0.5
_BALANCED = 0.75
_VICREG = ("invariance", "variance", "covariance")


class Verdict(NamedTuple):
    """One sentence or two, and how to take them."""

    tone: Tone
    text: str


def verdicts(record: RunRecord) -> list[Verdict]:
    """All that is to be said of a run, the most pressing first."""
    found = [
        *_length(record),
        *(verdict for each in headlines(record.evaluation) if not each.row for verdict in _floor(each)),
        *_collapse(record),
        *_spread(record),
        *_covariance(record),
        *_leakage(record),
        *_probe(record),
        *_unpredicted(record),
        *_few_labels(record),
    ]
    order: tuple[Tone, ...] = ("problem", "warning", "good", "note")
    return sorted(found, key=lambda verdict: order.index(verdict.tone))


def _length(record: RunRecord) -> Iterator[Verdict]:
    last = record.last
    if not last:
        return
    done, asked, unit = last["step"], record.option("train.steps"), "steps"
    if asked is None:
        done, asked, unit = last.get("epoch", 0), record.option("train.epochs"), "epochs"
    if asked and done < 0.999 * asked:
        yield Verdict(
            "warning",
            f"The run has logged {number(done)} of {count(asked)} {unit} so far: either it is still going, "
            "or it was stopped and goes on with --resume.",
        )


def _collapse(record: RunRecord) -> Iterator[Verdict]:
    metrics = record.metrics
    if not any("embedding_effective_rank" in each for each in metrics):
        return
    episodes = [
        (kind, list(run)) for kind, run in groupby(metrics, key=lambda each: each.get("collapse")) if kind
    ]
    if not episodes:
        last = record.last
        yield Verdict(
            "good",
            f"No collapse: the effective rank of the embedding went from {number(_first(metrics))} to "
            f"{number(last.get('embedding_effective_rank'))}, its median standard deviation ended at "
            f"{number(last.get('embedding_std_median'))} where {number(_target(record))} is asked.",
        )
        return
    for kind, run in episodes:
        ended = next((each["step"] for each in metrics if each["step"] > run[-1]["step"]), None)
        yield _episode(kind, run, ended, record)


def _first(metrics: Sequence[Mapping[str, Any]]) -> float | None:
    ranks = (each.get("embedding_effective_rank") for each in metrics)
    return next((rank for rank in ranks if rank is not None), None)


def _episode(kind: str, run: list[Mapping[str, Any]], ended: int | None, record: RunRecord) -> Verdict:
    start = run[0]["step"]
    before = [each for each in record.metrics if each["step"] < start] or run
    if kind == "complete":
        key, what = "embedding_std_median", "median standard deviation of the embedding"
        advice = "raise objective.variance to at least the invariance weight, and lower optimizer.lr"
    else:
        key, what = "embedding_effective_rank", "effective rank of the embedding"
        advice = "raise objective.covariance or objective.variance, or lower optimizer.lr"
    highest = max((each[key] for each in before if each.get(key) is not None), default=None)
    lowest = min((each[key] for each in run if each.get(key) is not None), default=None)
    fell = f"{what} fell from {number(highest)} to {number(lowest)}"
    if highest is not None and lowest is not None and highest <= lowest:
        fell = f"{what} is {number(lowest)}"
    text = f"{kind.capitalize()} collapse was seen from step {count(start)}: {fell}"
    if ended is not None:
        return Verdict("warning", f"{text}; it recovered by step {count(ended)}.")
    return Verdict("problem", f"{text}, and it did not recover. Start again: {advice}.")


def _floor(headline: Headline) -> Iterator[Verdict]:
    floor, own = headline.highest_floor, headline.encoder
    bounds = interval(headline.metric, own.interval)
    protocol, metric = name_of(headline.protocol).capitalize(), name_of(headline.metric)
    reached = f"{protocol}: {metric} {score(headline.metric, own.value)}"
    reached += f" (95\u202f% interval {bounds})" if bounds else ""
    if floor is not None and headline.comparable:
        beside = f"{score(headline.metric, floor.value)} of {name_of(floor.subject)}"
        if headline.clears:
            yield Verdict("good", f"{reached} clears its floors; the highest of them, {beside}.")
        elif own.value > floor.value:
            yield Verdict(
                "warning", f"{reached} is not clearly above its floor: {beside}, within the interval."
            )
        else:
            without = " without any of this training" if floor.subject in _UNTRAINED else ""
            yield Verdict("problem", f"{reached} does not clear its floor: {beside}{without}.")
    if own.interval and headline.metric == "accuracy" and own.interval[1] - own.interval[0] > _WIDE_INTERVAL:
        yield Verdict(
            "note",
            f"{protocol} was scored on {count(own.n or 0)} samples only, so its interval is "
            f"{100 * (own.interval[1] - own.interval[0]):.0f} points wide: small differences mean nothing.",
        )


def _spread(record: RunRecord) -> Iterator[Verdict]:
    std, target = record.last.get("embedding_std_median"), _target(record)
    if std is None or record.last.get("collapse") or std >= _LOW_STD * target:
        return
    ended = f"The embedding's median standard deviation ended at {number(std)}, {number(target)} is asked"
    balance = _balance(record)
    if balance is None:
        yield Verdict("warning", f"{ended}: it spreads less than it should.")
    elif balance.grows:
        yield Verdict("warning", f"{ended}, and was still growing: train longer, or raise optimizer.lr.")
    else:
        yield Verdict(
            "note",
            f"{ended}. That is no fault: there the variance term's push is in balance with invariance "
            f"({100 * balance.invariance:.0f}\u202f%), which draws views together, and covariance "
            f"({100 * balance.covariance:.0f}\u202f%). Views that agree more, or a higher "
            "objective.variance, would raise it; the probes need not follow.",
        )


class _Balance(NamedTuple):
    """What a common factor on the embedding would change, term by term, as shares of the variance's push."""

    invariance: float
    covariance: float

    @property
    def grows(self) -> bool:
        """The pulls fall short of the push: the loss would still fall if the embedding spread."""
        return self.invariance + self.covariance < _BALANCED


def _balance(record: RunRecord) -> _Balance | None:
    """The derivative of VICReg by the logarithm of the embedding's scale, at the end of the run.

    Invariance grows with the square of the scale, covariance with its fourth power; a standard deviation
    below the target with the scale itself, and the variance term falls by that. ``None`` where the objective
    logs no such terms.
    """
    last, weight = record.last, {key: record.option(f"objective.{key}") for key in _VICREG}
    missing = any(not isinstance(last.get(key), int | float) or weight[key] is None for key in _VICREG)
    if missing or record.option("objective.branch_weights") is not None:
        return None
    branches = 2 if record.option("objective.convention") == "paper" else 1
    push = weight["variance"] * (branches * _target(record) - last["variance"])
    if push <= 0:
        return None
    pulls = 2 * weight["invariance"] * last["invariance"], 4 * weight["covariance"] * last["covariance"]
    return _Balance(pulls[0] / push, pulls[1] / push)


def _covariance(record: RunRecord) -> Iterator[Verdict]:
    floor, excess = record.last.get("covariance_floor"), record.last.get("covariance_excess")
    if floor is None or excess is None or floor <= 0:
        return
    branch = floor + excess
    if excess < 0:
        yield Verdict(
            "note",
            f"The covariance term of a branch, {number(branch)}, lies below its floor of {number(floor)}, "
            "which holds at unit variance: the embedding spreads less, so the term says little yet.",
        )
    elif floor >= _MOSTLY_FLOOR * branch:
        yield Verdict(
            "note",
            f"Of the covariance term of a branch, {number(branch)}, the floor makes up {number(floor)}: at "
            f"unit variance a batch of {count(record.option('train.batch_size'))} cannot go below it, so "
            f"read the excess of {number(excess)}. A larger batch or a narrower projector lowers the floor.",
        )


def _probe(record: RunRecord) -> Iterator[Verdict]:
    probed = [each for each in record.metrics if each.get("probe_knn") is not None]
    if len(probed) < 2:
        return
    best, last = max(probed, key=lambda each: float(each["probe_knn"])), probed[-1]
    share, n = best["probe_knn"], max(last.get("probe_n") or 1, 1)
    # Three standard errors of a difference, since the best of several is chosen.
    if share - last["probe_knn"] > 3 * (2 * share * (1 - share) / n) ** 0.5:
        yield Verdict(
            "warning",
            f"The online probe was best at step {count(best['step'])} with {score('accuracy', share)} and "
            f"ended at {score('accuracy', last['probe_knn'])}: train shorter, or lower optimizer.lr.",
        )
    elif (ahead := outlook(record.metrics)) and ahead.trend != "falls":
        yield Verdict("note", f"{str(ahead).capitalize()}.")


def _leakage(record: RunRecord) -> Iterator[Verdict]:
    for protocol, result in _results(record):
        if leak := result.get("leakage"):
            apart, ignored = leak["accuracy_groups_apart"], leak["accuracy_groups_ignored"]
            told = f"cross-validated, {name_of(protocol)} reaches {score('accuracy', ignored)} where folds "
            told += f"ignore groups and {score('accuracy', apart)} where they keep them apart"
            if ignored - apart > _LEAK:
                yield Verdict(
                    "warning", f"Groups leak: {told}. Trust the second, and say so beside the first."
                )
            else:
                yield Verdict("good", f"No sign that groups leak: {told}.")


def _unpredicted(record: RunRecord) -> Iterator[Verdict]:
    for protocol, result in _results(record):
        never = [str(row["class"]) for row in result.get("per_class", []) if row["n"] and not row["recall"]]
        if never:
            yield Verdict("warning", f"{name_of(protocol).capitalize()} never finds {listed(never)}.")


def _few_labels(record: RunRecord) -> Iterator[Verdict]:
    rows = (record.evaluation or {}).get("protocols", {}).get("label-fractions", {}).get("rows", [])
    metric = rows[-1].get("metric", "accuracy") if rows else ""
    if len(rows) >= 2 and rows[-1][metric] > 0:
        few, all_ = rows[0], rows[-1]
        for row in rows[:-1]:
            if row[metric] >= 0.9 * all_[metric]:
                few = row
                break
        yield Verdict(
            "note",
            f"With {count(few['n_train'])} labels ({few['name']}) the linear probe's {name_of(metric)} is "
            f"{score(metric, few[metric])}; all {count(all_['n_train'])} bring it to "
            f"{score(metric, all_[metric])}.",
        )


def _results(record: RunRecord) -> Iterator[tuple[str, Mapping[str, Any]]]:
    yield from (record.evaluation or {}).get("protocols", {}).items()


def _target(record: RunRecord) -> float:
    gamma = record.option("objective.gamma")
    return float(gamma) if isinstance(gamma, int | float) else 1.0
