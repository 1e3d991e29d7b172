"""The static scene of a road."""

from dataclasses import replace

import numpy as np
import pytest

from twin.caster import Bodies, cast
from twin.ports import Rays
from twin.road.build import straight_road
from twin.scene import build, scene_of

NO_BODIES = Bodies(np.array([0]), np.empty((1, 6, 0)), np.empty((5, 0)), np.empty(0, dtype=np.int64))


def test_a_straight_lane_needs_few_triangles() -> None:
    scene = build(straight_road(2, 1000.0))
    assert len(scene.corner) <= 2 * 2 * (1000 / 25 * 1.05 + 2)


def test_the_surface_lies_under_the_lane() -> None:
    road = straight_road(2, 1000.0)
    a = road.arrays
    i = int(a.first[0]) + 137
    down = Rays(np.array([[a.x[i], a.y[i], 5.0]]), np.array([[0.0, 0.0, -1.0]]), np.array([0]), 50.0)
    hits = cast(build(road), NO_BODIES, down)
    assert hits.range_m[0] == pytest.approx(5.0 - a.z[i])
    assert hits.actor[0] == -1


def test_boxes_of_the_map_are_met() -> None:
    road = straight_road(1, 100.0)
    box = np.array([[500.0, 0.0, 0.0, 0.0, 10.0, 6.0, 8.0]])
    scene = build(replace(road, arrays=road.arrays._replace(boxes=box)))
    ahead = Rays(np.array([[480.0, 0.0, 4.0]]), np.array([[1.0, 0.0, 0.0]]), np.array([0]), 50.0)
    assert cast(scene, NO_BODIES, ahead).range_m[0] == pytest.approx(15.0)


def test_a_scene_is_built_once_per_map() -> None:
    road = straight_road(1, 100.0)
    assert scene_of(road) is scene_of(road)
