"""Occlusion by box shadows."""

import math

import numpy as np
import pytest

from sensors.visibility import meet, outline, visible_fraction


def box(x: float, y: float, length: float, width: float, height: float, yaw: float = 0.0) -> list[float]:
    return [x, y, 0.0, math.cos(yaw), math.sin(yaw), length / 2, width / 2, height]


CARRIER = box(0.0, 0.0, 4.0, 2.0, 1.5)


def seen(*others: list[float], z: float = 1.0) -> float:
    """Visible share of a plate 4 m wide and 2 m high, 40 m ahead."""
    boxes = np.array([CARRIER, box(40.0, 0.0, 0.01, 4.0, 2.0), *others])
    return float(visible_fraction(0.0, 0.0, z, 1, 0, boxes))


def test_what_stands_free_is_seen_whole() -> None:
    assert seen() == 1.0


def test_a_half_covered_plate_is_half_visible() -> None:
    assert seen(box(20.0, 2.0, 0.01, 4.0, 50.0)) == pytest.approx(0.5, abs=0.01)


def test_a_wall_hides_everything() -> None:
    assert seen(box(20.0, 0.0, 0.01, 20.0, 50.0)) == 0.0


def test_what_stands_behind_hides_nothing() -> None:
    assert seen(box(50.0, 0.0, 4.0, 20.0, 50.0)) == 1.0


def test_a_low_wall_halfway_hides_what_lies_below_the_line_of_sight() -> None:
    """Eye at 1 m, wall 1.25 m high at half the way: the shadow reaches 1.5 m of 2 m."""
    assert seen(box(20.0, 0.0, 0.0001, 20.0, 1.25)) == pytest.approx(0.25, abs=1e-3)


def test_a_wall_below_the_eye_does_not_hide_what_is_higher() -> None:
    assert seen(box(20.0, 0.0, 0.0001, 20.0, 0.4), z=1.0) == 1.0


def test_an_absent_body_is_not_visible() -> None:
    boxes = np.array([CARRIER, box(40.0, 0.0, 4.0, 2.0, 0.0)])
    assert visible_fraction(0.0, 0.0, 1.0, 1, 0, boxes) == 0.0


def test_the_outline_of_a_box_behind_wraps_round() -> None:
    bearing, low, high = outline(0.0, 0.0, np.array(box(-10.0, 0.0, 2.0, 4.0, 1.0)))
    assert abs(bearing) == pytest.approx(math.pi)
    assert (low, high) == pytest.approx((-math.atan2(2, 9), math.atan2(2, 9)))


def test_a_ray_meets_a_turned_box() -> None:
    assert meet(0.0, 0.0, 1.0, 0.0, np.array(box(10.0, 0.0, 2.0, 2.0, 1.0, math.pi / 4))) == pytest.approx(
        10.0 - math.sqrt(2.0)
    )
    assert meet(0.0, 5.0, 1.0, 0.0, np.array(box(10.0, 0.0, 2.0, 2.0, 1.0))) == math.inf
