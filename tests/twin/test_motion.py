"""Set-points are met exactly, and the way between is the one that the speeds ask for."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.cases import Actor, blocks, straight_on
from twin.environment import environment
from twin.motion import move, wanted_speed
from twin.road.build import straight_road
from twin.state import (
    AIM_LANE,
    AX,
    LANE,
    LATERAL_MODE,
    OFFSET_SET,
    POSE_SET,
    SP_OFFSET,
    SP_ROWS,
    SP_SPEED,
    SP_X,
    SP_Y,
    SP_YAW,
    SPEED_MODE,
    SPEED_SET,
    TRAVELLED,
    VX,
    VY,
    YAW,
    YAW_RATE,
    D,
    S,
    World,
    X,
    Y,
)

ROAD = straight_road(3, 200.0)
ROUTES = straight_on(ROAD)
RIGHT = int(np.argmax(ROAD.arrays.number == 1))
LEFT = int(ROAD.arrays.left[RIGHT])
T = 0.05


def world(*actors: Actor) -> World:
    f, n, p = blocks(ROAD, actors)
    count = len(actors)
    none, nothing = np.zeros(0), np.zeros(0, np.int64)
    touch = np.zeros((count, count), np.int64)
    return World(f, n, p, np.zeros((SP_ROWS, count)), environment(), nothing, none, touch, nothing)


def go(w: World, speed: float, share: float = 1.0) -> None:
    move(w, ROAD.arrays, ROUTES, 0, T, share, speed)


def test_the_way_is_the_mean_speed_times_the_time() -> None:
    w = world(Actor(speed=10.0))
    go(w, 12.0)
    assert w.f[S, 0] == pytest.approx(50.0 + 11.0 * T, abs=1e-12)
    assert w.f[TRAVELLED, 0] == pytest.approx(11.0 * T)
    assert w.f[VX, 0] == 12.0
    assert w.f[AX, 0] == pytest.approx(2.0 / T)


def test_an_offset_is_met_exactly_and_the_speed_counts_along_the_way_gone() -> None:
    w = world(Actor(speed=10.0, d=0.5))
    w.n[LATERAL_MODE, 0], w.sp[SP_OFFSET, 0] = OFFSET_SET, 0.8
    go(w, 10.0)
    assert w.f[D, 0] == 0.8
    assert w.f[S, 0] == pytest.approx(50.0 + math.sqrt(0.5**2 - 0.3**2), abs=1e-9)
    assert w.f[YAW, 0] == pytest.approx(math.atan2(0.3, 0.4), abs=1e-9)


def test_a_lane_change_counts_from_the_lane_aimed_at() -> None:
    w = world(Actor(lane=RIGHT, speed=20.0, d=1.7))
    w.n[LATERAL_MODE, 0], w.n[AIM_LANE, 0], w.sp[SP_OFFSET, 0] = OFFSET_SET, LEFT, -1.7
    go(w, 20.0)
    assert w.n[LANE, 0] == LEFT
    assert w.f[D, 0] == -1.7
    w.sp[SP_OFFSET, 0] = -1.9
    go(w, 20.0)
    assert w.n[LANE, 0] == RIGHT
    assert w.f[D, 0] == pytest.approx(1.6, abs=1e-9)


def test_a_pose_is_met_exactly_and_gives_the_velocity_it_takes() -> None:
    w = world(Actor(speed=0.0))
    w.n[LATERAL_MODE, 0] = POSE_SET
    x, y = w.f[X, 0], w.f[Y, 0]
    w.sp[[SP_X, SP_Y, SP_YAW], 0] = x + 0.5, y, w.f[YAW, 0]
    go(w, 0.0)
    assert (w.f[X, 0], w.f[Y, 0]) == (x + 0.5, y)
    assert w.f[VX, 0] == pytest.approx(10.0)
    assert w.f[VY, 0] == pytest.approx(0.0, abs=1e-12)
    assert w.f[YAW_RATE, 0] == 0.0


def test_shares_of_a_step_end_where_the_whole_step_ends() -> None:
    whole, parts = world(Actor(speed=10.0)), world(Actor(speed=10.0))
    for w in (whole, parts):
        w.n[SPEED_MODE, 0], w.sp[SP_SPEED, 0] = SPEED_SET, 11.0
        w.n[LATERAL_MODE, 0], w.sp[SP_OFFSET, 0] = OFFSET_SET, 0.1
    go(whole, wanted_speed(whole, 0, 1.0))
    for k in range(10):
        share = 1.0 / (10 - k)
        move(parts, ROAD.arrays, ROUTES, 0, T / 10, share, wanted_speed(parts, 0, share))
    assert parts.f[VX, 0] == whole.f[VX, 0] == 11.0
    assert parts.f[D, 0] == whole.f[D, 0] == 0.1
    assert parts.f[S, 0] == pytest.approx(whole.f[S, 0], abs=1e-3)


def test_a_pedestrian_goes_straight_across_the_lanes() -> None:
    w = world(Actor("walker", "adult", lane=RIGHT, s=50.0, turned=math.pi / 2, speed=2.0))
    x, y = w.f[X, 0], w.f[Y, 0]
    for _ in range(40):
        go(w, 2.0)
    assert w.f[X, 0] == pytest.approx(x, abs=1e-9)
    assert w.f[Y, 0] == pytest.approx(y + 4.0)
    assert w.n[LANE, 0] == LEFT


def test_a_cyclist_crosses_too_but_one_along_the_lane_follows_it() -> None:
    crossing = world(Actor("rider", "bicycle", lane=0, s=50.0, turned=math.pi / 2, speed=4.0))
    go(crossing, 4.0)
    assert crossing.f[X, 0] == pytest.approx(50.0, abs=1e-9)
    along = world(Actor("rider", "bicycle", lane=0, s=50.0, turned=0.1, speed=4.0))
    go(along, 4.0)
    assert along.f[S, 0] == pytest.approx(50.2)
    assert along.f[YAW, 0] == pytest.approx(0.0, abs=1e-12)


def test_a_wrong_way_driver_runs_its_lane_backwards() -> None:
    w = world(Actor(speed=10.0, turned=math.pi))
    go(w, 10.0)
    assert w.f[S, 0] == pytest.approx(49.5)
    assert abs(w.f[YAW, 0]) == pytest.approx(math.pi)


def test_an_actor_stops_at_the_dead_end() -> None:
    w = world(Actor(s=199.9, speed=10.0))
    go(w, 10.0)
    assert w.f[S, 0] == 200.0
    assert w.f[VX, 0] == 0.0


def test_off_every_lane_an_actor_keeps_its_course() -> None:
    w = world(Actor("walker", "adult", lane=-1, x=50.0, y=-60.0, turned=0.3, speed=1.0))
    go(w, 1.0)
    assert w.n[LANE, 0] == -1
    assert (w.f[X, 0], w.f[Y, 0]) == pytest.approx((50.0 + 0.05 * math.cos(0.3), -60.0 + 0.05 * math.sin(0.3)))
