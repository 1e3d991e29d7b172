"""Oriented boxes: whether two overlap and how far apart they are.

Model: actors are upright boxes. In the plane by the separating axis theorem (Gottschalk, Lin, Manocha: "OBBTree",
SIGGRAPH 1996), in height by their intervals. A box is (centre x, centre y, yaw, half length, half width).
"""

from __future__ import annotations

import math

from twin.kernel import kernel
from twin.state import CENTER_X, HEIGHT, LENGTH, WIDTH, YAW, Floats, X, Y, Z

Box = tuple[float, float, float, float, float]


@kernel
def box_of(f: Floats, p: Floats, actor: int) -> Box:
    """Return the box of one actor; its centre lies CENTER_X ahead of the reference point."""
    yaw = f[YAW, actor]
    forward = p[CENTER_X, actor]
    x = f[X, actor] + forward * math.cos(yaw)
    y = f[Y, actor] + forward * math.sin(yaw)
    return x, y, yaw, 0.5 * p[LENGTH, actor], 0.5 * p[WIDTH, actor]


@kernel
def overlap(a: Box, b: Box) -> bool:
    """Return whether two boxes share a point; touching counts."""
    dx = b[0] - a[0]
    dy = b[1] - a[1]
    reach = a[3] + a[4] + b[3] + b[4]
    if dx * dx + dy * dy > reach * reach:
        return False
    ca, sa = math.cos(a[2]), math.sin(a[2])
    cb, sb = math.cos(b[2]), math.sin(b[2])
    cos = abs(ca * cb + sa * sb)
    sin = abs(ca * sb - sa * cb)
    if abs(dx * ca + dy * sa) > a[3] + b[3] * cos + b[4] * sin:
        return False
    if abs(dy * ca - dx * sa) > a[4] + b[3] * sin + b[4] * cos:
        return False
    if abs(dx * cb + dy * sb) > b[3] + a[3] * cos + a[4] * sin:
        return False
    return bool(abs(dy * cb - dx * sb) <= b[4] + a[3] * sin + a[4] * cos)


@kernel
def corner(box: Box, i: int) -> tuple[float, float]:
    """Return one corner, i = 0..3 counter-clockwise from front left."""
    forward = box[3] if i == 0 or i == 3 else -box[3]
    left = box[4] if i < 2 else -box[4]
    c, s = math.cos(box[2]), math.sin(box[2])
    return box[0] + forward * c - left * s, box[1] + forward * s + left * c


@kernel
def point_distance(box: Box, x: float, y: float) -> float:
    """Return the distance of a point from a box, 0 inside [m]."""
    c, s = math.cos(box[2]), math.sin(box[2])
    dx, dy = x - box[0], y - box[1]
    forward = max(0.0, abs(dx * c + dy * s) - box[3])
    left = max(0.0, abs(dy * c - dx * s) - box[4])
    return math.sqrt(forward * forward + left * left)


@kernel
def clearance(a: Box, b: Box) -> float:
    """Return the shortest distance between two boxes in the plane, 0 when they overlap [m].

    Two convex polygons that do not meet are nearest at a corner of one of them.
    """
    if overlap(a, b):
        return 0.0
    nearest = math.inf
    for i in range(4):
        x, y = corner(b, i)
        nearest = min(nearest, point_distance(a, x, y))
        x, y = corner(a, i)
        nearest = min(nearest, point_distance(b, x, y))
    return nearest


@kernel
def same_height(f: Floats, p: Floats, a: int, b: int) -> bool:
    """Return whether the height intervals of two actors meet, so that a bridge is no obstacle to the road below."""
    return bool(f[Z, a] <= f[Z, b] + p[HEIGHT, b] and f[Z, b] <= f[Z, a] + p[HEIGHT, a])


@kernel
def between(f: Floats, p: Floats, a: int, b: int) -> float:
    """Return the shortest distance in the plane between the boxes of two actors [m]."""
    return clearance(box_of(f, p, a), box_of(f, p, b))


@kernel
def meets_box(f: Floats, p: Floats, actor: int, boxes: Floats, row: int) -> bool:
    """Return whether an actor overlaps a box of the map (columns x y z yaw length width height)."""
    if f[Z, actor] > boxes[row, 2] + boxes[row, 6] or boxes[row, 2] > f[Z, actor] + p[HEIGHT, actor]:
        return False
    fixed = (boxes[row, 0], boxes[row, 1], boxes[row, 3], 0.5 * boxes[row, 4], 0.5 * boxes[row, 5])
    return overlap(box_of(f, p, actor), fixed)
