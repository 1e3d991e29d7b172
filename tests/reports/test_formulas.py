"""Criticality and RSS by hand-computed and published values."""

from __future__ import annotations

import math

import pytest

from reports.metrics.formulas import (
    FOLLOWING,
    PAPER,
    drac,
    headway,
    mttc,
    required_decel,
    rss_beside,
    rss_following,
    rss_oncoming,
    ttc,
)


def test_a_pair_at_20_m_closing_at_5_mps() -> None:
    assert ttc(20.0, 5.0) == 4.0
    assert headway(20.0, 15.0) == pytest.approx(1.3333, abs=1e-4)
    assert drac(20.0, 5.0) == 0.625
    assert required_decel(20.0, 15.0, 10.0, 0.0) / 8.0 == 0.078125


def test_acceleration_decides_whether_the_gap_closes() -> None:
    assert mttc(20.0, 5.0, 1.0) == pytest.approx(3.0623, abs=1e-4)
    assert mttc(20.0, 5.0, -1.0) == math.inf
    assert mttc(20.0, 5.0, 0.0) == 4.0
    assert mttc(20.0, -5.0, 1.0) == pytest.approx(5.0 + math.sqrt(65.0))


def test_a_gap_that_opens_asks_for_nothing() -> None:
    assert ttc(20.0, -1.0) == math.inf
    assert drac(20.0, -1.0) == 0.0
    assert required_decel(20.0, 10.0, 12.0, 0.0) == 0.0


def test_behind_a_car_that_stops_first_the_way_left_is_gap_and_its_braking_way() -> None:
    # the leader at 10 m/s braking with 5 stands after 10 m: 30 m are left to stop in from 10 m/s
    assert required_decel(20.0, 10.0, 10.0, -5.0) == pytest.approx(100.0 / 60.0)


def test_touching_cars_need_more_than_any_brake() -> None:
    assert drac(0.0, 1.0) == math.inf
    assert required_decel(0.0, 1.0, 0.0, 0.0) == math.inf


@pytest.mark.parametrize(
    ("rear", "front", "safe"),
    [(20.0, 20.0, 65.78125), (30.0, 30.0, 115.78125), (20.0, 15.0, 76.71875), (5.0, 20.0, 0.0)],
)
def test_rss_following_by_the_papers_set(rear: float, front: float, safe: float) -> None:
    assert rss_following(rear, front, PAPER) == pytest.approx(safe, abs=1e-9)


@pytest.mark.parametrize(("rear", "front", "safe"), [(60.0, 60.0, 20.015625), (60.0, 20.0, 40.5918)])
def test_rss_following_by_the_comparison_set(rear: float, front: float, safe: float) -> None:
    assert rss_following(rear / 3.6, front / 3.6, FOLLOWING) == pytest.approx(safe, abs=1e-4)


def test_rss_oncoming_and_beside() -> None:
    assert rss_oncoming(15.0, -15.0, PAPER) == pytest.approx(119.0625)
    assert rss_beside(0.5, -0.5, PAPER) == pytest.approx(1.1)


def test_rss_beside_of_two_that_move_apart_is_the_margin() -> None:
    assert rss_beside(-1.0, 1.0, PAPER) == pytest.approx(PAPER.margin)
