"""Authored paths: polylines with arc length, and times where the author gave them."""

from __future__ import annotations

import math

from twin.kernel import kernel
from twin.story.tables import PT_S, PT_X, PT_Y, PT_Z, StoryTables


@kernel
def segment_at(tables: StoryTables, path: int, s: float) -> int:
    """Return the first point of the segment that holds arc length s; the end belongs to the last one."""
    low = tables.paths[path]
    high = tables.paths[path + 1] - 2
    while low < high:
        middle = (low + high + 1) // 2
        if tables.points[middle, PT_S] <= s:
            low = middle
        else:
            high = middle - 1
    while low > tables.paths[path] and tables.points[low + 1, PT_S] <= tables.points[low, PT_S]:
        low -= 1
    return int(low)


@kernel
def path_pose(tables: StoryTables, path: int, s: float) -> tuple[float, float, float, float]:
    """Return x, y, z and heading at arc length s; beyond the ends the path goes straight on [m, rad]."""
    i = segment_at(tables, path, s)
    a, b = tables.points[i], tables.points[i + 1]
    heading = math.atan2(b[PT_Y] - a[PT_Y], b[PT_X] - a[PT_X])
    length = b[PT_S] - a[PT_S]
    part = (s - a[PT_S]) / length
    x = a[PT_X] + (b[PT_X] - a[PT_X]) * part
    y = a[PT_Y] + (b[PT_Y] - a[PT_Y]) * part
    return x, y, a[PT_Z] + (b[PT_Z] - a[PT_Z]) * part, heading


@kernel
def project_on_path(tables: StoryTables, path: int, x: float, y: float) -> tuple[float, float]:
    """Return arc length and left offset of the nearest spot of a path [m]."""
    best_s, best_d, nearest = 0.0, 0.0, math.inf
    for i in range(tables.paths[path], tables.paths[path + 1] - 1):
        a, b = tables.points[i], tables.points[i + 1]
        length = b[PT_S] - a[PT_S]
        if length <= 0.0:
            continue
        cos, sin = (b[PT_X] - a[PT_X]) / length, (b[PT_Y] - a[PT_Y]) / length
        dx, dy = x - a[PT_X], y - a[PT_Y]
        along = min(max(dx * cos + dy * sin, 0.0), length)
        left = dy * cos - dx * sin
        away = (dx - along * cos) ** 2 + (dy - along * sin) ** 2
        if away < nearest:
            nearest, best_s, best_d = away, a[PT_S] + along, left
    return best_s, best_d


@kernel
def s_at_time(tables: StoryTables, path: int, since_ns: int) -> float:
    """Return the arc length that the path's own clock asks for [m]; before the first time its first point."""
    first, last = tables.paths[path], tables.paths[path + 1] - 1
    for i in range(first, last):
        a_ns, b_ns = tables.point_ns[i], tables.point_ns[i + 1]
        if since_ns <= b_ns:
            if since_ns <= a_ns or b_ns == a_ns:
                return float(tables.points[i, PT_S])
            part = (since_ns - a_ns) / (b_ns - a_ns)
            return float(tables.points[i, PT_S] + (tables.points[i + 1, PT_S] - tables.points[i, PT_S]) * part)
    return float(tables.points[last, PT_S])
