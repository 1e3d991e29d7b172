"""The localiser: what it makes of what it is told."""

import math

import numpy as np
import pytest

from tests.cases import Actor
from tests.sensors.drives import STEP_NS, a_case, sense, states
from twin.case import SensorSpec
from twin.faults import Fault
from twin.samples import PoseEstimate, Sample
from twin.state import EGO, YAW, X, Y

SOURCES = ("imu", "wheels", "gnss")


def specs(state: str = "rtk") -> list[SensorSpec]:
    return [
        SensorSpec("imu", "imu"),
        SensorSpec("wheels", "wheels"),
        SensorSpec("gnss", "gnss", {"state": state}),
        SensorSpec("localiser", "localiser", {"sources": SOURCES}),
    ]


def errors(
    faults: list[Fault], severity: list[list[float]], turn: float = 0.05, state: str = "rtk"
) -> tuple[np.ndarray, np.ndarray]:
    """Return position error and claimed deviation per tick."""
    case = a_case(specs(state), faults, [Actor(speed=15.0)])
    truth = {s.t_ns: s.f[:, EGO] for s in states(case, len(severity), severity, turn)}
    found: list[Sample] = [s for s in sense(case, len(severity), severity, turn) if s.sensor == "localiser"]
    off, claimed = [], []
    for s in found:
        assert isinstance(s.data, PoseEstimate)
        f = truth[s.t_meas_ns]
        off.append(math.hypot(s.data.x - f[X], s.data.y - f[Y]))
        claimed.append(s.data.std_xy)
        assert abs(math.remainder(s.data.yaw - f[YAW], 2 * math.pi)) < 0.05 or faults
    return np.array(off), np.array(claimed)


def test_stays_within_decimetres_with_a_fixed_solution() -> None:
    off, claimed = errors([], [[]] * 600)
    assert len(off) == 600
    assert off.max() < 0.35
    assert np.sqrt(np.mean(off**2)) < 4.0 * claimed.mean()


def test_late_fixes_are_put_in_at_their_own_time() -> None:
    """At 15 m/s a fix 80 ms old would pull 1.2 m back if it were taken for new."""
    off, _ = errors([], [[]] * 200, turn=0.0)
    assert off[100:].mean() < 0.25


def test_without_gnss_the_claim_grows_with_the_error() -> None:
    dark = [[0.0] if k < 40 else [1.0] for k in range(600)]
    off, claimed = errors([Fault("ego.gnss", "blackout")], dark)
    assert claimed[-1] > 4.0 * claimed[39]
    assert off[-1] < 12.0
    assert off[-1] < 6.0 * claimed[-1]


def test_a_slow_carry_off_is_followed_and_a_jump_is_refused() -> None:
    drift = [[0.0] if k < 40 else [1.0] for k in range(440)]
    carried, _ = errors([Fault("ego.gnss", "spoof_drift", {"rate": 0.5})], drift)
    assert carried[-1] > 3.0
    jump = [[1.0] if 40 <= k < 80 else [0.0] for k in range(100)]
    refused, _ = errors([Fault("ego.gnss", "spoof_jump", {"distance": 50.0})], jump)
    assert refused.max() < 1.0


def test_an_estimate_stands_ready_at_the_start_near_the_first_pose() -> None:
    off, claimed = errors([], [[]] * 2)
    assert STEP_NS == 50_000_000
    assert off[0] < 0.3
    assert claimed[0] == pytest.approx(0.05, rel=1e-6)


def test_it_never_looks_at_the_truth() -> None:
    """Frozen sources freeze what it can know: the estimate moves on at the speed last measured."""
    faults = [Fault(f"ego.{name}", "blackout") for name in SOURCES]
    case = a_case(specs(), faults, [Actor(speed=15.0)])
    samples = sense(case, 40, [[1.0] * 3] * 40, turn=0.3)
    last = samples[-1].data
    assert isinstance(last, PoseEstimate)
    assert abs(last.yaw - case.f0[YAW, EGO]) < 0.05
