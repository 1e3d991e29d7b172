"""The stretch of truth between two ticks, and the poses inside it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twin.case import Case
from twin.kernel import kernel
from twin.ports import Probe
from twin.state import (
    EGO,
    PITCH,
    PRESENT,
    ROLL,
    TR_ROLL,
    TR_YAW,
    YAW,
    Floats,
    Ints,
    WorldState,
    X,
    Y,
    Z,
)


@dataclass(frozen=True, slots=True)
class Span:
    """What happened after `before` (None at the start) up to and including `now`."""

    before: WorldState | None
    now: WorldState
    case: Case
    probe: Probe

    @property
    def after_ns(self) -> int:
        """Return the instant that the span starts after; -1 at the start, so that it holds t = 0."""
        return -1 if self.before is None else self.before.t_ns

    def ego_at(self, t_ns: int) -> Floats:
        """Return the ego's row of the trail (TR_ROWS,) at an instant of the span."""
        return trail_at(self.now.trail, self.now.trail_t_ns, t_ns)

    def world_at(self, t_ns: int) -> tuple[Floats, Ints]:
        """Return the blocks f and n at an instant of the span, bodies moved on between the ticks."""
        if self.before is None or t_ns >= self.now.t_ns:
            return self.now.f, self.now.n
        w = (t_ns - self.before.t_ns) / (self.now.t_ns - self.before.t_ns)
        f = blend(self.before.f, self.now.f, self.before.n, self.now.n, w)
        f[[X, Y, Z, YAW, PITCH, ROLL], EGO] = self.ego_at(t_ns)[:6]
        return f, self.now.n

    def severity_at(self, t_ns: int) -> Floats:
        """Return the fault severities in force at an instant: a tick's hold until just before the next."""
        return self.now.severity if self.before is None or t_ns >= self.now.t_ns else self.before.severity


@kernel
def turned(a: float, b: float, w: float) -> float:
    """Return the angle the share w of the short way from a to b."""
    turn = b - a
    return a + w * (turn - 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5))


@kernel
def trail_at(trail: NDArray[np.float64], trail_t_ns: NDArray[np.int64], t_ns: int) -> NDArray[np.float64]:
    """Return the ego's state at t_ns, linear between substeps, angles the short way round."""
    last = trail.shape[0] - 1
    i = 0
    while i < last - 1 and trail_t_ns[i + 1] < t_ns:
        i += 1
    j = min(i + 1, last)
    out: Floats = trail[j].copy()
    span = trail_t_ns[j] - trail_t_ns[i]
    if span <= 0 or t_ns >= trail_t_ns[j]:
        return out
    w = max(0.0, (t_ns - trail_t_ns[i]) / span)
    for c in range(trail.shape[1]):
        if TR_YAW <= c <= TR_ROLL:
            out[c] = turned(trail[i, c], trail[j, c], w)
        else:
            out[c] = trail[i, c] + w * (trail[j, c] - trail[i, c])
    return out


@kernel
def blend(
    f0: NDArray[np.float64], f1: NDArray[np.float64], n0: NDArray[np.int64], n1: NDArray[np.int64], w: float
) -> NDArray[np.float64]:
    """Return poses between two ticks; a body that has just appeared is where it appeared."""
    out: Floats = f1.copy()
    for i in range(f1.shape[1]):
        if n0[PRESENT, i] == 1 and n1[PRESENT, i] == 1:
            for row in (X, Y, Z):
                out[row, i] = f0[row, i] + w * (f1[row, i] - f0[row, i])
            for row in (YAW, PITCH, ROLL):
                out[row, i] = turned(f0[row, i], f1[row, i], w)
    return out
