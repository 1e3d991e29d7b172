"""Who will be on the ego's way when the ego gets there: constant-velocity or lane-following prediction.

An object off the way is moved on in steps; where it is inside the ego's corridor at a time close to the ego's own
arrival, there is a conflict. Vehicles on a lane are taken to follow it, everything else to go straight on.

The ego's own passage lasts from the earliest moment at which it could be there, were it to speed up now, to the moment
at which it has passed at the speed it has. So who slows down to let somebody pass goes on letting him pass.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from hil.path import Path, project
from twin.kernel import kernel
from twin.road import RoadArrays
from twin.road.kernels import lane_pose, locate

HORIZON_S: Final = 6.0
STEP_S: Final = 0.2
_MARGIN_S: Final = 1.0  # how far apart two passages have to be
_BODY: Final = 0.4  # side distance kept [m]
_CLEAR_M: Final = 5.0  # way past the meeting point until the ego's tail is out of the way
_SAME_WAY: Final = 0.85  # cosine between two courses from which one joins the other rather than crosses it
_JOIN_M: Final = 2.0
_JOIN_S: Final = 0.4  # headway to whoever joins ahead [s]
_LATE_MPS2: Final = 4.0  # where letting somebody in from behind takes more than that it is too late for it
_TAIL_S: Final = 0.5  # headway left to whoever comes behind [s]
_CLOSING_S: Final = 3.0  # and how long he may take to lose his surplus of speed [s]


@kernel
def earliest(way: float, v: float, v_top: float, accel: float) -> float:
    """Return how soon a car can have gone a way [m] when it speeds up from v to v_top at a constant rate [s]."""
    if way <= 0.0:
        return 0.0
    top = max(v, v_top, 1.0)
    ramp = (top * top - v * v) / (2.0 * accel)
    if way <= ramp:
        return (math.sqrt(v * v + 2.0 * accel * way) - v) / accel
    return (top - v) / accel + (way - ramp) / top


@kernel
def conflict_at(
    road: RoadArrays,
    path: Path,
    i_ego: int,
    s_front: float,
    v: float,
    v_top: float,
    accel: float,
    half_width: float,
    ego_length: float,
    x: float,
    y: float,
    yaw: float,
    speed: float,
    length: float,
    width: float,
    follows_lane: bool,
) -> tuple[float, float]:
    """Return where on the ego's way an object crosses it, and how hard to brake to let it in where it joins.

    The object has its centre at (x, y) in the map frame. The first is an arc length, inf if it never crosses; the
    second a deceleration, 0 if it does not join or leaves room. s_front is the arc length of the ego's front, v its
    speed, v_top and accel how fast it would like to be and get there. The object's extent is taken along and across
    the ego's way.
    """
    if speed < 0.3:
        return np.inf, 0.0
    lane = -1
    s = 0.0
    d = 0.0
    if follows_lane:
        lane, s, d = locate(road, x, y, yaw)
    steps = int(HORIZON_S / STEP_S)
    reach = i_ego + int(max(v, v_top) * HORIZON_S + 20.0)
    for k in range(1, steps + 1):
        if lane >= 0:
            s += speed * STEP_S
            while s > road.length[lane] and road.straight[lane] >= 0:
                s -= road.length[lane]
                lane = road.straight[lane]
            x, y, _, yaw, _, _ = lane_pose(road, lane, s, d)
        else:
            x += speed * STEP_S * math.cos(yaw)
            y += speed * STEP_S * math.sin(yaw)
        index, s_o, d_o = project(path, x, y, i_ego, reach, half_width + 0.5 * length + _BODY)
        turn = yaw - path.heading[index]
        across = abs(math.sin(turn)) * 0.5 * length + abs(math.cos(turn)) * 0.5 * width
        along = abs(math.cos(turn)) * 0.5 * length + abs(math.sin(turn)) * 0.5 * width
        if abs(d_o) > half_width + across + _BODY or s_o + along < s_front:
            continue
        t = k * STEP_S
        if math.cos(turn) > _SAME_WAY:
            behind = s_front + v * t - ego_length - (s_o + along)
            room = s_o - along - (s_front + v * t)
            wish = _JOIN_M + _JOIN_S * v
            if behind > _JOIN_M + _TAIL_S * speed + _CLOSING_S * max(0.0, speed - v) or room > wish:
                return np.inf, 0.0
            decel = 2.0 * (wish - room) / (t * t)
            return np.inf, decel if decel < _LATE_MPS2 or room > -ego_length else 0.0
        t_ego = earliest(s_o - along - s_front, v, v_top, accel)
        t_clear = (s_o + along - s_front + _CLEAR_M) / max(v, 1.0)
        if t_ego - _MARGIN_S < t < t_clear + _MARGIN_S:
            return s_o - along, 0.0
    return np.inf, 0.0
