"""Speed and steering laws against published and hand-computed values."""

from __future__ import annotations

import math

import pytest

from hil.conflict import earliest
from hil.fsm import cfs, demand, pfs
from hil.lateral import SETTLE_S, hold, pursue, road_wheel
from hil.longitudinal import braking_needed, cool, idm

KMH = 1.0 / 3.6


@pytest.mark.parametrize(("d", "expected"), [(20.0, 0.8384), (25.0, 0.4701), (30.0, 0.1017), (31.4, 0.0), (17.8, 1.0)])
def test_pfs_when_both_drive_60(d: float, expected: float) -> None:
    assert pfs(d, 60 * KMH, 60 * KMH) == pytest.approx(expected, abs=5e-5)


@pytest.mark.parametrize(
    ("d", "u_r", "u_l", "expected"), [(20.0, 60, 20, 0.7320), (60.0, 130, 60, 0.1171), (23.77, 60, 20, 0.0)]
)
def test_cfs(d: float, u_r: float, u_l: float, expected: float) -> None:
    assert cfs(d, u_r * KMH, u_l * KMH, 0.0) == pytest.approx(expected, abs=5e-5)


def test_cfs_is_zero_behind_a_faster_leader() -> None:
    assert cfs(1.0, 10.0, 10.0, 0.0) == 0.0


def test_cfs_while_already_braking_below_the_leaders_speed() -> None:
    # 10 m/s behind 9 m/s braking at 4: after 0.75 s slower than the leader; needs (1^2) / (2 * 4) = 0.125 m
    assert cfs(0.12, 10.0, 9.0, -4.0) == 1.0
    assert cfs(0.13, 10.0, 9.0, -4.0) == 0.0


def test_the_demand_stays_between_the_models_limits() -> None:
    assert demand(1.0, 30.0, 0.0, 0.0) == 6.0
    assert demand(500.0, 30.0, 30.0, 0.0) == 0.0
    assert 0.0 < demand(25.0, 60 * KMH, 60 * KMH, 0.0) < 4.0


def test_idm_holds_its_equilibrium_gap() -> None:
    v, v_set, headway, standstill = 20.0, 30.0, 1.5, 3.0
    gap = (standstill + v * headway) / math.sqrt(1.0 - (v / v_set) ** 4)
    assert idm(v, v_set, gap, v, headway, standstill, 1.8, 2.5) == pytest.approx(0.0, abs=1e-12)


def test_idm_accelerates_freely_from_standstill_and_not_at_its_set_speed() -> None:
    assert idm(0.0, 30.0, math.inf, 0.0, 1.5, 3.0, 1.8, 2.5) == pytest.approx(1.8)
    assert idm(30.0, 30.0, math.inf, 0.0, 1.5, 3.0, 1.8, 2.5) == pytest.approx(0.0)


def test_idm_slows_gently_when_above_its_set_speed() -> None:
    assert -2.5 <= idm(35.0, 30.0, math.inf, 0.0, 1.5, 3.0, 1.8, 2.5) < 0.0


def test_braking_needed_is_v_squared_over_twice_the_gap() -> None:
    assert braking_needed(20.0, 40.0, 0.0) == pytest.approx(5.0)
    assert braking_needed(10.0, 40.0, 12.0) == 0.0


def test_pursuit_of_a_point_on_a_circle_steers_its_radius() -> None:
    radius, wheelbase = 50.0, 2.8
    for angle in (0.1, 0.3, 0.6):
        x, y = radius * math.sin(angle), radius * (1.0 - math.cos(angle))
        assert pursue(x, y, 0.0, wheelbase, 0.0) == pytest.approx(math.atan(wheelbase / radius), rel=1e-12)


def test_pursuit_is_odd_in_y() -> None:
    assert pursue(20.0, 1.0, 15.0, 2.8, 0.003) == -pursue(20.0, -1.0, 15.0, 2.8, 0.003)


def test_a_leader_that_cuts_in_and_pulls_away_gets_no_more_than_comfortable_braking() -> None:
    plain = idm(20.0, 30.0, 9.0, 22.0, 1.5, 3.0, 1.8, 2.5)
    assert plain < -6.0
    assert -2.5 <= cool(20.0, 30.0, 9.0, 22.0, 1.5, 3.0, 1.8, 2.5) < -2.0


def test_the_cool_law_brakes_at_least_as_hard_as_needed() -> None:
    for gap in (5.0, 10.0, 30.0):
        assert cool(20.0, 30.0, gap, 10.0, 1.5, 3.0, 1.8, 2.5) <= -braking_needed(20.0, gap, 10.0)


def test_the_cool_law_is_the_drivers_model_where_nobody_is_close() -> None:
    far = (15.0, 20.0, 150.0, 15.0, 1.5, 3.0, 1.8, 2.5)
    assert cool(*far) == idm(*far)


def test_on_the_way_the_ways_curvature_is_held() -> None:
    assert hold(0.0, 0.0, 0.01, 20.0) == 0.01


def test_an_offset_dies_out_like_a_critically_damped_oscillator() -> None:
    v, d, psi, dt = 15.0, 1.0, 0.0, 0.001
    for k in range(2400):
        psi += v * hold(d, psi, 0.0, v) * dt
        d += v * math.sin(psi) * dt
        assert d > 0.0, f"overshoot after {k} ms"
    tau = 2.4 / SETTLE_S
    assert d == pytest.approx((1.0 + tau) * math.exp(-tau), rel=0.05)


def test_the_wheel_angle_of_a_curve_grows_with_understeer() -> None:
    assert road_wheel(0.01, 20.0, 2.8, 0.0) == pytest.approx(math.atan(0.028))
    assert road_wheel(0.01, 20.0, 2.8, 0.002) == pytest.approx(math.atan(0.028) + 0.002 * 400 * 0.01)


@pytest.mark.parametrize(
    ("way", "v", "v_top", "expected"),
    [(0.0, 5.0, 10.0, 0.0), (4.0, 0.0, 10.0, 2.0), (50.0, 10.0, 10.0, 5.0), (30.0, 0.0, 4.0, 2.0 + 26.0 / 4.0)],
)
def test_the_earliest_arrival_speeds_up_at_two_metres_per_second_squared(
    way: float, v: float, v_top: float, expected: float
) -> None:
    assert earliest(way, v, v_top, 2.0) == pytest.approx(expected)
