"""The road near the action, simplified for drawing."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from twin.road import Road
from twin.road.arrays import DRIVING, LANE_KIND_NAMES
from twin.state import Floats

_CELL_M: Final = 40.0
_REACH: Final = 2  # cells around everybody's way
_TOLERANCE_M: Final = 0.05
_CM: Final = 100.0

NO_LINE, BROKEN, SOLID, MIDDLE = range(4)


def ground(road: Road, ways: Floats, origin: Floats) -> dict[str, Any]:
    """Return lanes, stop lines, crossings and boxes within about 80 m of the points `ways` (n, 2), in cm from `origin`.

    A lane reads `kind`, `junction`, its borders `left` and `right` as flat x, y lists, and the lines painted on them:
    0 none, 1 broken, 2 solid, 3 between opposite directions.
    """
    near = _Near(ways)
    return {
        "lanes": [lane for k in range(len(road.arrays.length)) for lane in _lane(road, k, near, origin)],
        "stops": _stops(road, near, origin),
        "crossings": [_flat(c, origin) for c in road.crossings if near(np.asarray(c)).any()],
        "boxes": [
            [round(float(v) * _CM) for v in (b[0] - origin[0], b[1] - origin[1], b[4], b[5])]
            + [round(float(b[3]) * 1000)]
            for b in road.arrays.boxes
            if near(b[None, :2])[0]
        ],
    }


class _Near:
    """Says which points lie in the cells around the action."""

    def __init__(self, ways: Floats) -> None:
        cells = np.unique(_cells(ways), axis=0) if len(ways) else np.zeros((0, 2), np.int64)
        reach = np.arange(-_REACH, _REACH + 1)
        around = np.stack(np.meshgrid(reach, reach), axis=-1).reshape(-1, 2)
        self._keys = np.unique(_keys((cells[:, None, :] + around).reshape(-1, 2)))

    def __call__(self, points: Floats) -> NDArray[np.bool_]:
        return np.isin(_keys(_cells(points)), self._keys)


def _cells(points: Floats) -> NDArray[np.int64]:
    return np.floor(np.clip(points, -1e8, 1e8) / _CELL_M).astype(np.int64)


def _keys(cells: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.asarray(cells[..., 0] * (1 << 32) + cells[..., 1])


def _lane(road: Road, k: int, near: _Near, origin: Floats) -> list[dict[str, Any]]:
    arrays = road.arrays
    at = slice(int(arrays.first[k]), int(arrays.first[k + 1]))
    center = np.stack([arrays.x[at], arrays.y[at]], axis=1)
    inside = near(center)
    if not inside.any():
        return []
    normal = np.stack([-np.sin(arrays.heading[at]), np.cos(arrays.heading[at])], axis=1)
    half = arrays.width[at][:, None] / 2
    left, right = center + normal * half, center - normal * half
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8))).reshape(-1, 2)
    driving = arrays.kind[k] == DRIVING
    painted = driving and arrays.junction[k] < 0
    return [
        {
            "kind": LANE_KIND_NAMES[int(arrays.kind[k])],
            "junction": int(arrays.junction[k] >= 0),
            "left": _flat(simplify(left[a:b]), origin),
            "right": _flat(simplify(right[a:b]), origin),
            "left_line": _left_line(road, k) if painted else NO_LINE,
            "right_line": (SOLID if arrays.right[k] < 0 else NO_LINE) if painted else NO_LINE,
        }
        for a, b in ((max(int(a) - 1, 0), int(b) + 1) for a, b in edges)
        if b - a > 1
    ]


def _left_line(road: Road, k: int) -> int:
    if road.arrays.left[k] >= 0:
        return BROKEN
    return MIDDLE if road.arrays.oncoming[k] >= 0 else SOLID


def _stops(road: Road, near: _Near, origin: Floats) -> list[dict[str, Any]]:
    arrays = road.arrays
    out = []
    for signal, lane, s in zip(arrays.stop_signal, arrays.stop_lane, arrays.stop_s):
        first, last = int(arrays.first[lane]), int(arrays.first[lane + 1]) - 1
        i = min(first + max(round(float(s / arrays.step[lane])), 0), last)
        center = np.array([arrays.x[i], arrays.y[i]])
        if not near(center[None])[0]:
            continue
        across = np.array([-np.sin(arrays.heading[i]), np.cos(arrays.heading[i])]) * arrays.width[i] / 2
        out.append({"signal": int(signal), "line": _flat(np.stack([center + across, center - across]), origin)})
    return out


def _flat(points: Floats, origin: Floats) -> list[int]:
    whole = np.rint((np.asarray(points)[:, :2] - origin) * _CM).astype(np.int64)
    return [int(v) for v in whole.reshape(-1)]


def simplify(points: Floats, tolerance: float = _TOLERANCE_M) -> Floats:
    """Return the points of a line that are needed to stay within `tolerance` [m] of it (Douglas and Peucker 1973)."""
    keep = np.zeros(len(points), dtype=np.bool_)
    keep[[0, -1]] = True
    open_spans = [(0, len(points) - 1)]
    while open_spans:
        a, b = open_spans.pop()
        if b - a < 2:
            continue
        distance = _to_segment(points[a + 1 : b], points[a], points[b])
        far = int(np.argmax(distance))
        if distance[far] > tolerance:
            middle = a + 1 + far
            keep[middle] = True
            open_spans += [(a, middle), (middle, b)]
    return np.asarray(points[keep])


def _to_segment(points: Floats, start: Floats, end: Floats) -> Floats:
    chord = end - start
    square = float(chord @ chord)
    along = np.clip((points - start) @ chord / square, 0.0, 1.0) if square > 0.0 else np.zeros(len(points))
    away = points - start - along[:, None] * chord
    return np.hypot(away[:, 0], away[:, 1])
