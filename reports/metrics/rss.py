"""Responsibility-sensitive safety: whether the ego is closer to somebody than the model calls safe."""

from __future__ import annotations

from typing import Final

import numpy as np

from reports.metrics.formulas import FOLLOWING, Rss, rss_beside, rss_following, rss_oncoming
from reports.metrics.measure import YES_NO, Measure, Values
from reports.metrics.path import AHEAD, HALF_LENGTH, HALF_WIDTH, LEFT, SIDE_SPEED, SPEED, on_path
from twin.kernel import kernel
from twin.run import Run
from twin.state import EGO, PRESENT, Floats


@kernel
def is_dangerous(ego: Floats, other: Floats, rss: Rss) -> bool:
    """Return whether the gaps along and across to an actor ahead are both below the safe ones.

    Rows are those of `path.on_path`. An actor behind the ego is not the ego's to keep away from.
    """
    if not other[AHEAD] > 0.0:
        return False
    gap = max(0.0, other[AHEAD] - ego[HALF_LENGTH] - other[HALF_LENGTH])
    if other[SPEED] >= 0.0:
        safe = rss_following(max(0.0, ego[SPEED]), other[SPEED], rss)
    else:
        safe = rss_oncoming(max(0.0, ego[SPEED]), other[SPEED], rss)
    if gap >= safe:
        return False
    side = abs(other[LEFT] - ego[LEFT]) - ego[HALF_WIDTH] - other[HALF_WIDTH]
    if other[LEFT] >= ego[LEFT]:
        return bool(side < rss_beside(ego[SIDE_SPEED], other[SIDE_SPEED], rss))
    return bool(side < rss_beside(other[SIDE_SPEED], ego[SIDE_SPEED], rss))


@kernel
def _any_dangerous(path: Floats, rss: Rss) -> Floats:
    out = np.zeros(path.shape[0])
    for t in range(path.shape[0]):
        for b in range(1, path.shape[1]):
            if is_dangerous(path[t, EGO], path[t, b], rss):
                out[t] = 1.0
    return out


def _dangerous(run: Run) -> Values:
    there = run.n[:, PRESENT, EGO] == 1
    return np.asarray(_any_dangerous(on_path(run), FOLLOWING)), there


DANGEROUS: Final = Measure(
    "dangerous", YES_NO, "lower", "closer to somebody ahead than RSS calls safe, along and across", _dangerous, 0.0
)
