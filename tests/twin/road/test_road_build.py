"""Lanes put together: neighbours, numbers, joints, the grid."""

from __future__ import annotations

import math

import numpy as np
import pytest

from twin.errors import MapError
from twin.road.build import assemble, resample, straight_road


def test_neighbours_and_numbers_count_from_the_right_in_the_direction_of_travel() -> None:
    a = straight_road(3, 50.0, two_way=True).arrays
    assert a.lane_id.tolist() == [-1, -2, -3, 1, 2, 3]
    assert a.number.tolist() == [3, 2, 1, 3, 2, 1]
    assert a.left.tolist() == [-1, 0, 1, -1, 3, 4]
    assert a.right.tolist() == [1, 2, -1, 4, 5, -1]
    assert a.oncoming.tolist() == [3, 3, 3, 0, 0, 0]


def test_points_are_equally_spaced_and_at_most_a_metre_apart() -> None:
    a = straight_road(1, 10.4).arrays
    assert a.step[0] == pytest.approx(10.4 / 11)
    assert a.length[0] == pytest.approx(10.4)
    assert np.diff(a.x) == pytest.approx(np.full(11, 10.4 / 11))


def test_resampling_measures_arcs_not_chords() -> None:
    at = np.linspace(0.0, math.pi / 2, 4)
    xy = np.stack([10 * np.sin(at), 10 * (1 - np.cos(at))], axis=1)
    new, heading, step, _ = resample(xy, at, {})
    assert step * (len(heading) - 1) == pytest.approx(5 * math.pi, rel=1e-9)
    assert np.hypot(new[:, 0], new[:, 1] - 10.0) == pytest.approx(10.0, abs=2e-3)


def test_a_lane_without_length_is_refused() -> None:
    with pytest.raises(MapError, match="without length"):
        resample(np.zeros((3, 2)), np.zeros(3), {})


def test_a_map_without_lanes_is_refused() -> None:
    with pytest.raises(MapError, match="has no lane"):
        assemble("empty", "", [], (), ())


def test_every_cell_lists_each_lane_once() -> None:
    a = straight_road(3, 200.0, two_way=True).arrays
    for cell in range(a.grid_nx * a.grid_ny):
        lanes = a.grid_lane[a.grid_first[cell] : a.grid_first[cell + 1]].tolist()
        assert len(lanes) == len(set(lanes))
    assert (np.searchsorted(a.first, a.grid_point, side="right") - 1 == a.grid_lane).all()
