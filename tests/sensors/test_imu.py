"""IMU: the Allan deviation of its noise, and the physics in front of it."""

import math

import allantools
import numpy as np
import pytest
from scipy.optimize import nnls

from sensors.imu import GRADES, GRAVITY, Axis, disturb_record, errors_of, felt
from twin.draw import key_of
from twin.state import TR_AX, TR_AY, TR_PITCH, TR_ROWS, TR_YAW_RATE, Floats

QUIET = Axis(white=0.0, instability=0.0)


def record(gyro: Axis, accel: Axis, seconds: float, rate: float, seed: int) -> Floats:
    out = np.zeros((int(seconds * rate), 6))
    disturb_record(out, errors_of(gyro, accel, key_of(seed, "imu", "start")), key_of(seed, "imu", "noise"), 1.0 / rate)
    return out


@pytest.mark.slow
def test_allan_deviation_gives_back_white_noise_and_bias_instability() -> None:
    """N within 5 %, B within 10 %, averaged over six axes of 6 h at 10 Hz; fit sigma^2 = N^2 / t + (0.664 B)^2."""
    gyro, _ = GRADES["navigation"]
    data = record(gyro, gyro.model_copy(update={"turn_on": 0.0}), 6 * 3600.0, 10.0, 3)
    fits = []
    for axis in range(6):
        taus = np.geomspace(0.2, 6 * 3600.0 / 20.0, 24)
        t, deviation, _, n = allantools.oadev(data[:, axis], rate=10.0, data_type="freq", taus=taus)
        variance = deviation**2
        weight = np.sqrt(n * 0.1 / t) / variance
        solution, _ = nnls(np.stack([weight / t, weight], axis=1), weight * variance)
        fits.append((math.sqrt(solution[0]), math.sqrt(solution[1]) / 0.664))
    n_fit, b_fit = np.mean(fits, axis=0)
    assert n_fit == pytest.approx(gyro.white, rel=0.05)
    assert b_fit == pytest.approx(gyro.instability, rel=0.10)


def test_integrated_heading_wanders_with_the_square_root_of_time() -> None:
    white = 2e-4
    ends = []
    for seed in range(300):
        data = record(Axis(white=white, instability=0.0), QUIET, 20.0, 50.0, seed)
        ends += (data[:, 3:].sum(axis=0) / 50.0).tolist()
    assert np.std(ends) == pytest.approx(white * math.sqrt(20.0), rel=0.075)  # 900 walks: 3 sigma of 2.4 %


def test_a_still_level_device_reads_gravity_upwards() -> None:
    x = felt(np.zeros((1, TR_ROWS)), np.array([0]), 0, np.zeros(6))
    assert x.tolist() == [0.0, 0.0, GRAVITY, 0.0, 0.0, 0.0]


def test_nose_up_reads_gravity_forwards() -> None:
    trail = np.zeros((1, TR_ROWS))
    trail[0, TR_PITCH] = -0.1
    x = felt(trail, np.array([0]), 0, np.zeros(6))
    assert x[0] == pytest.approx(GRAVITY * math.sin(0.1))
    assert np.hypot(x[0], x[2]) == pytest.approx(GRAVITY)


def test_the_lever_arm_adds_centripetal_and_tangential_acceleration() -> None:
    trail = np.zeros((2, TR_ROWS))
    trail[:, TR_YAW_RATE] = 0.5, 0.6
    trail[:, TR_AX], trail[:, TR_AY] = 1.0, 2.0
    x = felt(trail, np.array([0, 100_000_000]), 100_000_000, np.array([2.0, 0.0, 0.0, 0.0, 0.0, 0.0]))
    assert x[0] == pytest.approx(1.0 - 0.6**2 * 2.0)
    assert x[1] == pytest.approx(2.0 + 1.0 * 2.0)  # alpha = 0.1 rad/s in 0.1 s
    assert x[5] == pytest.approx(0.6)


def test_a_mount_turned_left_reads_forward_acceleration_to_its_right() -> None:
    trail = np.zeros((1, TR_ROWS))
    trail[0, TR_AX] = 3.0
    x = felt(trail, np.array([0]), 0, np.array([0.0, 0.0, 0.0, math.pi / 2, 0.0, 0.0]))
    assert x[:2] == pytest.approx([0.0, -3.0], abs=1e-12)


def test_values_are_limited_and_quantised() -> None:
    axis = Axis(white=0.0, instability=0.0, limit=1.0, step=0.25)
    out = np.array([[0.3, -5.0, 9.0, 0.13, 0.1, 0.0]])
    disturb_record(out, errors_of(axis, axis, key_of(1, "imu", "start")), key_of(1, "imu", "noise"), 0.01)
    assert out[0].tolist() == [0.25, -1.0, 1.0, 0.25, 0.0, 0.0]


def test_a_perfect_device_changes_nothing() -> None:
    gyro, accel = GRADES["perfect"]
    assert not record(gyro, accel, 1.0, 100.0, 5).any()
