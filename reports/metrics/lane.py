"""Where the ego was on the road: its lane, its route, the carriageway."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from reports.metrics.measure import YES_NO, Measure, Values
from twin.collision import box_of, corner
from twin.kernel import kernel
from twin.road.arrays import BIKING, DRIVING, PARKING, SHOULDER, RoadArrays
from twin.road.kernels import lane_pose, lane_width, locate_kind, project
from twin.run import Run
from twin.state import EGO, LANE, D, Floats, Ints, S

DRIVABLE: Final = (1 << DRIVING) | (1 << SHOULDER) | (1 << PARKING) | (1 << BIKING)
TOLERANCE_M: Final = 0.3  # how far a corner may stick out, as in the nuPlan benchmark's drivable area metric


@kernel
def _corners_on_road(f: Floats, p: Floats, road: RoadArrays) -> Floats:
    out = np.ones(f.shape[0])
    for t in range(f.shape[0]):
        x, y, yaw, half_length, half_width = box_of(f[t], p, EGO)
        inner = (x, y, yaw, max(0.0, half_length - TOLERANCE_M), max(0.0, half_width - TOLERANCE_M))
        for i in range(4):
            cx, cy = corner(inner, i)
            if locate_kind(road, cx, cy, DRIVABLE)[0] < 0:
                out[t] = 0.0
    return out


@kernel
def _room_in_lane(f: Floats, n: Ints, p: Floats, road: RoadArrays) -> Floats:
    out = np.full(f.shape[0], np.nan)
    for t in range(f.shape[0]):
        lane = n[t, LANE, EGO]
        if lane < 0:
            continue
        x, y, yaw, half_length, half_width = box_of(f[t], p, EGO)
        s, d = project(road, lane, x, y, f[t, S, EGO])
        turn = yaw - lane_pose(road, lane, s, 0.0)[3]
        reach = abs(math.sin(turn)) * half_length + abs(math.cos(turn)) * half_width
        out[t] = 0.5 * lane_width(road, lane, s) - abs(d) - reach
    return out


def _on_road(run: Run) -> Values:
    values = np.asarray(_corners_on_road(run.f, run.case.p, run.case.road.arrays))
    return values, np.ones(len(values), np.bool_)


def _in_lane(run: Run) -> Values:
    room = np.asarray(_room_in_lane(run.f, run.n, run.case.p, run.case.road.arrays))
    return (room >= 0.0).astype(np.float64), ~np.isnan(room)


def _lane_offset(run: Run) -> Values:
    return run.f[:, D, EGO].copy(), run.n[:, LANE, EGO] >= 0


def _route_progress(run: Run) -> Values:
    """Return the share of the way from the start to the goal along the route, in [0, 1].

    The rest of the way counts from the route's last lane backwards; on a lane that is not on the route the last share
    stays.
    """
    case = run.case
    ticks = len(run.t_ns)
    if not math.isfinite(case.goal_s) or len(case.ego_route) == 0:
        return np.zeros(ticks), np.zeros(ticks, np.bool_)
    lengths = case.road.arrays.length[case.ego_route]
    rest = {int(lane): float(lengths[i:-1].sum() + case.goal_s) for i, lane in enumerate(case.ego_route)}
    left = np.array([rest.get(int(lane), math.nan) for lane in run.n[:, LANE, EGO]]) - run.f[:, S, EGO]
    total = left[0]
    if not total > 0.0:
        return np.zeros(ticks), np.zeros(ticks, np.bool_)
    share = np.clip(1.0 - left / total, 0.0, 1.0)
    known = ~np.isnan(share)
    newest = np.maximum.accumulate(np.where(known, np.arange(ticks), 0))
    return share[newest], np.ones(ticks, np.bool_)


LANE_OFFSET: Final = Measure("lane_offset", "m", "", "offset from the centre of the lane, left +", _lane_offset)
IN_LANE: Final = Measure("in_lane", YES_NO, "higher", "the whole box within the borders of its lane", _in_lane)
ON_ROAD: Final = Measure(
    "on_road", YES_NO, "higher", "all corners on lanes to drive, park or stop on, within 0.3 m", _on_road
)
ROUTE_PROGRESS: Final = Measure(
    "route_progress", "1", "higher", "share of the way to the goal of the ego's route", _route_progress
)
