"""GNSS: the statistics of its error, its states and its attacks."""

import math

import numpy as np
import pytest

from sensors.gnss import DGNSS, ERRORS, FLOAT, RTK, SPS, wander_record
from tests.sensors.drives import a_case, sense
from twin.case import SensorSpec
from twin.draw import key_of
from twin.faults import Fault
from twin.samples import GnssFix

PLAIN = {"link": {}, "velocity_error": 0.0}


def test_a_correlated_error_has_its_deviation_and_time_constant() -> None:
    """1000 time constants: sigma within 7 %, tau from the autocorrelation at tau / 5 within 15 %."""
    tau, dt = 20.0, 1.0
    row = np.array([2.0, tau, 0.0, 1.0, 0.0, 1.0])
    x = wander_record(row, key_of(11, "gnss", "error"), dt, 20_000)
    for axis in range(3):
        lag = int(tau / 5 / dt)
        centred = x[:, axis] - x[:, axis].mean()
        rho = np.mean(centred[lag:] * centred[:-lag]) / np.mean(centred**2)
        assert centred.std() == pytest.approx(2.0, rel=0.07)
        assert -lag * dt / math.log(rho) == pytest.approx(tau, rel=0.15)


@pytest.mark.parametrize(("quality", "cep"), [(SPS, 1.50), (DGNSS, 0.87), (FLOAT, 0.32), (RTK, 0.0101)])
def test_half_of_all_fixes_lie_within_the_circular_error_probable(quality: int, cep: float) -> None:
    """Samples one slow time constant x 3 apart count as independent: 40,000 of them."""
    x = wander_record(ERRORS[quality], key_of(5, "gnss", f"cep{quality}"), 900.0, 40_000)
    assert np.median(np.hypot(x[:, 0], x[:, 1])) == pytest.approx(cep, rel=0.10)


def fixes(faults: list[Fault], severity: list[list[float]], **config: object) -> list[GnssFix]:
    spec = SensorSpec("gnss", "gnss", {**PLAIN, **config})
    samples = sense(a_case([spec], faults), len(severity), severity)
    return [s.data for s in samples if isinstance(s.data, GnssFix)]


def test_a_dropout_takes_the_fix_away_and_finding_one_again_takes_time() -> None:
    on = [[1.0] if 40 <= k < 60 else [0.0] for k in range(400)]
    quality = np.array([f.quality for f in fixes([Fault("ego.gnss", "dropout")], on)])
    assert set(quality[:20]) == {4}
    assert set(quality[20:45]) == {0}  # 1 s of fault, 1.5 s to find a fix
    assert set(quality[45:125]) == {5}  # 8 s of float
    assert set(quality[126:]) == {4}


def test_without_a_fix_there_are_no_numbers() -> None:
    found = fixes([Fault("ego.gnss", "dropout")], [[1.0]] * 4)
    assert all(np.isnan(f.xyz).all() and f.quality == 0 for f in found)


def test_a_carry_off_walks_left_at_its_rate_and_goes_when_the_attack_ends() -> None:
    on = [[1.0] if 40 <= k < 200 else [0.0] for k in range(240)]
    clean = fixes([], [[]] * 240)
    spoofed = fixes([Fault("ego.gnss", "spoof_drift", {"rate": 0.5})], on)
    off = np.array([a.xyz - b.xyz for a, b in zip(spoofed, clean)])
    assert off[99, 1] == pytest.approx(0.5 * 8.0)
    assert abs(off[99, 0]) < 1e-9
    assert not off[:20].any()
    assert not off[100:].any()
    assert all(f.quality == 4 for f in spoofed)


def test_a_jump_scales_with_severity() -> None:
    clean = fixes([], [[]] * 4)
    spoofed = fixes([Fault("ego.gnss", "spoof_jump", {"distance": 30.0, "direction": 0.0})], [[0.5]] * 4)
    assert (spoofed[1].xyz - clean[1].xyz).tolist() == pytest.approx([15.0, 0.0, 0.0])


def test_the_antenna_stands_off_the_reference_point() -> None:
    spec = SensorSpec(
        "gnss", "gnss", {"link": {}, "mount": {"x": 2.0, "z": 1.5}, "velocity_error": 0.0, "state": "rtk"}
    )
    case = a_case([spec])
    first = sense(case, 1)[0].data
    assert isinstance(first, GnssFix)
    assert first.xyz == pytest.approx([case.f0[0, 0] + 2.0, case.f0[1, 0], 1.5], abs=0.06)
    assert first.velocity_enu == pytest.approx([15.0, 0.0, 0.0])
