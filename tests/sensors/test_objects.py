"""The object list against what it should have seen."""

import math
from dataclasses import replace

import numpy as np
import pytest

from sensors.coverage import LIDAR
from sensors.noise import chain
from sensors.objects import Rules, probability
from tests.cases import Actor
from tests.sensors.drives import a_case, sense
from twin.case import SensorSpec
from twin.draw import key_of, uniforms
from twin.faults import Fault
from twin.samples import ObjectList
from twin.state import RAIN, VISIBILITY

EXACT = {
    "link": {}, "range_error": 0.0, "range_error_share": 0.0, "bearing_error": 0.0, "velocity_error": 0.0,
    "heading_error": 0.0, "size_error": 0.0, "technology": "ideal",
}  # fmt: skip


def lists(specs: list[SensorSpec], actors: list[Actor], ticks: int = 12, **case: object) -> list[ObjectList]:
    built = a_case(specs, actors=actors)
    built = replace(built, **case)  # type: ignore[arg-type]
    severity = [[1.0] * len(built.faults)] * ticks
    return [s.data for s in sense(built, ticks, severity) if isinstance(s.data, ObjectList)]


def one(**config: object) -> list[SensorSpec]:
    return [SensorSpec("objects", "objects", {**EXACT, **config})]


LEAD = [Actor(speed=15.0), Actor("lead", s=90.0, speed=10.0)]


def test_an_exact_list_gives_box_centre_velocity_and_size() -> None:
    found = lists(one(), LEAD)[-1]
    case = a_case(actors=LEAD)
    t = 11 * 0.05
    assert found.center_xy[0] == pytest.approx([40.0 - 5.0 * t + case.p[4, 1], 0.0], abs=1e-9)
    assert found.velocity_xy[0] == pytest.approx([10.0, 0.0], abs=1e-9)
    assert found.size_lw[0] == pytest.approx(case.p[[1, 2], 1])
    assert found.sources.tolist() == [1]


def test_a_track_is_born_on_the_second_frame() -> None:
    assert [len(f.ids) for f in lists(one(), LEAD)[:3]] == [0, 1, 1]


def test_a_car_behind_a_truck_is_not_seen() -> None:
    actors = [Actor(), Actor("truck", body="truck", s=90.0), Actor("hidden", s=130.0)]
    found = lists(one(mount={"z": 1.5}), actors)[-1]
    assert found.center_xy[:, 0].max() < 60.0
    assert len(found.ids) == 1


def test_what_lies_outside_range_or_field_of_view_is_not_seen() -> None:
    assert not len(lists(one(range=30.0), LEAD)[-1].ids)
    behind = [Actor(s=200.0), Actor("follower", s=160.0)]
    assert not len(lists(one(field_of_view=2.0), behind)[-1].ids)
    assert len(lists(one(), behind)[-1].ids) == 1


def two_sources() -> list[SensorSpec]:
    front = SensorSpec("lidar_front", "detector", {"technology": "ideal", "range": 200.0})
    short = SensorSpec("radar_front", "detector", {"technology": "ideal", "range": 60.0})
    return [front, short, SensorSpec("objects", "objects", {**EXACT, "sources": ("lidar_front", "radar_front")})]


def test_each_track_says_which_sources_saw_it() -> None:
    actors = [Actor(), Actor("near", s=80.0), Actor("far", s=140.0, lane=1)]
    found = lists(two_sources(), actors)[-1]
    by_distance = found.sources[np.argsort(found.center_xy[:, 0])]
    assert by_distance.tolist() == [3, 1]


def test_what_only_a_dead_source_saw_vanishes() -> None:
    actors = [Actor(), Actor("near", s=80.0), Actor("far", s=140.0, lane=1)]
    case = a_case(two_sources(), [Fault("ego.lidar_front", "blackout")], actors)
    dark = [[1.0] if k >= 10 else [0.0] for k in range(24)]
    found = [s.data for s in sense(case, 24, dark) if isinstance(s.data, ObjectList)]
    assert len(found[9].ids) == 2
    assert len(found[13].ids) == 2  # coasting
    assert [len(f.ids) for f in found[14:]] == [1] * 10
    assert found[-1].sources.tolist() == [2]
    assert found[-1].center_xy[0, 0] < 60.0


RULES = Rules(-1.0, 4.8, 8.0, 4.0, 0.05, 0.5, 2, 5, *([0.0] * 6), 0.5, 0.0, 0.05)


@pytest.mark.parametrize(("distance", "visible"), [(20.0, 1.0), (90.0, 1.0), (60.0, 0.4), (110.0, 0.6)])
def test_recall_is_the_probability_and_misses_come_in_geometric_bursts(distance: float, visible: float) -> None:
    p = probability(RULES, distance, 100.0, visible, 0.0)
    assert p == pytest.approx(1.0 / (1.0 + math.exp(1.0 + 4.8 * distance / 100.0 - 8.0 * visible)))
    keep, n = 0.5, 60_000
    state, states = 1, []
    for u in uniforms(key_of(2, "objects", f"{distance}"), 0, n):
        state = chain(state, p, keep, u)
        states.append(state)
    seen = np.array(states)
    spread = math.sqrt(p * (1 - p) * (1 + keep) / (1 - keep) / n)
    assert abs(seen.mean() - p) < 3.5 * spread
    edges = np.flatnonzero(np.diff(np.concatenate([[1], seen, [1]])))
    bursts = edges[1::2] - edges[::2]
    leave = p * (1 - keep)
    assert bursts.mean() == pytest.approx(1 / leave, abs=3.5 * math.sqrt(1 - leave) / leave / math.sqrt(len(bursts)))


def test_rain_and_fog_take_range_from_a_lidar() -> None:
    assert LIDAR == 1
    foggy = a_case(actors=LEAD).environment.copy()
    foggy[VISIBILITY] = 40.0
    foggy[RAIN] = 0.0
    clear = lists(one(technology="lidar"), LEAD, 40)
    fog = lists(one(technology="lidar"), LEAD, 40, environment=foggy)
    assert sum(len(f.ids) for f in fog) < 0.5 * sum(len(f.ids) for f in clear)


def test_position_errors_have_their_deviation_and_last() -> None:
    config = {**EXACT, "range_error": 0.5, "correlation": 0.5}
    actors = [Actor(), *(Actor(f"a{i}", s=70.0 + 12 * i, lane=i % 2) for i in range(4))]
    found = lists(
        [SensorSpec("objects", "objects", {**config, "least_visible": 0.0, "range": 300.0})], actors[:2], 4000
    )
    x = np.array([f.center_xy[0, 0] for f in found[2:]])
    off = x - x.mean()
    assert off.std() == pytest.approx(0.5, rel=0.15)
    assert np.mean(off[1:] * off[:-1]) / np.mean(off**2) == pytest.approx(math.exp(-0.1), abs=0.03)


def test_the_miss_fault_takes_its_share() -> None:
    faults = (Fault("ego.objects", "miss", {"probability": 0.3, "burst": 0.1}),)
    steady = [Actor(speed=8.0), Actor("lead", s=90.0, speed=8.0)]
    found = lists(one(death=1, birth=1), steady, 4000, faults=faults)
    share = np.mean([len(f.ids) == 0 for f in found])
    assert share == pytest.approx(0.3, abs=0.04)


def test_ghosts_come_at_their_rate_and_live_their_life() -> None:
    faults = (Fault("ego.objects", "ghost", {"rate": 1.0, "life": 1.0}),)
    found = lists(one(), [Actor(speed=15.0)], 4000, faults=faults)
    ids = {int(i) for f in found for i in f.ids}
    assert len(ids) == pytest.approx(200, abs=3 * math.sqrt(200))
    assert sum(len(f.ids) for f in found) * 0.05 / len(ids) == pytest.approx(1.0, abs=0.25)
