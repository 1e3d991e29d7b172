"""Ways through the network."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest

from twin.errors import InputError
from twin.road import Road, load
from twin.road.arrays import DRIVING
from twin.road.build import straight_road
from twin.road.places import approach, by_ids
from twin.road.routes import LANE_CHANGE_M, route_lanes, route_tables, straight_lanes


@pytest.fixture(scope="module")
def city() -> Road:
    return load("urban_grid")


def test_row_zero_goes_straight_on() -> None:
    road = straight_road(2, 100.0)
    tables = route_tables(road, [None])
    assert tables.next.tolist() == [[-1, -1], [-1, -1]]
    assert np.isinf(tables.rest).all()
    assert not tables.side.any()


def test_a_goal_beside_costs_a_lane_change() -> None:
    tables = route_tables(straight_road(3, 100.0), [(0, 80.0)])
    assert tables.rest[1].tolist() == pytest.approx([80.0, 80.0 + LANE_CHANGE_M, 80.0 + 2 * LANE_CHANGE_M])
    assert tables.side[1].tolist() == [0, 1, 1]


def test_a_lane_that_ends_is_left_for_the_one_that_goes_on() -> None:
    road = load("ramp_merge")
    a = road.arrays
    tables = route_tables(road, [])
    moved = np.flatnonzero(tables.side[0])
    assert [(road.road_names[a.road[k]], int(a.lane_id[k])) for k in moved] == [("2", -3)]
    assert tables.side[0, moved] == [1]


def test_every_way_gets_shorter_by_the_lane_it_takes(city: Road) -> None:
    a = city.arrays
    goal = approach(city, 8, turn="straight").exit
    tables = route_tables(city, [(goal, 30.0)])
    reached = np.flatnonzero(np.isfinite(tables.rest[1]) & (a.kind == DRIVING) & (np.arange(len(a.kind)) != goal))
    assert len(reached) > 60
    for lane in reached:
        assert tables.rest[1, lane] == pytest.approx(a.length[lane] + tables.rest[1, tables.next[1, lane]])


def test_a_route_turns_where_the_goal_asks_for_it(city: Road) -> None:
    for turn in ("left", "right", "straight"):
        way = approach(city, 4, turn=turn)  # type: ignore[arg-type]
        lanes = route_lanes(city, way.spot.lane, 0.0, (way.exit, 10.0))
        assert lanes.tolist() == [way.spot.lane, way.through, way.exit]


def test_a_route_goes_through_its_points(city: Road) -> None:
    a = city.arrays
    left = approach(city, 0, turn="left")
    goal = (approach(city, 4, turn="straight").exit, 20.0)
    direct = route_lanes(city, left.spot.lane, 0.0, goal)
    forced = route_lanes(city, left.spot.lane, 0.0, goal, via=[(left.exit, 5.0)])
    assert left.exit in forced
    for lanes in (direct, forced):
        for one, other in pairwise(lanes):
            assert other in a.succ[a.succ_first[one] : a.succ_first[one + 1]]


def test_a_goal_behind_on_the_same_lane_is_reached_by_going_round() -> None:
    road = load("roundabout")
    ring = by_ids(road, "5", -1, 6.0)
    lanes = route_lanes(road, ring.lane, 6.0, (ring.lane, 3.0))
    assert (lanes[0], lanes[-1], len(lanes)) == (ring.lane, ring.lane, 9)
    assert route_lanes(road, ring.lane, 3.0, (ring.lane, 6.0)).tolist() == [ring.lane]


def test_lane_changes_are_neighbours_in_the_list() -> None:
    assert route_lanes(straight_road(3, 100.0), 2, 0.0, (0, 90.0)).tolist() == [2, 1, 0]


def test_no_way_is_an_error_that_names_both_ends() -> None:
    with pytest.raises(InputError, match="no way leads from road 0, lane_id -1 to road 0, lane_id 1"):
        route_lanes(straight_road(1, 100.0, two_way=True), 0, 0.0, (1, 50.0))
    with pytest.raises(InputError, match="no way leads"):
        route_lanes(straight_road(1, 100.0), 0, 60.0, (0, 50.0))


def test_straight_lanes_cover_the_distance(city: Road) -> None:
    a = city.arrays
    start = by_ids(city, "1", -1, 10.0)
    lanes = straight_lanes(city, start.lane, start.s, 400.0)
    covered = float(a.length[lanes].sum()) - start.s
    assert 400.0 <= covered < 400.0 + float(a.length[lanes[-1]])
    assert len(straight_lanes(city, start.lane, start.s, math.inf)) == 7
