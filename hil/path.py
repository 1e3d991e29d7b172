"""The ego's way as one line on the map: a route of lanes joined, lane changes blended."""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.errors import InputError
from twin.kernel import kernel
from twin.road import RoadArrays
from twin.state import Floats, Ints

SPACING_M: Final = 1.0
_CHANGE_M: Final = 60.0  # a lane change of the route is spread over at most this way


class Path(NamedTuple):
    """A line sampled every SPACING_M: arc length, position (map frame), heading (unwrapped), curvature (left +),
    speed limit (inf where unknown), lane row, whether the line is the lane's centre (1) or a lane change (0), and the
    width of the lane."""

    s: Floats
    x: Floats
    y: Floats
    heading: Floats
    curvature: Floats
    limit: Floats
    lane: Ints
    centred: Ints
    width: Floats


def path_of(road: RoadArrays, route: NDArray[np.int64]) -> Path:
    """Join the lanes of `route`, each the successor or a same-direction neighbour of the one before.

    Raises InputError for an empty route.
    """
    if len(route) == 0:
        raise InputError("the route of the ego has no lanes")
    pieces: list[Floats] = []
    lanes: list[Ints] = []
    centred: list[Ints] = []
    i = 0
    while i < len(route):
        lane = int(route[i])
        line = _centre(road, lane)
        j = i
        while j + 1 < len(route) and _beside(road, int(route[j]), int(route[j + 1])):
            j += 1
            line = _blend(line, _centre(road, int(route[j])))
        pieces.append(line)
        lanes.append(np.full(len(line), int(route[j]), dtype=np.int64))
        centred.append(np.full(len(line), int(i == j), dtype=np.int64))
        i = j + 1
    line = np.concatenate(pieces)
    facts = np.column_stack([np.concatenate(lanes), np.concatenate(centred)])
    keep = np.concatenate([[True], np.hypot(*np.diff(line[:, :2], axis=0).T) > 1e-6])
    return _resample(road, line[keep], facts[keep])


def _centre(road: RoadArrays, lane: int) -> Floats:
    """Return x, y and width along a lane, (n, 3)."""
    points = slice(int(road.first[lane]), int(road.first[lane + 1]))
    return np.column_stack([road.x[points], road.y[points], road.width[points]])


def _beside(road: RoadArrays, lane: int, other: int) -> bool:
    return other in (int(road.left[lane]), int(road.right[lane]))


def _blend(start: Floats, end: Floats) -> Floats:
    """Leave `start` for `end` by a half cosine in its middle; both run side by side."""
    n = min(len(start), len(end))
    u = np.linspace(0.0, 1.0, n)
    a = np.column_stack([np.interp(u, np.linspace(0, 1, len(start)), start[:, k]) for k in (0, 1, 2)])
    b = np.column_stack([np.interp(u, np.linspace(0, 1, len(end)), end[:, k]) for k in (0, 1, 2)])
    length = float(np.hypot(*np.diff(a[:, :2], axis=0).T).sum())
    half = 0.5 * min(1.0, _CHANGE_M / max(length, 1e-9))
    w = np.clip((u - 0.5 + half) / (2.0 * half), 0.0, 1.0)
    w = 0.5 - 0.5 * np.cos(np.pi * w)
    return a * (1.0 - w[:, None]) + b * w[:, None]


def _resample(road: RoadArrays, line: Floats, facts: Ints) -> Path:
    along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(line[:, :2], axis=0).T))])
    n = max(2, int(along[-1] / SPACING_M) + 1)
    s = np.linspace(0.0, float(along[-1]), n)
    x, y, width = (np.interp(s, along, line[:, k]) for k in (0, 1, 2))
    lane, centred = facts[np.minimum(np.searchsorted(along, s, side="left"), len(facts) - 1)].T.copy()
    heading = np.unwrap(np.arctan2(np.gradient(y, s), np.gradient(x, s)))
    curvature = np.gradient(heading, s)
    smooth = np.convolve(np.pad(curvature, 2, mode="edge"), np.full(5, 0.2), mode="valid")
    limit = road.speed_limit[lane]
    return Path(s, x, y, heading, smooth, np.where(np.isnan(limit), np.inf, limit), lane, centred, width)


@kernel
def project(path: Path, x: float, y: float, i_from: int, i_to: int, near: float = 0.0) -> tuple[int, float, float]:
    """Return (index, s, d) of the nearest path point between two indices, refined along the tangent; d left + [m].

    Where the way comes by more than once, the first passage within `near` metres counts.
    """
    n = len(path.x)
    lo = max(0, i_from)
    hi = min(n, i_to)
    best = lo
    nearest = np.inf
    for i in range(lo, hi):
        r = (path.x[i] - x) ** 2 + (path.y[i] - y) ** 2
        if r < nearest:
            nearest = r
            best = i
        elif nearest < near * near:
            break
    c = np.cos(path.heading[best])
    si = np.sin(path.heading[best])
    dx = x - path.x[best]
    dy = y - path.y[best]
    return best, path.s[best] + c * dx + si * dy, c * dy - si * dx


@kernel
def point_at(path: Path, s: float) -> tuple[float, float, float]:
    """Return (x, y, heading) at arc length s, extended straight beyond the ends."""
    n = len(path.s)
    step = path.s[1] - path.s[0]
    i = min(max(int(s / step), 0), n - 2)
    u = (s - path.s[i]) / step
    if s < 0.0 or s > path.s[n - 1]:
        e = 0 if s < 0.0 else n - 1
        ds = s - path.s[e]
        return (
            path.x[e] + ds * np.cos(path.heading[e]),
            path.y[e] + ds * np.sin(path.heading[e]),
            path.heading[e],
        )
    return (
        path.x[i] + u * (path.x[i + 1] - path.x[i]),
        path.y[i] + u * (path.y[i + 1] - path.y[i]),
        path.heading[i] + u * (path.heading[i + 1] - path.heading[i]),
    )


@kernel
def bend_at(path: Path, s: float) -> float:
    """Return the curvature at arc length s, straight beyond the ends."""
    n = len(path.s)
    if s < 0.0 or s > path.s[n - 1]:
        return 0.0
    step = path.s[1] - path.s[0]
    i = min(int(s / step), n - 2)
    u = (s - path.s[i]) / step
    return float(path.curvature[i] + u * (path.curvature[i + 1] - path.curvature[i]))
