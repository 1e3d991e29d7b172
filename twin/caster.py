"""Ray casting on one core: static triangles by their tree, moving boxes apart, each ray at its own instant.

Moving bodies are oriented boxes whose poses are interpolated between keyframes (angles the short way round). A ray that
starts inside a body meets its far side. Triangles by Moeller and Trumbore (1997), boxes by the slab test.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.kernel import kernel
from twin.ports import Hits, Rays
from twin.scene import Scene
from twin.state import (
    CENTER_X,
    EGO,
    HEIGHT,
    LENGTH,
    PITCH,
    PRESENT,
    REFLECTIVITY,
    ROLL,
    VISIBLE,
    WIDTH,
    YAW,
    Floats,
    Ints,
    X,
    Y,
    Z,
)

NOTHING = -2
STATIC = -1
SENSORS_BIT = 2  # of n[VISIBLE]


class Bodies(NamedTuple):
    """Moving boxes, m of them, at k >= 1 keyframes."""

    t_ns: Ints  # (k,) increasing
    pose: Floats  # (k, 6, m) x, y, z, yaw, pitch, roll of the reference point, world frame
    box: Floats  # (5, m) centre ahead of the reference point, length, width, height, reflectivity
    number: Ints  # (m,) actor numbers


def bodies_of(t_ns: Ints, f: Floats, n: Ints, p: Floats) -> Bodies:
    """Return all bodies that sensors can see but the ego.

    f: (k, F_ROWS, actors) states at t_ns (k,); n: (N_ROWS, actors) of now; p: (P_ROWS, actors).
    """
    seen = (n[PRESENT] == 1) & ((n[VISIBLE] & SENSORS_BIT) != 0)
    seen[EGO] = False
    number = np.flatnonzero(seen)
    pose = f[:, [X, Y, Z, YAW, PITCH, ROLL]][:, :, number]
    box = p[[CENTER_X, LENGTH, WIDTH, HEIGHT, REFLECTIVITY]][:, number]
    return Bodies(
        np.ascontiguousarray(t_ns, dtype=np.int64), np.ascontiguousarray(pose), np.ascontiguousarray(box), number
    )


def cast(scene: Scene, bodies: Bodies, rays: Rays) -> Hits:
    """Return what each ray meets first within its range."""
    count = len(rays.origins)
    hits = Hits(np.empty(count), np.empty(count, dtype=np.int64), np.empty(count), np.empty(count))
    _cast(
        scene,
        bodies,
        np.ascontiguousarray(rays.origins, dtype=np.float64),
        np.ascontiguousarray(rays.directions, dtype=np.float64),
        np.ascontiguousarray(rays.t_ns, dtype=np.int64),
        float(rays.max_range_m),
        hits.range_m,
        hits.actor,
        hits.cos_incidence,
        hits.reflectivity,
    )
    return hits


@kernel
def _cast(
    scene: Scene,
    bodies: Bodies,
    origins: NDArray[np.float64],
    directions: NDArray[np.float64],
    t_ns: NDArray[np.int64],
    max_range: float,
    out_range: NDArray[np.float64],
    out_actor: NDArray[np.int64],
    out_cos: NDArray[np.float64],
    out_reflectivity: NDArray[np.float64],
) -> None:
    stack = np.empty(96, dtype=np.int64)
    m = bodies.number.size
    reach = np.empty(m)
    for b in range(m):
        half = 0.5 * math.sqrt(bodies.box[1, b] ** 2 + bodies.box[2, b] ** 2)
        reach[b] = math.sqrt((abs(bodies.box[0, b]) + half) ** 2 + bodies.box[3, b] ** 2)
    last = bodies.t_ns.size - 1
    for i in range(t_ns.size):
        ox, oy, oz = origins[i, 0], origins[i, 1], origins[i, 2]
        dx, dy, dz = directions[i, 0], directions[i, 1], directions[i, 2]
        best, triangle = _static(scene, ox, oy, oz, dx, dy, dz, max_range, stack)
        out_actor[i] = NOTHING
        out_cos[i] = 0.0
        out_reflectivity[i] = 0.0
        if triangle >= 0:
            out_actor[i] = STATIC
            out_cos[i] = _facing(scene, triangle, dx, dy, dz)
            out_reflectivity[i] = scene.reflectivity[triangle]
        a = 0
        while a < last - 1 and t_ns[i] > bodies.t_ns[a + 1]:
            a += 1
        b1 = min(a + 1, last)
        span = bodies.t_ns[b1] - bodies.t_ns[a]
        w = 0.0
        if span > 0:
            w = min(max((t_ns[i] - bodies.t_ns[a]) / span, 0.0), 1.0)
        for b in range(m):
            px = bodies.pose[a, 0, b] + w * (bodies.pose[b1, 0, b] - bodies.pose[a, 0, b])
            py = bodies.pose[a, 1, b] + w * (bodies.pose[b1, 1, b] - bodies.pose[a, 1, b])
            pz = bodies.pose[a, 2, b] + w * (bodies.pose[b1, 2, b] - bodies.pose[a, 2, b])
            rx, ry, rz = px - ox, py - oy, pz - oz
            along = rx * dx + ry * dy + rz * dz
            if along < -reach[b] or along - reach[b] > best:
                continue
            if rx * rx + ry * ry + rz * rz - along * along > reach[b] * reach[b]:
                continue
            yaw = _between(bodies.pose[a, 3, b], bodies.pose[b1, 3, b], w)
            pitch = _between(bodies.pose[a, 4, b], bodies.pose[b1, 4, b], w)
            roll = _between(bodies.pose[a, 5, b], bodies.pose[b1, 5, b], w)
            distance, cos = _box(rx, ry, rz, dx, dy, dz, yaw, pitch, roll, bodies.box[:, b])
            if distance < best:
                best = distance
                out_actor[i] = bodies.number[b]
                out_cos[i] = cos
                out_reflectivity[i] = bodies.box[4, b]
        out_range[i] = best if out_actor[i] != NOTHING else np.inf


@kernel
def _between(a: float, b: float, w: float) -> float:
    """Return the angle the share w of the short way from a to b."""
    turn = b - a
    return a + w * (turn - 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5))


@kernel
def _box(
    rx: float,
    ry: float,
    rz: float,
    dx: float,
    dy: float,
    dz: float,
    yaw: float,
    pitch: float,
    roll: float,
    box: NDArray[np.float64],
) -> tuple[float, float]:
    """Return distance (inf for a miss) and cosine of incidence; (rx, ry, rz) leads from the ray's start to the body."""
    cy, sy = math.cos(yaw), math.sin(yaw)
    cp, sp = math.cos(pitch), math.sin(pitch)
    cr, sr = math.cos(roll), math.sin(roll)
    near = -np.inf
    far = np.inf
    near_cos = 0.0
    far_cos = 0.0
    for axis in range(3):
        if axis == 0:
            ax, ay, az = cy * cp, sy * cp, -sp
            low, high = box[0] - 0.5 * box[1], box[0] + 0.5 * box[1]
        elif axis == 1:
            ax, ay, az = cy * sp * sr - sy * cr, sy * sp * sr + cy * cr, cp * sr
            low, high = -0.5 * box[2], 0.5 * box[2]
        else:
            ax, ay, az = cy * sp * cr + sy * sr, sy * sp * cr - cy * sr, cp * cr
            low, high = 0.0, box[3]
        start = -(rx * ax + ry * ay + rz * az)
        slope = dx * ax + dy * ay + dz * az
        if abs(slope) < 1e-12:
            if start < low or start > high:
                return np.inf, 0.0
            continue
        t0 = (low - start) / slope
        t1 = (high - start) / slope
        if t0 > t1:
            t0, t1 = t1, t0
        if t0 > near:
            near = t0
            near_cos = abs(slope)
        if t1 < far:
            far = t1
            far_cos = abs(slope)
    if near > far or far <= 0.0:
        return np.inf, 0.0
    if near > 0.0:
        return near, near_cos
    return far, far_cos


@kernel
def _facing(scene: Scene, triangle: int, dx: float, dy: float, dz: float) -> float:
    e1 = scene.edge_1[triangle]
    e2 = scene.edge_2[triangle]
    nx = e1[1] * e2[2] - e1[2] * e2[1]
    ny = e1[2] * e2[0] - e1[0] * e2[2]
    nz = e1[0] * e2[1] - e1[1] * e2[0]
    return float(abs(nx * dx + ny * dy + nz * dz) / math.sqrt(nx * nx + ny * ny + nz * nz))


@kernel
def _enter(
    scene: Scene, node: int, ox: float, oy: float, oz: float, ix: float, iy: float, iz: float, best: float
) -> float:
    """Return where the ray enters a node's box, inf when it misses it or comes after `best`."""
    x0, x1 = (scene.low[node, 0] - ox) * ix, (scene.high[node, 0] - ox) * ix
    y0, y1 = (scene.low[node, 1] - oy) * iy, (scene.high[node, 1] - oy) * iy
    z0, z1 = (scene.low[node, 2] - oz) * iz, (scene.high[node, 2] - oz) * iz
    near = max(max(min(x0, x1), min(y0, y1)), max(min(z0, z1), 0.0))
    far = min(min(max(x0, x1), max(y0, y1)), min(max(z0, z1), best))
    return near if near <= far + 1e-9 else np.inf


@kernel
def _inverse(d: float) -> float:
    if abs(d) > 1e-12:
        return 1.0 / d
    return 1e12 if d >= 0.0 else -1e12


@kernel
def _static(
    scene: Scene,
    ox: float,
    oy: float,
    oz: float,
    dx: float,
    dy: float,
    dz: float,
    max_range: float,
    stack: NDArray[np.int64],
) -> tuple[float, int]:
    """Return distance and number of the first triangle met, -1 for none."""
    ix, iy, iz = _inverse(dx), _inverse(dy), _inverse(dz)
    best = max_range
    found = -1
    if scene.corner.shape[0] == 0 or not _enter(scene, 0, ox, oy, oz, ix, iy, iz, best) < np.inf:
        return best, found
    stack[0] = 0
    depth = 1
    while depth > 0:
        depth -= 1
        node = stack[depth]
        first = scene.first[node]
        count = scene.triangles[node]
        if count == 0:
            a = _enter(scene, first, ox, oy, oz, ix, iy, iz, best)
            b = _enter(scene, first + 1, ox, oy, oz, ix, iy, iz, best)
            near, far = (first, first + 1) if a <= b else (first + 1, first)
            if max(a, b) < np.inf:
                stack[depth] = far
                depth += 1
            if min(a, b) < np.inf:
                stack[depth] = near
                depth += 1
            continue
        for t in range(first, first + count):
            e1x, e1y, e1z = scene.edge_1[t, 0], scene.edge_1[t, 1], scene.edge_1[t, 2]
            e2x, e2y, e2z = scene.edge_2[t, 0], scene.edge_2[t, 1], scene.edge_2[t, 2]
            px, py, pz = dy * e2z - dz * e2y, dz * e2x - dx * e2z, dx * e2y - dy * e2x
            det = e1x * px + e1y * py + e1z * pz
            if abs(det) < 1e-14:
                continue
            inv = 1.0 / det
            tx, ty, tz = ox - scene.corner[t, 0], oy - scene.corner[t, 1], oz - scene.corner[t, 2]
            u = (tx * px + ty * py + tz * pz) * inv
            if u < -1e-9 or u > 1.0 + 1e-9:
                continue
            qx, qy, qz = ty * e1z - tz * e1y, tz * e1x - tx * e1z, tx * e1y - ty * e1x
            v = (dx * qx + dy * qy + dz * qz) * inv
            if v < -1e-9 or u + v > 1.0 + 1e-9:
                continue
            distance = (e2x * qx + e2y * qy + e2z * qz) * inv
            if 1e-9 < distance < best:
                best = distance
                found = t
    return best, found
