"""Maps that nobody here wrote."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from twin.road import load
from twin.road.arrays import DRIVING
from twin.road.places import approach, find_junction, find_lane, main_lane

TOWNS = ("scenic-maps-carla/Town01", "carla-towns-2019/Town03", "scenic-maps-carla/Town10HD")

ORACLE = """
import json, sys, carla
world = carla.Map("oracle", open(sys.argv[1]).read())
out = []
for road, lane, s in json.load(sys.stdin):
    here = world.get_waypoint_xodr(road, lane, s)
    after = here.next_until_lane_end(0.5)[-1].next(1.0)
    out.append(sorted({(w.road_id, w.lane_id) for w in after}))
print(json.dumps(out))
"""


@pytest.mark.slow
def test_every_map_loads_and_its_lanes_meet(shared_data: Path) -> None:
    paths = sorted(shared_data.rglob("*.xodr"))
    assert len(paths) >= 30
    wide = []
    for path in paths:
        a = load(str(path)).arrays
        for key in ("x", "y", "z", "heading", "pitch", "curvature", "width"):
            assert np.isfinite(getattr(a, key)).all(), (path, key)
        lane_of = np.repeat(np.arange(len(a.kind)), np.diff(a.succ_first))
        end, start = a.first[lane_of + 1] - 1, a.first[a.succ]
        gaps = np.hypot(a.x[end] - a.x[start], a.y[end] - a.y[start])
        wide += [(path.name, float(gap)) for gap in gaps[a.kind[lane_of] == DRIVING] if gap > 0.05]
    assert len(wide) <= 1, wide


@pytest.mark.parametrize("town", TOWNS)
def test_successors_agree_with_the_simulator_s_own(shared_data: Path, town: str) -> None:
    path = shared_data / f"{town}.xodr"
    road = load(str(path))
    a = road.arrays
    asked, ours = [], []
    for lane in np.flatnonzero((a.kind == DRIVING) & (a.length > 3.0)):
        after = a.succ[a.succ_first[lane] : a.succ_first[lane + 1]]
        if len(after) == 0 or (a.length[after] < 1.6).any() or (a.road[after] == a.road[lane]).any():
            continue
        middle = (a.first[lane] + a.first[lane + 1]) // 2
        asked.append((int(road.road_names[a.road[lane]]), int(a.lane_id[lane]), float(a.road_s[middle])))
        ours.append(sorted({(int(road.road_names[a.road[k]]), int(a.lane_id[k])) for k in after.tolist()}))
    done = subprocess.run(
        [sys.executable, "-c", ORACLE, str(path)], input=json.dumps(asked), capture_output=True, text=True, check=True
    )
    theirs = [[tuple(pair) for pair in pairs] for pairs in json.loads(done.stdout.splitlines()[-1])]
    assert len(ours) > 80
    differ = [(one, two, three) for one, two, three in zip(asked, ours, theirs) if two != three]
    assert not differ, (len(differ), differ[:5])


@pytest.mark.parametrize("town", TOWNS)
def test_places_by_topology_are_found(shared_data: Path, town: str) -> None:
    road = load(str(shared_data / f"{town}.xodr"))
    a = road.arrays
    way = approach(road, find_junction(road), turn="left")
    assert a.junction[way.through] >= 0
    spot = find_lane(road, length=60.0, curvature_below=0.01)
    assert a.kind[spot.lane] == DRIVING
    assert main_lane(road, 1, 20.0).lane >= 0


def test_lights_of_a_town_stop_traffic_before_or_in_its_junctions(shared_data: Path) -> None:
    road = load(str(shared_data / "scenic-maps-carla/Town01.xodr"))
    a = road.arrays
    assert len(road.signal_names) == 36
    assert set(a.stop_signal.tolist()) == set(range(36))
    assert (a.junction[a.stop_lane] >= 0).all()
    assert not a.stop_s.any()


def test_the_alks_roads_are_found_by_their_opendrive_ids(shared_data: Path) -> None:
    from twin.road.places import by_ids

    folder = shared_data / "osc-alks/logical_scenarios/concrete_scenarios/road_networks"
    road = load("alks_road_straight", [folder])
    spot = by_ids(road, "0", -4, 5.0)
    assert road.arrays.kind[spot.lane] == DRIVING
    assert road.arrays.number[spot.lane] == 2
