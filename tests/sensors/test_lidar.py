"""LiDAR: range noise, power, timing grid, motion distortion."""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from sensors.coverage import attenuation
from sensors.lidar import PATTERNS, firings, least_power, power, range_deviation, returns
from sensors.rig import build
from tests.cases import Actor
from tests.sensors.drives import a_case, sense, states
from twin.case import SensorSpec
from twin.draw import key_of
from twin.faults import Fault
from twin.ports import Hits, Rays, Truth
from twin.samples import PointCloud, Sample
from twin.state import E_ROWS, RAIN, VISIBILITY

IDEAL = {"link": {}, "range_error": 0.0, "range_spread": 0.0, "angle_error": 0.0, "dropout": 0.0, "step": 0.0}


def first_of(samples: Sequence[Sample]) -> object:
    return samples[0].data


def measured(distance: float, rho: float, n: int, reach: float, spread: float) -> np.ndarray:
    ahead = np.tile([1.0, 0.0, 0.0], (n, 1))
    points, intensity, valid = np.zeros((n, 3), np.float32), np.zeros(n, np.float32), np.zeros(n, np.bool_)
    returns(
        np.full(n, distance), np.ones(n), np.full(n, rho), ahead, key_of(1, "lidar", "return"), np.arange(n), 0.0,
        reach, 0.5, 0.02, spread, 0.0, 0.0, 0.0, points, intensity, valid,
    )  # fmt: skip
    assert valid.all()
    return points[:, 0].astype(float)


def test_range_noise_on_a_plane() -> None:
    """20 m, rho 0.8, 200 m class, dR 0.09 m: SNR 88.9, 2.11 cm within 5 %, bias below 2 mm."""
    snr = power(0.8, 1.0, 20.0, 0.0) / least_power(200.0)
    assert snr == pytest.approx(88.9, abs=0.05)
    assert range_deviation(snr, 0.02, 0.09) == pytest.approx(0.0211, abs=5e-5)
    r = measured(20.0, 0.8, 6000, 200.0, 0.09)
    assert abs(r.mean() - 20.0) < 0.002
    assert r.std() == pytest.approx(0.0211, rel=0.05)


def test_power_falls_with_the_square_of_the_range() -> None:
    scaled = [power(0.5, 1.0, r, 0.0) * r * r for r in (5.0, 20.0, 80.0)]
    assert max(scaled) / min(scaled) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize(
    ("alpha", "reaches"),
    [(0.0, (66.7, 149.1, 200.0)), (0.0043, (53.1, 97.9, 119.6)), (0.06, (20.0, 27.9, 31.0))],
)
def test_reach_by_reflectivity_and_weather(alpha: float, reaches: tuple[float, ...]) -> None:
    for rho, expected in zip((0.1, 0.5, 0.9), reaches):
        r = np.linspace(1.0, 250.0, 249_001)
        seen = [power(rho, 1.0, x, alpha) >= least_power(200.0) for x in r[::10]]
        assert r[::10][np.flatnonzero(seen)[-1]] == pytest.approx(expected, rel=0.01)


def test_attenuation_of_fog_and_rain() -> None:
    air = np.zeros(E_ROWS)
    air[VISIBILITY] = np.inf
    assert attenuation(air) == 0.0
    air[RAIN] = 50.0
    assert attenuation(air) == pytest.approx(4.30e-3, rel=0.01)
    air[RAIN], air[VISIBILITY] = 0.0, 49.93
    assert attenuation(air) == pytest.approx(0.06, rel=1e-3)


def test_a_vlp16_fires_on_its_grid() -> None:
    p = PATTERNS["vlp16"]
    t, channel = firings(-1, 99_999_999, 0, p.cycle_ns, p.gap_ns, 16)
    assert abs(len(t) - 28_935) <= 16
    assert 360.0 * p.cycle_ns / 1e8 == pytest.approx(0.1991, abs=1e-4)
    assert np.array_equal(t, (np.arange(len(t)) // 16) * 55_296 + channel * 2_304)


def test_ticks_share_out_the_firings_without_gap_or_overlap() -> None:
    p = PATTERNS["vlp16"]
    parts = [firings(a, a + 50_000_000, 0, p.cycle_ns, p.gap_ns, 16)[0] for a in range(-1, 200_000_000, 50_000_000)]
    whole = firings(-1, 249_999_999, 0, p.cycle_ns, p.gap_ns, 16)[0]
    assert np.array_equal(np.concatenate(parts), whole)


def wall(at_x: float, requests: Sequence[Rays]) -> list[Hits]:
    out = []
    for r in requests:
        d = r.directions[:, 0]
        distance = np.where(d > 1e-9, (at_x - r.origins[:, 0]) / np.where(d > 1e-9, d, 1.0), np.inf)
        distance[(distance < 0) | (distance > r.max_range_m)] = np.inf
        n = len(d)
        out.append(Hits(distance, np.where(np.isfinite(distance), -1, -2), np.ones(n), np.full(n, 0.9)))
    return out


def test_movement_opens_a_seam_that_de_skewing_closes() -> None:
    """20 m/s towards a wall at 10 Hz with the seam ahead: 2.00 m +- 5 cm raw, below 1 cm de-skewed."""
    spec = SensorSpec("lidar", "lidar", {**IDEAL, "pattern": "vlp16", "seam": 0.0, "mount": {"x": 0.0, "z": 1.0}})
    case = a_case([spec], actors=[Actor(speed=20.0)])
    device = build(case.rig, case)["lidar"]
    clouds = []
    for state in states(case, 6):
        for sample in device.sense(Truth(state, case, lambda r: wall(130.0, r))):
            assert isinstance(sample.data, PointCloud)
            clouds.append(sample.data)
    cloud = clouds[0]
    ahead = np.abs(np.arctan2(cloud.points_xyz[:, 1], cloud.points_xyz[:, 0])) < 0.01
    x, t = cloud.points_xyz[ahead, 0], cloud.t_offset_ns[ahead] * 1e-9
    early, late = t < 0.05, t > 0.05
    assert x[early].mean() - x[late].mean() == pytest.approx(2.0, abs=0.05)
    deskewed = x + 20.0 * t
    assert abs(deskewed[early].mean() - deskewed[late].mean()) < 0.01


def test_a_lost_sector_is_empty_and_the_rest_is_the_same() -> None:
    spec = SensorSpec("lidar", "lidar", {"range": 60.0})
    faults = [Fault("ego.lidar", "sector_loss", {"width": 1.0, "azimuth": 0.0})]
    case = a_case([spec])
    clean = first_of(sense(case, 8))
    lossy = first_of(sense(replace(case, faults=tuple(faults)), 8, [[1.0]] * 8))
    assert isinstance(clean, PointCloud)
    assert isinstance(lossy, PointCloud)
    azimuth = np.arctan2(clean.points_xyz[:, 1], clean.points_xyz[:, 0])
    kept = clean.points_xyz[np.abs(azimuth) > 0.501]
    assert np.abs(np.arctan2(lossy.points_xyz[:, 1], lossy.points_xyz[:, 0])).min() > 0.499
    assert len(kept) <= len(lossy.points_xyz) < len(clean.points_xyz)
    assert {p.tobytes() for p in kept} <= {p.tobytes() for p in lossy.points_xyz}


def test_thinning_loses_its_share_of_returns() -> None:
    spec = SensorSpec("lidar", "lidar", {"range": 60.0})
    faults = (Fault("ego.lidar", "rand_drop", {"probability": 0.8}),)
    case = a_case([spec])
    clean = sum(len(s.data.ring) for s in sense(case, 12) if isinstance(s.data, PointCloud))
    left = sum(
        len(s.data.ring)
        for s in sense(replace(case, faults=faults), 12, [[0.5]] * 12)
        if isinstance(s.data, PointCloud)
    )
    share = 1.0 - left / clean
    assert abs(share - 0.4) < 3 * math.sqrt(0.24 / clean)


def test_the_cars_ahead_are_in_the_cloud() -> None:
    spec = SensorSpec("lidar", "lidar", {**IDEAL, "mount": {"x": 1.3, "z": 1.0}})
    case = a_case([spec], actors=[Actor(), Actor("lead", s=70.0)])
    cloud = sense(case, 4)[0].data
    assert isinstance(cloud, PointCloud)
    x, y, z = cloud.points_xyz.T
    rear = (np.abs(y) < 0.5) & (z > -0.8) & (x > 5.0)
    gap = case.f0[0, 1] + case.p[4, 1] - case.p[1, 1] / 2 - case.f0[0, 0] - 1.3
    assert rear.sum() > 5
    assert x[rear] == pytest.approx(np.full(rear.sum(), gap), abs=1e-3)
