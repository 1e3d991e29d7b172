"""Everybody in the coordinates of the ego's path: how far ahead, how far to the left, how fast.

The path is the ego's lane and what its route continues with; off every lane it is the straight line ahead. An actor
belongs to the path at the nearest foot of its box's centre within REACH_M to the side.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from twin.collision import box_of
from twin.kernel import kernel
from twin.road.arrays import RoadArrays, RouteTables
from twin.road.kernels import lane_pose, onward, project
from twin.run import Run
from twin.state import EGO, LANE, PRESENT, ROUTE, VX, VY, YAW, Floats, Ints, S, Z

HORIZON_M: Final = 200.0
BEHIND_M: Final = 30.0
REACH_M: Final = 15.0
_LEVEL_M: Final = 3.0  # further above or below the path is another road

AHEAD, LEFT, SPEED, SIDE_SPEED, HALF_LENGTH, HALF_WIDTH, ACCEL = range(7)
COLUMNS: Final = 7


@kernel
def _on_path(f: Floats, p: Floats, actor: int, away: float, left: float, heading: float, row: Floats) -> None:
    box = box_of(f, p, actor)
    turn = f[YAW, actor] - heading
    c, s = math.cos(turn), math.sin(turn)
    row[AHEAD] = away
    row[LEFT] = left
    row[SPEED] = f[VX, actor] * c - f[VY, actor] * s
    row[SIDE_SPEED] = f[VX, actor] * s + f[VY, actor] * c
    row[HALF_LENGTH] = abs(c) * box[3] + abs(s) * box[4]
    row[HALF_WIDTH] = abs(s) * box[3] + abs(c) * box[4]


@kernel
def _along_body(f: Floats, n: Ints, p: Floats, out: Floats) -> None:
    me = box_of(f, p, EGO)
    c, s = math.cos(me[2]), math.sin(me[2])
    for b in range(f.shape[1]):
        if n[PRESENT, b] == 1 and abs(f[Z, b] - f[Z, EGO]) < _LEVEL_M:
            box = box_of(f, p, b)
            dx, dy = box[0] - me[0], box[1] - me[1]
            ahead, left = dx * c + dy * s, dy * c - dx * s
            if -BEHIND_M <= ahead <= HORIZON_M and abs(left) <= REACH_M:
                _on_path(f, p, b, ahead, left, me[2], out[b])


@kernel
def _along_lanes(f: Floats, n: Ints, p: Floats, road: RoadArrays, routes: RouteTables, out: Floats) -> None:
    me = box_of(f, p, EGO)
    lane = n[LANE, EGO]
    start, own = project(road, lane, me[0], me[1], f[S, EGO])
    _on_path(f, p, EGO, 0.0, own, lane_pose(road, lane, start, 0.0)[3], out[EGO])
    base = -start
    first = True
    for _ in range(64):
        length = road.length[lane]
        after = onward(road, routes, n[ROUTE, EGO], lane)
        for b in range(1, f.shape[1]):
            if n[PRESENT, b] == 0:
                continue
            box = box_of(f, p, b)
            dx, dy = box[0] - me[0], box[1] - me[1]
            straight = math.sqrt(dx * dx + dy * dy)
            if straight > HORIZON_M:
                continue
            if first and dx * math.cos(me[2]) + dy * math.sin(me[2]) < 0.0:
                straight = -straight
            hint = min(max(straight - base, 0.0), length)
            s, d = project(road, lane, box[0], box[1], hint)
            low = -BEHIND_M if first else 0.0
            high = length if after >= 0 else length + HORIZON_M
            if not low <= s <= high or abs(d) > REACH_M or not base + s <= HORIZON_M:
                continue
            _, _, z, heading, _, _ = lane_pose(road, lane, s, 0.0)
            nearer = math.isnan(out[b, LEFT]) or abs(d) < abs(out[b, LEFT])
            if nearer and abs(z - f[Z, b]) < _LEVEL_M:
                _on_path(f, p, b, base + s, d, heading, out[b])
        base += length
        first = False
        lane = after
        if lane < 0 or base > HORIZON_M:
            return


@kernel
def _all(f: Floats, n: Ints, p: Floats, road: RoadArrays, routes: RouteTables) -> Floats:
    out = np.full((f.shape[0], f.shape[2], COLUMNS), np.nan)
    for t in range(f.shape[0]):
        if n[t, PRESENT, EGO] == 0:
            continue
        if n[t, LANE, EGO] >= 0:
            _along_lanes(f[t], n[t], p, road, routes, out[t])
        else:
            _along_body(f[t], n[t], p, out[t])
    return out


def on_path(run: Run) -> Floats:
    """Return (T, actors, COLUMNS): box centres along and across the ego's path, nan for who is not near it.

    AHEAD counts from the ego's box centre, LEFT from the path's line; HALF_LENGTH and HALF_WIDTH are the extents of the
    turned box along and across; ACCEL is the change of SPEED by central differences [m/s^2].
    """
    case = run.case
    out = np.asarray(_all(run.f, run.n, case.p, case.road.arrays, case.routes))
    if len(run.t_ns) > 1:
        out[:, :, ACCEL] = np.gradient(out[:, :, SPEED], run.t_ns * 1e-9, axis=0)
    return out


def leader(path: Floats) -> tuple[Ints, Floats]:
    """Return per tick the nearest actor whose box overlaps the ego's way ahead (-1 none) and its bumper gap [m]."""
    ego = path[:, EGO : EGO + 1]
    reach = path[:, :, HALF_WIDTH] + ego[:, :, HALF_WIDTH]
    inside = (np.abs(path[:, :, LEFT] - ego[:, :, LEFT]) < reach) & (path[:, :, AHEAD] > 0.0)
    inside[:, EGO] = False
    gaps = np.maximum(0.0, path[:, :, AHEAD] - path[:, :, HALF_LENGTH] - ego[:, :, HALF_LENGTH])
    gaps = np.where(inside, gaps, np.inf)
    nearest = np.argmin(gaps, axis=1)
    gap = gaps[np.arange(len(gaps)), nearest]
    return np.where(np.isfinite(gap), nearest, -1), gap
