"""Boxes against hand-computed distances and laws."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.collision import Box, between, clearance, overlap, point_distance, same_height
from twin.state import F_ROWS, YAW, X, Z
from twin.vehicle import body

UNIT: Box = (0.0, 0.0, 0.0, 1.0, 0.5)
coordinate = st.floats(-6.0, 6.0)
boxes = st.tuples(coordinate, coordinate, st.floats(-4.0, 4.0), st.floats(0.1, 3.0), st.floats(0.1, 2.0))


@pytest.mark.parametrize(
    ("other", "distance"),
    [
        ((3.0, 0.0, 0.0, 1.0, 0.5), 1.0),
        ((5.0, 4.0, 0.0, 1.0, 0.5), math.hypot(3.0, 3.0)),
        ((0.0, 3.0, math.pi / 2, 1.0, 0.5), 1.5),
        ((2.0 + math.sqrt(2.0), 0.0, math.pi / 4, 1.0, 1.0), 1.0),
        ((1.9, 0.9, 0.0, 1.0, 0.5), 0.0),
    ],
)
def test_clearance_of_two_boxes(other: Box, distance: float) -> None:
    assert clearance(UNIT, other) == pytest.approx(distance, abs=1e-12)


def test_a_cross_overlaps_though_no_corner_lies_inside() -> None:
    assert overlap((0.0, 0.0, 0.0, 3.0, 0.2), (0.0, 0.0, math.pi / 2, 3.0, 0.2))


def test_touching_counts_as_overlap() -> None:
    assert overlap(UNIT, (2.0, 0.0, 0.0, 1.0, 0.5))
    assert not overlap(UNIT, (2.0 + 1e-9, 0.0, 0.0, 1.0, 0.5))


@given(boxes, boxes)
def test_clearance_is_symmetric_and_zero_exactly_for_overlap(a: Box, b: Box) -> None:
    assert clearance(a, b) == clearance(b, a)
    assert (clearance(a, b) == 0.0) == (overlap(a, b) or clearance(a, b) == 0.0)
    assert overlap(a, b) == overlap(b, a)


@given(boxes, boxes)
def test_no_pair_of_points_is_closer_than_the_clearance(a: Box, b: Box) -> None:
    least = clearance(a, b)
    for u in np.linspace(-1.0, 1.0, 5):
        for v in (-1.0, 0.0, 1.0):
            forward, left = u * b[3], v * b[4]
            x = b[0] + forward * math.cos(b[2]) - left * math.sin(b[2])
            y = b[1] + forward * math.sin(b[2]) + left * math.cos(b[2])
            assert point_distance(a, x, y) >= least - 1e-9


def test_actors_are_measured_from_their_boxes_and_not_their_rear_axles() -> None:
    f, p = np.zeros((F_ROWS, 2)), np.stack([body("mid_sedan")] * 2, axis=1)
    f[X, 1] = 20.0
    assert between(f, p, 0, 1) == pytest.approx(20.0 - 4.7)
    f[YAW, 1] = math.pi
    assert between(f, p, 0, 1) == pytest.approx(20.0 - 2 * 3.7)


def test_a_bridge_is_no_obstacle() -> None:
    f, p = np.zeros((F_ROWS, 2)), np.stack([body("mid_sedan")] * 2, axis=1)
    f[Z, 1] = 6.0
    assert not same_height(f, p, 0, 1)
    f[Z, 1] = 1.0
    assert same_height(f, p, 0, 1)
