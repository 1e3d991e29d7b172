"""Traffic rules: speed limits and red lights.

A red light is run when the middle of the front bumper crosses a stop line in the direction of travel while its signal
has shown red (or red and yellow) since the tick before. Crossing is geometry in the plane, so that it does not matter
which lane the reference point is still on.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from reports.metrics.measure import YES_NO, Measure, Values
from reports.metrics.motion import speed_of
from twin.road.kernels import lane_pose, lane_width
from twin.run import Run
from twin.state import CENTER_X, EGO, LAMP_RED, LAMP_RED_YELLOW, LANE, LENGTH, YAW, X, Y, Z

TOLERANCE_MPS: Final = 0.5  # what a speedometer may err before a limit counts as broken
_LEVEL_M: Final = 3.0


def _overspeed(run: Run) -> Values:
    lane = run.n[:, LANE, EGO]
    limit = np.where(lane >= 0, run.case.road.arrays.speed_limit[lane], np.nan)
    return speed_of(run) - limit, ~np.isnan(limit)


def _speed_limit(run: Run) -> Values:
    over, valid = _overspeed(run)
    return np.where(valid, over <= TOLERANCE_MPS, False).astype(np.float64), valid


def _red_light(run: Run) -> Values:
    road, ego = run.case.road.arrays, run.f[:, :, EGO]
    ticks = len(run.t_ns)
    crossed = np.zeros(ticks)
    front = run.case.p[CENTER_X, EGO] + 0.5 * run.case.p[LENGTH, EGO]
    x, y = ego[:, X] + front * np.cos(ego[:, YAW]), ego[:, Y] + front * np.sin(ego[:, YAW])
    for signal, lane, s in zip(road.stop_signal, road.stop_lane, road.stop_s):
        line_x, line_y, line_z, heading, _, _ = lane_pose(road, lane, s, 0.0)
        c, sin = math.cos(heading), math.sin(heading)
        along = (x - line_x) * c + (y - line_y) * sin
        across = (y - line_y) * c - (x - line_x) * sin
        passed = (along[:-1] < 0.0) & (along[1:] >= 0.0)
        part = np.divide(-along[:-1], along[1:] - along[:-1], out=np.zeros(ticks - 1), where=passed)
        at = across[:-1] + part * (across[1:] - across[:-1])
        here = (np.abs(at) <= 0.5 * lane_width(road, lane, s)) & (np.abs(ego[1:, Z] - line_z) < _LEVEL_M)
        lamp = run.lamps[:-1, signal]
        red = (lamp == LAMP_RED) | (lamp == LAMP_RED_YELLOW)
        crossed[1:] = np.maximum(crossed[1:], passed & here & red)
    return crossed, np.ones(ticks, np.bool_) if len(road.stop_signal) else np.zeros(ticks, np.bool_)


OVERSPEED: Final = Measure(
    "overspeed", "m/s", "lower", "speed above the limit of the lane, negative below", _overspeed, -math.inf
)
SPEED_LIMIT: Final = Measure(
    "speed_limit", YES_NO, "higher", "not faster than the lane's limit, within 0.5 m/s", _speed_limit, 1.0
)
RED_LIGHT: Final = Measure(
    "red_light",
    YES_NO,
    "lower",
    "the front crosses a stop line at red on this tick",
    _red_light,
    0.0,
)
