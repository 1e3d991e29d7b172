"""Lane borders against the geometry of the road."""

import numpy as np
import pytest

from tests.cases import Actor
from tests.sensors.drives import a_case, sense
from twin.case import SensorSpec
from twin.faults import Fault
from twin.samples import LaneBoundaries, TrafficLights
from twin.state import LAMP_RED

EXACT = {"link": {}, "offset_error": 0.0, "heading_error": 0.0, "curvature_error": 0.0, "loss": 0.0}


def seen(
    config: dict[str, object], ego: Actor, faults: list[Fault] | None = None, ticks: int = 1
) -> list[LaneBoundaries]:
    case = a_case([SensorSpec("lanes", "lanes", {**EXACT, **config})], faults or [], [ego])
    samples = sense(case, ticks, [[1.0] * len(case.faults)] * ticks)
    return [s.data for s in samples if isinstance(s.data, LaneBoundaries)]


def test_a_straight_lane_has_its_borders_half_a_width_away() -> None:
    found = seen({}, Actor())[0]
    assert found.left_valid
    assert found.right_valid
    assert found.left == pytest.approx([1.75, 0.0, 0.0, 0.0], abs=1e-6)
    assert found.right == pytest.approx([-1.75, 0.0, 0.0, 0.0], abs=1e-6)


def test_an_offset_and_a_turn_show_in_the_first_two_coefficients() -> None:
    found = seen({}, Actor(d=0.4, turned=0.02))[0]
    assert found.left[0] == pytest.approx(1.35 / np.cos(0.02), abs=1e-4)
    assert found.left[1] == pytest.approx(-np.tan(0.02), abs=1e-4)


def test_errors_have_their_deviation() -> None:
    found = seen({"offset_error": 0.1, "correlation": 0.2}, Actor(), ticks=3000)
    off = np.array([f.left[0] for f in found]) - 1.75
    assert off.std() == pytest.approx(0.1, rel=0.12)


def test_faults_move_or_take_the_borders() -> None:
    moved = seen({}, Actor(), [Fault("ego.lanes", "lane_offset", {"offset": 0.8})])[0]
    assert moved.left[0] == pytest.approx(2.55, abs=1e-6)
    assert moved.right[0] == pytest.approx(-0.95, abs=1e-6)
    gone = seen({}, Actor(), [Fault("ego.lanes", "lane_drop")])[0]
    assert not gone.left_valid
    assert not gone.right_valid


def test_at_the_end_of_the_road_there_is_nothing_to_fit() -> None:
    assert not seen({}, Actor(s=1999.0))[0].left_valid


def lights(ego: Actor, **config: object) -> TrafficLights:
    case = a_case(
        [SensorSpec("lights", "lights", {"link": {}, "distance_error": 0.0, "miss": 0.0, **config})], actors=[ego]
    )
    (sample,) = sense(case, 1)
    assert isinstance(sample.data, TrafficLights)
    return sample.data


def test_a_light_ahead_shows_its_lamp_and_its_line() -> None:
    found = lights(Actor(s=60.0))
    assert found.signal.tolist() == [0]
    assert found.distance_m == pytest.approx([90.0])
    assert found.lamp.tolist() == [LAMP_RED]


def test_lights_far_away_behind_or_of_another_lane_are_not_shown() -> None:
    assert len(lights(Actor(s=60.0), range=80.0).signal) == 0
    assert len(lights(Actor(s=200.0)).signal) == 0
    assert len(lights(Actor(s=60.0, lane=1)).signal) == 0
