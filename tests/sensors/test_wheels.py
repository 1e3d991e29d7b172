"""Wheel encoders against arithmetic."""

import math

import numpy as np
import pytest
from scipy import stats

from sensors.wheels import encoders, read, rim, roll
from tests.cases import Actor
from tests.sensors.drives import a_case, sense
from twin.case import SensorSpec
from twin.faults import Fault
from twin.samples import WheelSpeeds
from twin.state import TR_ROWS, TR_STEER, TR_VX, TR_VY, TR_YAW_RATE, Floats

EXACT = {"link": {}, "radius_error": 0.0, "radius_difference": 0.0, "steer_error": 0.0}


def straight(speed: float, seconds: float) -> tuple[Floats, np.ndarray]:
    trail = np.zeros((2, TR_ROWS))
    trail[:, TR_VX] = speed
    return trail, np.array([0, round(seconds * 1e9)])


def test_a_kilometre_is_off_by_the_radius_error() -> None:
    memory = encoders()
    roll(memory, *straight(20.0, 50.0), 0, 50_000_000_000, 2.8, 1.55, np.full(4, 1.01))
    assert memory.way == pytest.approx(np.full(4, 1010.0), rel=1e-9)
    pitch = 2 * math.pi * 0.33 / 96
    read(memory, np.full(4, 20.2), 50.0, pitch, 0.3)
    assert memory.edges[0] * pitch == pytest.approx(1010.0, rel=1e-4)


def test_counting_edges_leaves_an_error_uniform_over_one_pitch() -> None:
    pitch = 2 * math.pi * 0.33 / 96
    assert pitch == pytest.approx(0.0216, abs=5e-5)
    off = []
    for i in range(4000):
        memory = encoders()
        roll(memory, *straight(10.0, 1.0 + i * 0.00071), 0, 10**10, 2.8, 1.55, np.ones(4))
        read(memory, np.full(4, 10.0), 1.0 + i * 0.00071, pitch, 0.3)
        off.append(float(memory.way[0] - memory.edges[0] * pitch))
    assert stats.kstest(off, stats.uniform(0, pitch).cdf).pvalue > 0.001
    assert np.var(off) == pytest.approx(pitch**2 / 12, rel=0.05)


def test_a_radius_difference_turns_the_odometry() -> None:
    """0.2 % over a track of 1.55 m: 1.29 mrad per metre."""
    memory = encoders()
    roll(memory, *straight(10.0, 10.0), 0, 10**10, 2.8, 1.55, np.array([1.0, 1.002, 1.0, 1.002]))
    heading = (memory.way[3] - memory.way[2]) / 1.55
    assert heading / 100.0 == pytest.approx(1.29e-3, rel=0.01)


def test_the_outer_wheel_of_a_curve_is_faster_and_the_front_follows_its_own_plane() -> None:
    row = np.zeros(TR_ROWS)
    row[TR_VX], row[TR_YAW_RATE], row[TR_VY] = 10.0, 0.5, 0.0
    assert rim(row, 2.8, 1.6, 2) == pytest.approx(10.0 - 0.4)
    assert rim(row, 2.8, 1.6, 3) == pytest.approx(10.0 + 0.4)
    row[TR_STEER] = math.atan2(0.5 * 2.8, 10.0)
    row[TR_YAW_RATE] = 0.5
    middle = 0.5 * (rim(row, 2.8, 0.0, 0) + rim(row, 2.8, 0.0, 1))
    assert middle == pytest.approx(math.hypot(10.0, 1.4))


def speeds(config: dict[str, object], faults: list[Fault], hard: float, speed: float = 15.0) -> Floats:
    case = a_case([SensorSpec("wheels", "wheels", {**EXACT, **config})], faults, [Actor(speed=speed)])
    samples = sense(case, 60, [[hard] * len(faults)] * 60)
    return np.array([s.data.wheels_mps for s in samples if isinstance(s.data, WheelSpeeds)])


def test_edge_timing_reads_a_steady_speed() -> None:
    assert np.abs(speeds({}, [], 0.0)[2:] - 15.0).max() <= 0.0101


def test_below_the_cut_off_a_passive_sensor_reads_zero() -> None:
    assert not speeds({"cut_off": 0.5}, [], 0.0, speed=0.4).any()


def test_a_locked_sensor_reads_zero_while_the_car_moves() -> None:
    assert not speeds({}, [Fault("ego.wheels", "stuck_zero")], 1.0).any()


def test_a_larger_rolling_radius_than_assumed_reads_slow() -> None:
    slow = speeds({}, [Fault("ego.wheels", "radius", {"error": 0.05})], 1.0)[2:]
    assert np.abs(slow - 14.25).max() <= 0.02
