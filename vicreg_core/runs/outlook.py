"""What a longer run would likely bring, from the curve of the online probe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

_ERRORS = 2.0


class Outlook(NamedTuple):
    """How the online probe moved over the last doubling of the steps.

    Attributes:
        half: step of the probe nearest to half the run.
        last: step of the last probe.
        before, after: kNN accuracy at both.
        n: samples it was scored on.
        trend: ``"rises"``, ``"level"`` or ``"falls"``; level within two standard errors of the difference.
    """

    half: int
    last: int
    before: float
    after: float
    n: int
    trend: Literal["rises", "level", "falls"]

    def __str__(self) -> str:
        moved = f"from {self.before:.3f} at step {self.half:,} to {self.after:.3f} at step {self.last:,}"
        if self.trend == "rises":
            return (
                f"the online probe still rose, {moved}: a run twice as long would likely bring more, at most "
                f"about another {self.after - self.before:.3f}"
            )
        if self.trend == "falls":
            return f"the online probe fell, {moved}: a shorter run, or a lower optimizer.lr, may do better"
        return (
            f"the online probe moved {moved}, within the error of its {self.n:,} samples: a run twice as "
            f"long would likely bring at most about {2 * self.error:.3f}"
        )

    @property
    def error(self) -> float:
        """Standard error of the difference, were the samples of both probes not the same."""
        share = (self.before + self.after) / 2
        return float((2 * share * (1 - share) / self.n) ** 0.5)


def outlook(metrics: Sequence[Mapping[str, Any]]) -> Outlook | None:
    """Read the curve of a finished run; ``None`` where it was probed fewer than four times.

    Accuracy grows about with the logarithm of the steps, ever more slowly, so the rise over the last doubling
    bounds that of the next; the more so as part of it is due to the falling learning rate.

    Args:
        metrics: logged steps, in order.
    """
    probed = [each for each in metrics if each.get("probe_knn") is not None]
    if len(probed) < 4:
        return None
    last = probed[-1]
    half = min(probed[:-1], key=lambda each: abs(each["step"] - last["step"] / 2))
    before, after = float(half["probe_knn"]), float(last["probe_knn"])
    found = Outlook(half["step"], last["step"], before, after, max(int(last.get("probe_n") or 1), 1), "level")
    if abs(after - before) <= _ERRORS * found.error:
        return found
    return found._replace(trend="rises" if after > before else "falls")
