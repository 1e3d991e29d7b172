"""A route becomes one smooth line."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hil.path import path_of, point_at, project
from twin.errors import InputError
from twin.road.build import straight_road


def test_a_straight_route_is_a_straight_line_on_the_lanes_centre() -> None:
    road = straight_road(lanes=3, length_m=500.0)
    lane = int(np.flatnonzero(road.arrays.number == 1)[0])
    path = path_of(road.arrays, np.array([lane]))
    assert path.s[-1] == pytest.approx(500.0)
    assert np.ptp(path.y) < 1e-9
    assert np.abs(path.curvature).max() < 1e-9
    assert path.centred.all()


def test_a_change_of_lane_ends_on_the_other_centre() -> None:
    road = straight_road(lanes=2, length_m=300.0)
    right = int(np.flatnonzero(road.arrays.number == 1)[0])
    left = int(road.arrays.left[right])
    path = path_of(road.arrays, np.array([right, left]))
    centre = [float(road.arrays.y[road.arrays.first[lane]]) for lane in (right, left)]
    assert path.y[0] == pytest.approx(centre[0])
    assert path.y[-1] == pytest.approx(centre[1])
    assert np.abs(path.curvature).max() < 0.02
    assert not path.centred.any()


def test_projection_inverts_placing() -> None:
    road = straight_road(lanes=1, length_m=200.0)
    path = path_of(road.arrays, np.array([int(np.flatnonzero(road.arrays.number == 1)[0])]))
    for s, d in ((3.3, 0.7), (99.9, -1.2), (150.4, 0.0)):
        x, y, heading = point_at(path, s)
        index, s_back, d_back = project(path, x - d * math.sin(heading), y + d * math.cos(heading), 0, len(path.s))
        assert (s_back, d_back) == pytest.approx((s, d), abs=1e-9)
        assert abs(path.s[index] - s) <= 0.5 + 1e-9


def test_a_point_beyond_the_end_lies_straight_on() -> None:
    road = straight_road(lanes=1, length_m=100.0)
    path = path_of(road.arrays, np.array([int(np.flatnonzero(road.arrays.number == 1)[0])]))
    x_end, y_end, _ = point_at(path, 100.0)
    x, y, _ = point_at(path, 130.0)
    assert math.hypot(x - x_end, y - y_end) == pytest.approx(30.0)


def test_an_empty_route_is_refused() -> None:
    with pytest.raises(InputError, match="no lanes"):
        path_of(straight_road(lanes=1, length_m=50.0).arrays, np.array([], dtype=np.int64))
