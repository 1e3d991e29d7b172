"""Ray casts against hand-computed geometry and against Embree."""

import math

import numpy as np
import pytest

from twin.caster import Bodies, bodies_of, cast
from twin.ports import Rays
from twin.scene import Scene, scene_from
from twin.state import F_ROWS, N_ROWS, P_ROWS, PRESENT, REFLECTIVITY, VISIBLE, X

EMPTY = scene_from(np.empty((0, 3, 3)), np.empty(0))


def a_body(
    x: float, y: float = 0.0, yaw: float = 0.0, x_end: float | None = None, yaw_end: float | None = None
) -> Bodies:
    """A box 4 x 2 x 1.5 m whose centre is its reference point, moving from t = 0 to 100."""
    pose = np.zeros((2, 6, 1))
    pose[0, [0, 1, 3], 0] = x, y, yaw
    pose[1, [0, 1, 3], 0] = x if x_end is None else x_end, y, yaw if yaw_end is None else yaw_end
    return Bodies(np.array([0, 100]), pose, np.array([[0.0], [4.0], [2.0], [1.5], [0.5]]), np.array([3]))


NO_BODIES = Bodies(np.array([0]), np.empty((1, 6, 0)), np.empty((5, 0)), np.empty(0, dtype=np.int64))


def rays(directions: list[tuple[float, float, float]], t: int = 0, reach: float = 100.0, z: float = 1.0) -> Rays:
    d = np.array(directions, float)
    d /= np.linalg.norm(d, axis=1, keepdims=True)
    return Rays(np.tile([0.0, 0.0, z], (len(d), 1)), d, np.full(len(d), t), reach)


def test_a_ray_meets_the_near_face_of_a_body() -> None:
    hits = cast(EMPTY, a_body(20.0), rays([(1, 0, 0)]))
    assert hits.range_m[0] == pytest.approx(18.0)
    assert hits.actor[0] == 3
    assert hits.cos_incidence[0] == pytest.approx(1.0)
    assert hits.reflectivity[0] == 0.5


def test_a_turned_body_is_met_obliquely() -> None:
    hits = cast(EMPTY, a_body(20.0, yaw=math.pi / 4), rays([(1, 0, 0)]))
    assert hits.range_m[0] == pytest.approx(20.0 - math.sqrt(2.0))
    assert hits.cos_incidence[0] == pytest.approx(math.cos(math.pi / 4))


def test_a_ray_over_the_roof_misses() -> None:
    hits = cast(EMPTY, a_body(20.0), rays([(1, 0, 0)], z=1.6))
    assert math.isinf(hits.range_m[0])
    assert hits.actor[0] == -2


def test_each_ray_sees_the_body_where_it_is_at_its_own_time() -> None:
    moving = a_body(20.0, x_end=30.0)
    assert cast(EMPTY, moving, rays([(1, 0, 0)], t=0)).range_m[0] == pytest.approx(18.0)
    assert cast(EMPTY, moving, rays([(1, 0, 0)], t=50)).range_m[0] == pytest.approx(23.0)
    assert cast(EMPTY, moving, rays([(1, 0, 0)], t=100)).range_m[0] == pytest.approx(28.0)


def test_angles_are_interpolated_the_short_way_round() -> None:
    turning = a_body(20.0, yaw=math.pi - 0.1, yaw_end=-math.pi + 0.1)
    assert cast(EMPTY, turning, rays([(1, 0, 0)], t=50)).range_m[0] == pytest.approx(18.0)


def test_what_is_beyond_the_range_is_not_met() -> None:
    assert cast(EMPTY, a_body(20.0), rays([(1, 0, 0)], reach=17.9)).actor[0] == -2


def test_the_nearer_of_body_and_ground_wins() -> None:
    ground = np.array([[[-50.0, -50, 0], [50, -50, 0], [50, 50, 0]], [[-50, -50, 0], [50, 50, 0], [-50, 50, 0]]])
    scene = scene_from(ground, np.full(2, 0.15))
    hits = cast(scene, a_body(20.0), rays([(1, 0, -0.01), (1, 0, -0.5)]))
    assert hits.actor.tolist() == [3, -1]
    assert hits.range_m[1] == pytest.approx(math.hypot(2.0, 1.0))
    assert hits.cos_incidence[1] == pytest.approx(1.0 / math.sqrt(5.0))


def test_the_ego_the_absent_and_the_invisible_are_no_bodies() -> None:
    f, n, p = np.zeros((1, F_ROWS, 4)), np.zeros((N_ROWS, 4), dtype=np.int64), np.ones((P_ROWS, 4))
    n[PRESENT] = 1, 1, 0, 1
    n[VISIBLE] = 7, 7, 7, 5
    f[0, X] = 0, 1, 2, 3
    p[REFLECTIVITY] = 0.3
    bodies = bodies_of(np.array([0]), f, n, p)
    assert bodies.number.tolist() == [1]
    assert bodies.pose[0, 0].tolist() == [1.0]


def _soup(seed: int) -> tuple[Scene, np.ndarray, Rays]:
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-60, 60, (4000, 1, 3)) * [1, 1, 0.1]
    triangles = centres + rng.uniform(-1, 1, (4000, 3, 3))
    directions = rng.normal(size=(4000, 3)) * [1, 1, 0.1]
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    cast_rays = Rays(np.tile([0.0, 0.0, 1.5], (4000, 1)), directions, np.zeros(4000, dtype=np.int64), 100.0)
    return scene_from(triangles, np.full(4000, 0.3)), triangles, cast_rays


def test_the_tree_finds_what_looking_at_every_triangle_finds() -> None:
    scene, triangles, cast_rays = _soup(1)
    hits = cast(scene, NO_BODIES, cast_rays)
    e1, e2 = triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    for i in range(0, 4000, 400):
        d = cast_rays.directions[i]
        p = np.cross(d, e2)
        det = np.einsum("ij,ij->i", e1, p)
        t = cast_rays.origins[i] - triangles[:, 0]
        u = np.einsum("ij,ij->i", t, p) / det
        q = np.cross(t, e1)
        v = q @ d / det
        r = np.einsum("ij,ij->i", e2, q) / det
        inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (r > 0) & (r < 100)
        expected = r[inside].min() if inside.any() else np.inf
        assert hits.range_m[i] == pytest.approx(expected, rel=1e-9)


def test_agrees_with_embree() -> None:
    rtcore = pytest.importorskip("embreex.rtcore_scene")
    mesh = pytest.importorskip("embreex.mesh_construction")
    scene, triangles, cast_rays = _soup(2)
    oracle = rtcore.EmbreeScene()
    mesh.TriangleMesh(oracle, triangles.astype(np.float32))
    distance = oracle.run(
        cast_rays.origins.astype(np.float32), cast_rays.directions.astype(np.float32), query="DISTANCE"
    )
    hits = cast(scene, NO_BODIES, cast_rays)
    both = np.isfinite(hits.range_m) & (distance < 100.0)
    assert both.sum() > 500
    assert np.count_nonzero(np.isfinite(hits.range_m) != (distance < 100.0)) <= 2
    assert np.quantile(np.abs(hits.range_m[both] - distance[both]), 0.999) < 0.01
