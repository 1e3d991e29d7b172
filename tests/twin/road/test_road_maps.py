"""The shipped maps: as their script writes them, connected, and what they promise."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from twin.maps.make import MAPS, MapText
from twin.road import load, map_names
from twin.road.arrays import DRIVING, PARKING, SHOULDER, SIDEWALK
from twin.road.library import SHIPPED


@pytest.mark.parametrize("make", MAPS, ids=lambda make: make.__name__)
def test_the_shipped_file_is_what_the_script_writes(make: Callable[[], MapText]) -> None:
    made = make()
    assert (SHIPPED / f"{made.name}.xodr").read_text(encoding="utf-8") == made.text()


@pytest.mark.parametrize("name", map_names())
def test_successors_meet_in_place_heading_and_width(name: str) -> None:
    a = load(name).arrays
    for lane in np.flatnonzero(a.kind == DRIVING):
        end = a.first[lane + 1] - 1
        for after in a.succ[a.succ_first[lane] : a.succ_first[lane + 1]]:
            start = a.first[after]
            assert np.hypot(a.x[end] - a.x[start], a.y[end] - a.y[start]) < 0.05
            assert abs(a.z[end] - a.z[start]) < 0.05
            assert np.cos(a.heading[end] - a.heading[start]) > 0.9999
            assert abs(a.width[end] - a.width[start]) < 0.05


@pytest.mark.parametrize(
    ("name", "ends"),
    [("motorway_3_lanes", 6), ("rural_curves", 2), ("urban_grid", 12), ("roundabout", 4), ("ramp_merge", 3)],
)
def test_roads_end_only_at_the_edge_of_the_map_or_where_the_ramp_does(name: str, ends: int) -> None:
    a = load(name).arrays
    assert np.count_nonzero((a.kind == DRIVING) & (a.straight < 0)) == ends


def test_the_motorway_is_long_wide_and_gentle() -> None:
    a = load("motorway_3_lanes").arrays
    driving = a.kind == DRIVING
    assert sorted(a.number[driving].tolist()) == [1, 1, 2, 2, 3, 3]
    assert a.length[driving].min() > 5000.0
    assert np.abs(a.curvature).max() < 1 / 1500.0
    assert a.speed_limit[driving] == pytest.approx(130 / 3.6)
    assert SHOULDER in a.kind


def test_the_city_has_nine_signalised_crossroads() -> None:
    road = load("urban_grid")
    a = road.arrays
    assert len(road.junction_names) == 9
    assert len(road.signal_names) == len(a.stop_lane) == len(road.crossings) == 36
    assert len(road.controllers) == 18
    assert {len(ids) for ids in road.junction_controllers.values()} == {2}
    assert {DRIVING, PARKING, SIDEWALK} <= set(a.kind.tolist())
    assert len(a.boxes) == 120
    assert a.speed_limit[a.kind == DRIVING] == pytest.approx(50 / 3.6)


def test_no_house_stands_on_a_lane() -> None:
    a = load("urban_grid").arrays
    for x, y, _, yaw, length, width, _ in a.boxes:
        u = (a.x - x) * np.cos(yaw) + (a.y - y) * np.sin(yaw)
        v = (a.y - y) * np.cos(yaw) - (a.x - x) * np.sin(yaw)
        free = np.maximum(np.abs(u) - length / 2, np.abs(v) - width / 2)
        assert (free > a.width / 2).all()


def test_the_country_road_bends_and_climbs() -> None:
    a = load("rural_curves").arrays
    assert 1 / 130 < np.abs(a.curvature).max() < 1 / 110
    assert 0.065 < np.tan(-a.pitch).max() < 0.09
    assert np.ptp(a.z) > 30.0
    assert a.speed_limit[0] == pytest.approx(100 / 3.6)


def test_the_ring_of_the_roundabout_closes() -> None:
    road = load("roundabout")
    a = road.arrays
    lane = next(k for k in range(len(a.kind)) if road.road_names[a.road[k]] == "5")
    seen = []
    while lane not in seen:
        seen.append(lane)
        lane = int(a.straight[lane])
    assert (len(seen), lane) == (8, seen[0])
    assert sum(float(a.length[k]) for k in seen) == pytest.approx(2 * np.pi * 18.0, rel=1e-3)


def test_the_acceleration_lane_tapers_to_nothing() -> None:
    a = load("ramp_merge").arrays
    ending = [
        k
        for k in range(len(a.kind))
        if a.kind[k] == DRIVING and a.straight[k] < 0 and a.width[a.first[k + 1] - 1] < 0.1
    ]
    assert len(ending) == 1
    assert a.length[ending[0]] == pytest.approx(250.0, abs=1.0)
    assert a.left[ending[0]] >= 0
