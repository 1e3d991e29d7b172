"""How much of each body a sensor can see past the others: box shadows in plan view, with heights.

From the sensor, RAYS directions at equal angles across a body's outline are followed to the body; whatever box stands
nearer casts a shadow up to the height where the line of sight over its top meets the body. The visible fraction is the
mean over the directions of the visible share of the body's height. Terrain does not occlude.
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import NDArray

from twin.kernel import kernel
from twin.state import CENTER_X, HEIGHT, LENGTH, PRESENT, VISIBLE, WIDTH, YAW, X, Y, Z

RAYS: Final = 32
SENSORS_BIT: Final = 2


@kernel
def boxes_of(
    f: NDArray[np.float64], n: NDArray[np.int64], p: NDArray[np.float64], fixed: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return boxes (actors + fixed, 8): centre x, y, ground z, cos, sin of yaw, half length, half width, height.

    A body that is not there, or not visible to sensors, has height 0. `fixed` holds the map's boxes (o, 7).
    """
    actors = f.shape[1]
    out = np.zeros((actors + fixed.shape[0], 8))
    for i in range(actors):
        cos, sin = math.cos(f[YAW, i]), math.sin(f[YAW, i])
        out[i, 0] = f[X, i] + cos * p[CENTER_X, i]
        out[i, 1] = f[Y, i] + sin * p[CENTER_X, i]
        out[i, 2] = f[Z, i]
        out[i, 3] = cos
        out[i, 4] = sin
        out[i, 5] = 0.5 * p[LENGTH, i]
        out[i, 6] = 0.5 * p[WIDTH, i]
        if n[PRESENT, i] == 1 and (n[VISIBLE, i] & SENSORS_BIT) != 0:
            out[i, 7] = p[HEIGHT, i]
    for o in range(fixed.shape[0]):
        j = actors + o
        out[j, 0], out[j, 1], out[j, 2] = fixed[o, 0], fixed[o, 1], fixed[o, 2]
        out[j, 3], out[j, 4] = math.cos(fixed[o, 3]), math.sin(fixed[o, 3])
        out[j, 5], out[j, 6], out[j, 7] = 0.5 * fixed[o, 4], 0.5 * fixed[o, 5], fixed[o, 6]
    return out


@kernel
def outline(x: float, y: float, box: NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the bearing of a box's centre and how far its outline reaches right (<= 0) and left (>= 0) of it."""
    bearing = math.atan2(box[1] - y, box[0] - x)
    cos, sin = math.cos(bearing), math.sin(bearing)
    low, high = 0.0, 0.0
    for i in range(4):
        a = box[5] if i < 2 else -box[5]
        b = box[6] if i % 2 == 0 else -box[6]
        px = box[0] + box[3] * a - box[4] * b - x
        py = box[1] + box[4] * a + box[3] * b - y
        angle = math.atan2(cos * py - sin * px, cos * px + sin * py)
        low = min(low, angle)
        high = max(high, angle)
    return bearing, low, high


@kernel
def meet(x: float, y: float, dx: float, dy: float, box: NDArray[np.float64]) -> float:
    """Return how far a ray in the plane goes to a box, inf for a miss, 0 from inside."""
    rx, ry = x - box[0], y - box[1]
    u, v = box[3] * rx + box[4] * ry, -box[4] * rx + box[3] * ry
    du, dv = box[3] * dx + box[4] * dy, -box[4] * dx + box[3] * dy
    near, far = 0.0, np.inf
    for axis in range(2):
        start, slope, half = (u, du, box[5]) if axis == 0 else (v, dv, box[6])
        if abs(slope) < 1e-12:
            if abs(start) > half:
                return np.inf
            continue
        a, b = (-half - start) / slope, (half - start) / slope
        near = max(near, min(a, b))
        far = min(far, max(a, b))
    return near if near <= far else np.inf


@kernel
def visible_fraction(x: float, y: float, z: float, target: int, skip: int, boxes: NDArray[np.float64]) -> float:
    """Return the visible share 0..1 of box `target` from a sensor at (x, y, z); box `skip` carries the sensor."""
    body = boxes[target]
    if body[7] <= 0.0:
        return 0.0
    bearing, low, high = outline(x, y, body)
    away = math.sqrt((body[0] - x) ** 2 + (body[1] - y) ** 2)
    blockers = np.empty(boxes.shape[0], dtype=np.int64)
    count = 0
    for j in range(boxes.shape[0]):
        if j in (target, skip) or boxes[j, 7] <= 0.0:
            continue
        half = math.sqrt(boxes[j, 5] ** 2 + boxes[j, 6] ** 2)
        dx, dy = boxes[j, 0] - x, boxes[j, 1] - y
        distance = math.sqrt(dx * dx + dy * dy)
        if distance - half > away + body[5] + body[6]:
            continue
        if distance > half:
            turn = math.atan2(dy, dx) - bearing
            turn -= 2.0 * math.pi * math.floor(turn / (2.0 * math.pi) + 0.5)
            spread = math.asin(half / distance)
            if turn - spread > high or turn + spread < low:
                continue
        blockers[count] = j
        count += 1
    if count == 0:
        return 1.0
    total = 0.0
    for i in range(RAYS):
        angle = bearing + low + (high - low) * (i + 0.5) / RAYS
        dx, dy = math.cos(angle), math.sin(angle)
        reach = meet(x, y, dx, dy, body)
        if reach == np.inf:
            reach = away
        shadow = body[2]
        for c in range(count):
            other = boxes[blockers[c]]
            at = meet(x, y, dx, dy, other)
            if at < reach:
                top = other[2] + other[7]
                height = body[2] + body[7] if at <= 0.0 else z + (top - z) * reach / at
                shadow = max(shadow, height)
        total += min(max((body[2] + body[7] - shadow) / body[7], 0.0), 1.0)
    return total / RAYS
