"""Places by number, ids, coordinates and topology."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.errors import InputError, UnknownName
from twin.road import Road, load
from twin.road.arrays import DRIVING, SIDEWALK
from twin.road.build import straight_road
from twin.road.places import (
    approach,
    by_geo,
    by_ids,
    by_road,
    by_xy,
    find_crossing,
    find_junction,
    find_lane,
    main_lane,
    neighbour,
)


@pytest.fixture(scope="module")
def city() -> Road:
    return load("urban_grid")


@pytest.fixture(scope="module")
def motorway() -> Road:
    return load("motorway_3_lanes")


def test_lanes_count_from_the_right_on_the_main_road(motorway: Road) -> None:
    for number in (1, 2, 3):
        spot = main_lane(motorway, number, 100.0)
        assert (spot.x, spot.y) == pytest.approx((100.0, -2.0 - (3.5 - number) * 3.75), abs=1e-5)
        assert motorway.arrays.number[spot.lane] == number


def test_the_main_road_crosses_junctions(city: Road) -> None:
    spot = main_lane(city, 1, 700.0)
    assert (spot.x, spot.y, spot.heading) == pytest.approx((525.0, -1.75, 0.0), abs=1e-4)


def test_a_lane_or_an_s_that_is_not_there_is_refused(motorway: Road) -> None:
    with pytest.raises(InputError, match=r"has 3 lanes at s = 100 m.*no lane 4"):
        main_lane(motorway, 4, 100.0)
    with pytest.raises(InputError, match="no lane 0"):
        main_lane(motorway, 0, 100.0)
    for s in (-1.0, 1e6, math.nan):
        with pytest.raises(InputError, match="is not on it"):
            main_lane(motorway, 1, s)


def test_opendrive_ids_are_found_in_the_lane_s_own_direction(motorway: Road) -> None:
    there = by_ids(motorway, "1", -2, 50.0, 0.5)
    assert (there.x, there.y, there.heading, there.d) == pytest.approx((50.0, -3.375, 0.0, 0.5))
    back = by_ids(motorway, "1", 2, 50.0, 0.5)
    assert (back.x, back.y, abs(back.heading)) == pytest.approx((50.0, 3.375, math.pi), abs=1e-5)
    assert back.s == pytest.approx(motorway.arrays.length[back.lane] - 50.0, abs=1e-3)


def test_ids_that_are_not_there_are_refused(motorway: Road) -> None:
    with pytest.raises(UnknownName, match="no road of map 'motorway_3_lanes' is called '9'"):
        by_ids(motorway, "9", -1, 5.0)
    with pytest.raises(InputError, match=r"has no lane -9 at s = 5 m; it has -5, -4"):
        by_ids(motorway, "1", -9, 5.0)
    with pytest.raises(InputError, match=r"from 0 to 6200 m long; s = 7000 m"):
        by_ids(motorway, "1", -1, 7000.0)


def test_road_coordinates_fall_on_the_lane_that_holds_them(motorway: Road, city: Road) -> None:
    for t in (-9.0, -3.0, 3.0, 9.0):
        spot = by_road(motorway, "1", 50.0, t)
        assert (spot.x, spot.y) == pytest.approx((50.0, t), abs=1e-4)
        assert abs(spot.d) <= 1.875
    way = approach(city, 0, turn="left")
    name = city.road_names[city.arrays.road[way.through]]
    assert by_road(city, name, 5.0, 0.0).d == pytest.approx(0.0, abs=1e-6)


def test_coordinates_prefer_the_lane_that_heads_the_same_way() -> None:
    road = straight_road(1, 100.0, two_way=True)
    assert by_xy(road, 30.0, -1.0).lane == 0
    assert by_xy(road, 30.0, 1.0).heading == pytest.approx(-math.pi)
    off = by_xy(road, 30.0, 50.0, 1.0, 2.0)
    assert (off.lane, off.x, off.y, off.z, off.heading) == (-1, 30.0, 50.0, 2.0, 1.0)


def test_coordinates_on_the_pavement_are_on_the_pavement(city: Road) -> None:
    spot = by_xy(city, 100.0, 6.9)
    assert city.arrays.kind[spot.lane] == SIDEWALK


def test_latitude_and_longitude_are_places_too(city: Road) -> None:
    spot = by_geo(city, 48.1, 11.5)
    assert (spot.x, spot.y) == pytest.approx((0.0, 0.0), abs=1e-6)


def test_a_lane_is_found_by_what_it_is_like(motorway: Road) -> None:
    spot = find_lane(motorway, length=400.0, right_lane_for=200.0, curvature_below=0.001)
    assert motorway.arrays.right[spot.lane] >= 0
    assert spot.s == 0.0
    left = find_lane(motorway, left_lane_for=50.0)
    assert motorway.arrays.left[left.lane] >= 0


def test_a_curve_is_found_where_the_road_bends_all_along() -> None:
    road = load("rural_curves")
    a = road.arrays
    spot = find_lane(road, length=60.0, curvature_above=1 / 160)
    points = a.first[spot.lane] + ((spot.s + np.arange(61)) / a.step[spot.lane]).astype(int)
    assert (np.abs(a.curvature[points]) > 1 / 165).all()
    steep = find_lane(road, length=50.0, grade_above=0.05)
    assert abs(math.tan(a.pitch[a.first[steep.lane] + int(steep.s)])) > 0.05


def test_pick_counts_through_the_places_found(motorway: Road) -> None:
    spots = [find_lane(motorway, lanes_at_least=3, pick=k) for k in range(3)]
    assert [spot.s for spot in spots] == [0.0, 5.0, 10.0]


@pytest.mark.parametrize(
    ("clauses", "named"),
    [
        ({"length": 1e5}, "length: 100000 m"),
        ({"curvature_above": 0.1}, "curvature_above: 0.1 1/m"),
        ({"length": 100.0, "lanes_at_least": 4}, "lanes_at_least: 4"),
        ({"speed_limit_above": 50.0}, "speed_limit_above: 50 m/s"),
        ({"grade_above": 0.01}, "grade_above: 0.01"),
    ],
)
def test_no_match_names_the_clause_that_failed(motorway: Road, clauses: dict[str, float], named: str) -> None:
    with pytest.raises(InputError, match=named):
        find_lane(motorway, **clauses)  # type: ignore[arg-type]


def test_junctions_are_found_by_signals_and_arms(city: Road, motorway: Road) -> None:
    assert city.junction_names[find_junction(city, signalised=True, arms=4)] == "100"
    assert find_junction(load("roundabout"), signalised=False, arms=3) == 0
    with pytest.raises(InputError, match="no junction with signalised: false"):
        find_junction(city, signalised=False)
    with pytest.raises(InputError, match="arms: 5; there are some with 4"):
        find_junction(city, arms=5)
    with pytest.raises(InputError, match="has no junction"):
        find_junction(motorway)


def test_an_approach_ends_at_the_stop_line(city: Road) -> None:
    a = city.arrays
    way = approach(city, 0, turn="straight")
    (line,) = a.stop_s[a.stop_lane == way.spot.lane]
    assert way.spot.s == line
    assert a.length[way.spot.lane] - line == pytest.approx(7.0, abs=1e-3)


def test_who_comes_from_the_right_crosses_from_right_to_left(city: Road) -> None:
    mine = approach(city, 0, turn="straight").spot
    sides = {
        "right": approach(city, 0, turn="straight", from_right_of=mine).spot,
        "left": approach(city, 0, turn="straight", from_left_of=mine).spot,
        "opposite": approach(city, 0, turn="left", opposite_to=mine).spot,
    }
    seen = {}
    for name, spot in sides.items():
        dx, dy = spot.x - mine.x, spot.y - mine.y
        seen[name] = math.copysign(1, math.cos(mine.heading) * dy - math.sin(mine.heading) * dx)
        seen[f"{name} heads"] = round(math.degrees(spot.heading - mine.heading)) % 360
    assert (seen["right"], seen["right heads"]) == (-1, 90)
    assert (seen["left"], seen["left heads"]) == (1, 270)
    assert seen["opposite heads"] == 180


def test_turns_are_what_they_are_called(city: Road) -> None:
    a = city.arrays
    for turn, angle in (("left", 90), ("straight", 0), ("right", -90)):
        way = approach(city, 4, turn=turn)  # type: ignore[arg-type]
        ends = a.heading[a.first[way.through + 1] - 1] - a.heading[a.first[way.through]]
        assert math.degrees(ends) == pytest.approx(angle, abs=1e-3)
        assert a.junction[way.exit] == -1


def test_an_approach_that_is_not_there_is_named() -> None:
    road = load("ramp_merge")
    with pytest.raises(InputError, match=r"junction '100' of map 'ramp_merge' has no approach with turn: left"):
        approach(road, 0, turn="left")


def test_a_crossing_is_found_on_the_lane_it_crosses(city: Road) -> None:
    spot = find_crossing(city)
    assert city.arrays.kind[spot.lane] == DRIVING
    polygon = city.crossings[0]
    assert any(
        (p.min(axis=0) <= (spot.x, spot.y)).all() and (p.max(axis=0) >= (spot.x, spot.y)).all() for p in city.crossings
    )
    assert len(polygon) == 4
    with pytest.raises(InputError, match="no pedestrian crossing"):
        find_crossing(load("ramp_merge"))


def test_neighbours_keep_the_cross_section(motorway: Road) -> None:
    right = main_lane(motorway, 1, 3000.0)
    left = neighbour(motorway, right, 2)
    assert math.hypot(left.x - right.x, left.y - right.y) == pytest.approx(7.5, abs=1e-3)
    with pytest.raises(InputError, match="no lane to the left of road 1, lane_id -4"):
        neighbour(motorway, right, 3)
