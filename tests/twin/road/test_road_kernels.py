"""Questions about places on lanes, against hand-computed numbers and laws."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.road import Road, load
from twin.road.arrays import DRIVING, OTHER, SHOULDER, SIDEWALK
from twin.road.build import LaneShape, assemble, curvature_of, resample, straight_road
from twin.road.kernels import (
    advance,
    beside,
    contains,
    lane_pose,
    lane_width,
    locate,
    locate_kind,
    project,
    project_global,
    same_thread,
    track,
    turn_between,
    way_ahead,
    way_between,
)
from twin.road.routes import route_tables


def shape(xy: Any, heading: Any, **changed: Any) -> LaneShape:
    """Return a lane through given points, 3.5 m wide."""
    heading = np.asarray(heading, dtype=float)
    xy, heading, step, _ = resample(np.asarray(xy, dtype=float), heading, {})
    count = len(heading)
    fields: dict[str, Any] = {
        **{"road": 0, "section": 0, "lane_id": -1, "kind": DRIVING, "junction": -1, "forward": True},
        **{"speed_limit": math.nan, "step": step, "xyz": np.column_stack([xy, np.zeros(count)]), "heading": heading},
        **{"pitch": np.zeros(count), "curvature": curvature_of(heading, step), "width": np.full(count, 3.5)},
        **{"road_s": np.arange(count) * step, "road_t": np.zeros(count)},
    }
    return LaneShape(**{**fields, **changed})


def circle(radius: float, angle: float) -> Road:
    at = np.linspace(0.0, angle, 40)
    xy = np.stack([radius * np.sin(at), radius * (1 - np.cos(at))], axis=1)
    return assemble("arc", "arc", [shape(xy, at)], (), ("0",))


def chain(*lengths: float) -> Road:
    """Return lanes end to end along +x, each a road of its own."""
    lanes, x = [], 0.0
    for k, length in enumerate(lengths):
        lanes.append(shape([[x, 0.0], [x + length, 0.0]], [0.0, 0.0], road=k))
        x += length
    return assemble(
        "chain", "chain", lanes, [(k, k + 1) for k in range(len(lengths) - 1)], tuple("0123456")[: len(lengths)]
    )


@pytest.fixture(scope="module")
def city() -> Road:
    return load("urban_grid")


def test_turns_are_taken_the_short_way() -> None:
    assert turn_between(0.1, -0.1) == pytest.approx(-0.2)
    assert turn_between(3.0, -3.0) == pytest.approx(2 * math.pi - 6.0)


def test_a_straight_lane_lies_right_of_the_middle() -> None:
    a = straight_road(2, 100.0).arrays
    assert lane_pose(a, 1, 40.0, 0.5) == pytest.approx((40.0, -4.75, 0.0, 0.0, 0.0, 0.0))


def test_oncoming_lanes_run_back() -> None:
    a = straight_road(1, 100.0, two_way=True).arrays
    assert lane_pose(a, 1, 10.0, 1.0)[:4] == pytest.approx((90.0, 0.75, 0.0, math.pi))


def test_beyond_its_ends_a_lane_goes_straight_on() -> None:
    a = circle(50.0, 1.0).arrays
    x, y, _, heading, _, curvature = lane_pose(a, 0, a.length[0] + 5.0, 0.0)
    assert heading == pytest.approx(1.0)
    assert curvature == 0.0
    assert (x, y) == pytest.approx(
        (50 * math.sin(1) + 5 * math.cos(1), 50 * (1 - math.cos(1)) + 5 * math.sin(1)), abs=1e-3
    )


@pytest.mark.parametrize("radius", [8.0, 20.0, 300.0])
def test_an_arc_is_followed_to_the_millimetre(radius: float) -> None:
    a = circle(radius, 1.5).arrays
    assert a.length[0] == pytest.approx(1.5 * radius, rel=1e-6)
    for s in np.linspace(0.0, float(a.length[0]), 97):
        x, y, _, heading, _, curvature = lane_pose(a, 0, s, -2.0)
        assert math.hypot(x, y - radius) == pytest.approx(radius + 2.0, abs=2e-3)
        assert heading == pytest.approx(s / radius, abs=1e-6)
        assert curvature == pytest.approx(1 / radius, rel=1e-3)


def test_a_slope_goes_on_beyond_the_end() -> None:
    up = shape([[0.0, 0.0], [10.0, 0.0]], [0.0, 0.0])
    up.xyz[:, 2] = 0.1 * up.xyz[:, 0]
    up.pitch[:] = -math.atan(0.1)
    a = assemble("hill", "hill", [up], (), ("0",)).arrays
    assert lane_pose(a, 0, 12.0, 0.0)[2] == pytest.approx(1.2)
    assert lane_pose(a, 0, -1.0, 0.0)[2] == pytest.approx(-0.1)


def test_width_is_that_of_the_nearer_end_beyond_the_ends() -> None:
    taper = shape([[0.0, 0.0], [10.0, 0.0]], [0.0, 0.0], width=np.linspace(3.0, 4.0, 11))
    a = assemble("taper", "taper", [taper], (), ("0",)).arrays
    assert [lane_width(a, 0, s) for s in (-1.0, 2.5, 11.0)] == pytest.approx([3.0, 3.25, 4.0])


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_projection_undoes_pose(data: st.DataObject) -> None:
    road = load(data.draw(st.sampled_from(["urban_grid", "roundabout", "rural_curves", "ramp_merge"])))
    a = road.arrays
    lane = data.draw(st.integers(0, len(a.kind) - 1))
    s = data.draw(st.floats(0.0, float(a.length[lane])))
    d = data.draw(st.floats(-3.0, 3.0))
    x, y, *_ = lane_pose(a, lane, s, d)
    found = project(a, lane, x, y, s + data.draw(st.floats(-3.0, 3.0)))
    assert found == pytest.approx((s, d), abs=1e-5)
    assert project_global(a, lane, x, y) == pytest.approx((s, d), abs=1e-5)


@given(lane=st.integers(0, 251), part=st.floats(0.0, 1.0), aside=st.floats(-0.95, 0.95))
@settings(max_examples=300, deadline=None)
def test_the_grid_finds_whatever_lane_holds_a_point(lane: int, part: float, aside: float) -> None:
    a = load("urban_grid").arrays
    s = part * float(a.length[lane])
    d = aside * lane_width(a, lane, s) / 2
    x, y, _, heading, _, _ = lane_pose(a, lane, s, d)
    found, at, off = locate_kind(a, x, y, 1 << int(a.kind[lane]))
    assert found >= 0
    assert contains(a, found, at, off)
    if a.kind[lane] == DRIVING:
        best, at, _ = locate(a, x, y, heading)
        assert math.cos(lane_pose(a, best, at, 0.0)[3] - heading) > 0.97


def test_two_directions_are_told_apart_by_heading() -> None:
    a = straight_road(1, 100.0, two_way=True).arrays
    assert locate(a, 30.0, -1.0, 0.0)[0] == 0
    assert locate(a, 30.0, 1.0, math.pi)[0] == 1
    assert locate(a, 30.0, 9.0, 0.0) == (-1, 0.0, 0.0)
    assert locate(a, 1e9, 9.0, 0.0) == (-1, 0.0, 0.0)


def test_the_neighbour_in_a_bend_is_met_at_the_same_cross_section() -> None:
    at = np.linspace(0.0, 1.5, 40)
    lanes = []
    for k, radius in enumerate((50.0, 53.5)):
        xy = np.stack([radius * np.sin(at), 50.0 - radius * np.cos(at)], axis=1)
        road_s = np.linspace(0.0, 75.0, math.ceil(1.5 * radius) + 1)
        lanes.append(shape(xy, at, lane_id=-1 - k, road_s=road_s))
    a = assemble("bend", "bend", lanes, (), ("0",)).arrays
    lane, s = beside(a, 0, 25.0, -1)
    assert (lane, s) == (1, pytest.approx(25.0 * 53.5 / 50.0, rel=1e-4))
    assert beside(a, 0, 25.0, 1) == (-1, 0.0)


def test_lanes_end_to_end_are_one_thread() -> None:
    a = chain(50.0, 60.0, 70.0).arrays
    assert same_thread(a, 0, 2)
    assert not same_thread(straight_road(2, 50.0).arrays, 0, 1)
    assert not same_thread(a, -1, -1)


def test_advancing_crosses_borders_both_ways() -> None:
    road = chain(50.0, 60.0, 70.0)
    routes = route_tables(road, [])
    assert advance(road.arrays, routes, 0, 0, 45.0, 70.0) == (2, pytest.approx(5.0), 0.0)
    assert advance(road.arrays, routes, 0, 2, 5.0, -70.0) == (0, pytest.approx(45.0), 0.0)
    assert advance(road.arrays, routes, 0, 2, 60.0, 15.0) == (2, pytest.approx(70.0), pytest.approx(5.0))
    assert advance(road.arrays, routes, 0, 0, 1.0, -3.0) == (0, 0.0, pytest.approx(-2.0))


def test_the_way_ahead_crosses_borders_and_ends_at_the_horizon() -> None:
    road = chain(50.0, 60.0, 70.0)
    routes = route_tables(road, [])
    assert way_ahead(road.arrays, routes, 0, 0, 45.0, 2, 5.0, 100.0) == pytest.approx(70.0)
    assert way_ahead(road.arrays, routes, 0, 0, 45.0, 2, 5.0, 69.0) == math.inf
    assert way_ahead(road.arrays, routes, 0, 0, 45.0, 0, 44.0, 69.0) == math.inf


def test_the_way_between_is_signed_and_sees_neighbours_and_oncoming_lanes() -> None:
    a = straight_road(2, 100.0, two_way=True).arrays
    assert way_between(a, 0, 10.0, 0, 40.0, 200.0) == pytest.approx(30.0)
    assert way_between(a, 0, 10.0, 1, 4.0, 200.0) == pytest.approx(-6.0)
    assert way_between(a, 0, 10.0, 2, 60.0, 200.0) == pytest.approx(30.0)
    assert math.isnan(way_between(a, 0, 10.0, 0, 40.0, 20.0))
    assert math.isnan(way_between(a, 0, 10.0, -1, 40.0, 200.0))


def test_the_way_between_crosses_borders() -> None:
    a = chain(50.0, 60.0, 70.0).arrays
    assert way_between(a, 0, 45.0, 2, 5.0, 100.0) == pytest.approx(70.0)
    assert way_between(a, 2, 5.0, 0, 45.0, 100.0) == pytest.approx(-70.0)


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_the_way_between_is_antisymmetric(data: st.DataObject) -> None:
    a = load("urban_grid").arrays
    driving = np.flatnonzero(a.kind == DRIVING)
    one, other = (int(data.draw(st.sampled_from(driving.tolist()))) for _ in range(2))
    s_one = data.draw(st.floats(0.0, float(a.length[one])))
    s_other = data.draw(st.floats(0.0, float(a.length[other])))
    there = way_between(a, one, s_one, other, s_other, 500.0)
    back = way_between(a, other, s_other, one, s_one, 500.0)
    if bool(a.lane_id[one] > 0) == bool(a.lane_id[other] > 0) or math.isnan(there):
        assert back == pytest.approx(-there, abs=1e-3, nan_ok=True)


def test_who_turned_off_in_the_junction_is_still_ahead(city: Road) -> None:
    a = city.arrays
    entry = next(k for k in range(len(a.kind)) if a.succ_first[k + 1] - a.succ_first[k] == 3)
    for through in a.succ[a.succ_first[entry] : a.succ_first[entry + 1]]:
        assert way_between(a, entry, a.length[entry] - 10.0, int(through), 4.0, 200.0) == pytest.approx(14.0)


@pytest.mark.parametrize("choice", [0, 1, 2])
def test_tracking_follows_the_route_through_a_junction(city: Road, choice: int) -> None:
    a = city.arrays
    entry = next(k for k in range(len(a.kind)) if a.succ_first[k + 1] - a.succ_first[k] == 3)
    through = int(a.succ[a.succ_first[entry] + choice])
    exit_lane = int(a.straight[through])
    routes = route_tables(city, [(exit_lane, 50.0)])
    lane, s = entry, float(a.length[entry]) - 5.0
    visited = []
    for k in range(80):
        target = advance(a, routes, 1, entry, float(a.length[entry]) - 5.0, 0.8 * (k + 1))
        x, y, _, heading, _, _ = lane_pose(a, target[0], target[1], 0.4)
        lane, s, d = track(a, routes, 1, lane, s, x, y, heading)
        assert (lane, s, d) == (target[0], pytest.approx(target[1], abs=0.05), pytest.approx(0.4, abs=1e-3))
        visited.append(lane)
    assert list(dict.fromkeys(visited)) == [entry, through, exit_lane]


def test_tracking_takes_the_branch_that_was_driven_against_the_route(city: Road) -> None:
    a = city.arrays
    entry = next(k for k in range(len(a.kind)) if a.succ_first[k + 1] - a.succ_first[k] == 3)
    ways = [int(k) for k in a.succ[a.succ_first[entry] : a.succ_first[entry + 1]]]
    other = next(k for k in ways if k != a.straight[entry])
    routes = route_tables(city, [])
    lane, s = entry, float(a.length[entry]) - 1.0
    for at in np.arange(0.5, float(a.length[other]), 0.5):
        x, y, _, heading, _, _ = lane_pose(a, other, at, 0.0)
        lane, s, _ = track(a, routes, 0, lane, s, x, y, heading)
    assert lane == other


def test_tracking_crosses_to_neighbours_oncoming_lanes_and_off_the_road() -> None:
    road = straight_road(2, 100.0, two_way=True)
    routes = route_tables(road, [])
    a = road.arrays
    assert track(a, routes, 0, 0, 10.0, 11.0, -5.0, 0.0) == (1, pytest.approx(11.0), pytest.approx(0.25))
    assert track(a, routes, 0, 0, 10.0, 11.0, 1.0, 0.0) == (2, pytest.approx(89.0), pytest.approx(0.75))
    assert track(a, routes, 0, 1, 10.0, 11.0, -9.0, 0.0)[0] == -1
    assert track(a, routes, 0, 0, 99.5, 100.5, -1.0, 0.0)[0] == -1
    assert track(a, routes, 0, -1, 0.0, 11.0, -5.0, 0.0)[0] == 1


def test_who_leaves_the_carriageway_is_on_the_shoulder(city: Road) -> None:
    motorway = load("motorway_3_lanes")
    a = motorway.arrays
    right = next(k for k in range(len(a.kind)) if a.lane_id[k] == -4)
    x, y, _, heading, _, _ = lane_pose(a, right, 500.0, -3.4)
    lane, _, _ = track(a, route_tables(motorway, []), 0, right, 500.0, x, y, heading)
    assert a.kind[lane] == SHOULDER
    assert SIDEWALK in city.arrays.kind
    assert OTHER in a.kind
