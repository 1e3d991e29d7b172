"""Touching and nearly touching, in the plane and in any direction.

`ttc_2d` moves all boxes on at constant velocity and heading, in steps of 0.1 s up to 5 s, and takes the first overlap
(the procedure of the nuPlan benchmark's metric, which calls less than 0.95 s a violation); it suits crossing traffic
and cries wolf in curves. `pet` is the time between one leaving a spot and the other reaching it, for ways that cross at
20 to 160 degrees; less than 1 s is serious. Fault classes of a collision are those of nuPlan.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from reports.metrics.measure import YES_NO, Measure, Values, always_valid
from twin.collision import between, box_of, overlap, same_height
from twin.kernel import kernel
from twin.road.kernels import turn_between
from twin.run import Run
from twin.state import EGO, PRESENT, VX, VY, YAW, Contact, Floats, Ints, X, Y

STEP_S: Final = 0.1
HORIZON_S: Final = 5.0
STANDING_MPS: Final = 0.05
_CROSSING: Final = (math.radians(20.0), math.radians(160.0))
_FIRST_ANGLE, _LAST_ANGLE = _CROSSING


@kernel
def _clearances(f: Floats, n: Ints, p: Floats) -> Floats:
    out = np.full(f.shape[0], np.inf)
    for t in range(f.shape[0]):
        for b in range(1, f.shape[2]):
            if n[t, PRESENT, EGO] == 1 and n[t, PRESENT, b] == 1 and same_height(f[t], p, EGO, b):
                out[t] = min(out[t], between(f[t], p, EGO, b))
    return out


@kernel
def _first_overlap(f: Floats, p: Floats, b: int) -> float:
    me, other = box_of(f, p, EGO), box_of(f, p, b)
    vx = f[VX, EGO] * math.cos(me[2]) - f[VY, EGO] * math.sin(me[2])
    vy = f[VX, EGO] * math.sin(me[2]) + f[VY, EGO] * math.cos(me[2])
    ux = f[VX, b] * math.cos(other[2]) - f[VY, b] * math.sin(other[2])
    uy = f[VX, b] * math.sin(other[2]) + f[VY, b] * math.cos(other[2])
    for k in range(int(HORIZON_S / STEP_S) + 1):
        t = k * STEP_S
        moved = (other[0] + (ux - vx) * t, other[1] + (uy - vy) * t, other[2], other[3], other[4])
        if overlap(me, moved):
            return t
    return math.inf


@kernel
def _times_to_overlap(f: Floats, n: Ints, p: Floats) -> Floats:
    out = np.full(f.shape[0], np.inf)
    for t in range(f.shape[0]):
        for b in range(1, f.shape[2]):
            if n[t, PRESENT, EGO] == 1 and n[t, PRESENT, b] == 1 and same_height(f[t], p, EGO, b):
                out[t] = min(out[t], _first_overlap(f[t], p, b))
    return out


@kernel
def _encroachments(f: Floats, n: Ints, p: Floats, window: int) -> Ints:
    out = np.full(f.shape[0], -1, np.int64)
    for t in range(f.shape[0]):
        for b in range(1, f.shape[2]):
            least = window + 1 if out[t] < 0 else out[t]
            for back in range(min(window, t) + 1):
                if back >= least:
                    break
                if _met(f, n, p, b, t, t - back) or _met(f, n, p, b, t - back, t):
                    least = back
                    out[t] = back
    return out


@kernel
def _met(f: Floats, n: Ints, p: Floats, b: int, t_ego: int, t_other: int) -> bool:
    if n[t_ego, PRESENT, EGO] == 0 or n[t_other, PRESENT, b] == 0:
        return False
    dx, dy = f[t_ego, X, EGO] - f[t_other, X, b], f[t_ego, Y, EGO] - f[t_other, Y, b]
    if dx * dx + dy * dy > 900.0:
        return False
    turn = abs(turn_between(f[t_other, YAW, b], f[t_ego, YAW, EGO]))
    if not _FIRST_ANGLE <= turn <= _LAST_ANGLE:
        return False
    return overlap(box_of(f[t_ego], p, EGO), box_of(f[t_other], p, b))


def contacts_of_ego(run: Run) -> tuple[Contact, ...]:
    """Return the first touches that the ego had a part in, in order of time."""
    return tuple(c for c in run.contacts if EGO in (c.a, c.b))


def fault_of(run: Run, contact: Contact) -> str:
    """Return the nuPlan class of a contact of the ego.

    "stopped_ego": it stood; "stopped_track": what it hit stood; "active_front": it hit with its front bumper;
    "active_rear": it was hit from behind; else "active_lateral". At fault are the second and the third.
    """
    other = contact.b if contact.a == EGO else contact.a
    ego_speed, other_speed = (
        (contact.speed_a_mps, contact.speed_b_mps) if contact.a == EGO else (contact.speed_b_mps, contact.speed_a_mps)
    )
    if abs(ego_speed) <= STANDING_MPS:
        return "stopped_ego"
    if other < 0 or abs(other_speed) <= STANDING_MPS:
        return "stopped_track"
    x, y, yaw, half_length, half_width = _ego_box_at(run, contact.t_ns)
    dx, dy = contact.x - x, contact.y - y
    ahead = dx * math.cos(yaw) + dy * math.sin(yaw)
    left = dy * math.cos(yaw) - dx * math.sin(yaw)
    if abs(ahead) - half_length < abs(left) - half_width:
        return "active_lateral"
    return "active_front" if ahead > 0.0 else "active_rear"


def _ego_box_at(run: Run, t_ns: int) -> tuple[float, float, float, float, float]:
    """Return the ego's box at any moment: it moves evenly within a tick, by metres where it is fast."""
    t = min(int(np.searchsorted(run.t_ns, t_ns)), len(run.t_ns) - 1)
    x, y, yaw, half_length, half_width = box_of(run.f[t], run.case.p, EGO)
    if t > 0:
        u = (run.t_ns[t] - t_ns) / (run.t_ns[t] - run.t_ns[t - 1])
        before_x, before_y = box_of(run.f[t - 1], run.case.p, EGO)[:2]
        x, y = x + u * (before_x - x), y + u * (before_y - y)
    return x, y, yaw, half_length, half_width


def at_fault(fault: str) -> bool:
    """Return whether a fault class blames the ego."""
    return fault in ("stopped_track", "active_front")


def _no_collision(run: Run) -> Values:
    first = min((c.t_ns for c in contacts_of_ego(run)), default=None)
    return always_valid(np.ones(len(run.t_ns)) if first is None else (run.t_ns < first).astype(np.float64))


def _clearance(run: Run) -> Values:
    values = np.asarray(_clearances(run.f, run.n, run.case.p))
    return values, np.isfinite(values)


def _ttc_2d(run: Run) -> Values:
    values = np.asarray(_times_to_overlap(run.f, run.n, run.case.p))
    return values, np.isfinite(values)


def _pet(run: Run) -> Values:
    ticks = np.asarray(_encroachments(run.f, run.n, run.case.p, int(HORIZON_S * 1e9) // run.case.step_ns))
    return np.asarray(ticks * (run.case.step_ns * 1e-9), np.float64), ticks >= 0


NO_COLLISION: Final = Measure("no_collision", YES_NO, "higher", "the ego has touched nobody and nothing", _no_collision)
CLEARANCE: Final = Measure(
    "clearance", "m", "higher", "shortest distance to any actor, box to box", _clearance, math.inf
)
TTC_2D: Final = Measure(
    "ttc_2d", "s", "higher", "time until boxes overlap at constant velocity, in any direction", _ttc_2d, math.inf
)
PET: Final = Measure("pet", "s", "higher", "time between the ego and crossing traffic at the same spot", _pet, math.inf)
