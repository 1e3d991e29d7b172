"""How critical following is: the ego and the nearest actor in its path, by the boxes' bumpers.

Usual thresholds: TTC below 1.5 s critical, headway below 0.9 s a fine in Germany, DRAC above 3.4 m/s^2 critical (a
normal driver's limit), brake threat of 1 and more: braking alone cannot help.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, NamedTuple

import numpy as np

from reports.metrics import formulas
from reports.metrics.measure import Measure, Values
from reports.metrics.path import ACCEL, SPEED, leader, on_path
from twin.run import Run
from twin.state import EGO, MAX_DECEL, Floats


class Following(NamedTuple):
    """The ego and its leader per tick: gap [m], speeds along the path [m/s], accelerations [m/s^2]; nan without one."""

    gap: Floats
    v1: Floats
    v2: Floats
    a1: Floats
    a2: Floats


def following(run: Run) -> Following:
    """Return what the ego follows over the run, columns of (T,)."""
    path = on_path(run)
    who, gap = leader(path)
    ticks = np.arange(len(who))
    there = who >= 0
    other = path[ticks, np.where(there, who, EGO)]

    def where(values: Floats) -> Floats:
        return np.where(there, values, np.nan)

    return Following(
        where(gap),
        where(path[:, EGO, SPEED]),
        where(other[:, SPEED]),
        where(path[:, EGO, ACCEL]),
        where(np.nan_to_num(other[:, ACCEL])),
    )


def _each(formula: Callable[[Following, int], float]) -> Callable[[Run], Values]:
    """Return the metric of a formula that is asked wherever there is a leader; nan says that it does not apply."""

    def measure(run: Run) -> Values:
        seen = following(run)
        values = np.full(len(seen.gap), np.nan)
        for t in np.flatnonzero(~np.isnan(seen.gap)):
            values[t] = formula(seen, int(t))
        return values, ~np.isnan(values)

    return measure


def _finite(formula: Callable[[Following, int], float]) -> Callable[[Run], Values]:
    """Return the same for a time that does not apply where it is infinite."""
    return _each(lambda q, t: value if math.isfinite(value := formula(q, t)) else math.nan)


def _brake_threat(run: Run) -> Values:
    strongest = float(run.case.p[MAX_DECEL, EGO])
    values, valid = _each(lambda q, t: formulas.required_decel(q.gap[t], q.v1[t], q.v2[t], q.a2[t]))(run)
    return values / strongest, valid


GAP: Final = Measure(
    "min_gap",
    "m",
    "higher",
    "bumper gap to the nearest actor in the ego's path",
    _each(lambda q, t: float(q.gap[t])),
    np.inf,
)
TTC: Final = Measure(
    "ttc",
    "s",
    "higher",
    "time to collision with the nearest actor in the ego's path at constant speeds",
    _finite(lambda q, t: formulas.ttc(q.gap[t], q.v1[t] - q.v2[t])),
    np.inf,
)
MTTC: Final = Measure(
    "mttc",
    "s",
    "higher",
    "time to collision with the nearest actor in the ego's path at constant accelerations",
    _finite(lambda q, t: formulas.mttc(q.gap[t], q.v1[t] - q.v2[t], q.a1[t] - q.a2[t])),
    np.inf,
)
HEADWAY: Final = Measure(
    "headway",
    "s",
    "higher",
    "time in which the ego's front reaches where its leader's rear is",
    _finite(lambda q, t: formulas.headway(q.gap[t], q.v1[t])),
    np.inf,
)
DRAC: Final = Measure(
    "drac",
    "m/s^2",
    "lower",
    "steady deceleration that the ego needs to avoid its leader",
    _each(lambda q, t: formulas.drac(q.gap[t], q.v1[t] - q.v2[t])),
    0.0,
)
BRAKE_THREAT: Final = Measure(
    "brake_threat",
    "1",
    "lower",
    "deceleration needed over possible; at 1 braking cannot help",
    _brake_threat,
    0.0,
)
