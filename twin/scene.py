"""What rays can meet that does not move: the surface of the lanes and the boxes of the map, as a tree of triangles.

Model: every lane is a ribbon of flat quadrilaterals between its borders (no superelevation), thinned where it is
straight to 2 cm; every map object is its box. The tree is a bounding volume hierarchy split by the binned surface area
heuristic (Wald, "On fast construction of SAH-based bounding volume hierarchies", 2007).
"""

from __future__ import annotations

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twin.kernel import kernel
from twin.road import Road
from twin.road.arrays import RoadArrays
from twin.state import Floats, Ints

SURFACE_REFLECTIVITY: Final = 0.15  # asphalt at 905 nm
BOX_REFLECTIVITY: Final = 0.4
THINNING_M: Final = 0.02
LONGEST_M: Final = 25.0
LEAF: Final = 4
BINS: Final = 12
KEPT: Final = 8

_scenes: dict[str, Scene] = {}


class Scene(NamedTuple):
    """Triangles in tree order, T of them, and the nodes of the tree, B of them; world frame [m].

    A node with triangles > 0 is a leaf over those from first on, else its children are the nodes first and first + 1.
    """

    corner: Floats  # (T, 3)
    edge_1: Floats  # (T, 3)
    edge_2: Floats  # (T, 3)
    reflectivity: Floats  # (T,) at 905 nm
    low: Floats  # (B, 3)
    high: Floats  # (B, 3)
    first: Ints  # (B,)
    triangles: Ints  # (B,)


def scene_of(road: Road) -> Scene:
    """Return the scene of a road network, built once per content."""
    if road.digest not in _scenes:
        while len(_scenes) >= KEPT:
            del _scenes[next(iter(_scenes))]
        _scenes[road.digest] = build(road)
    return _scenes[road.digest]


def build(road: Road) -> Scene:
    """Build the scene of a road network."""
    surface = _surface(road.arrays)
    boxes = _boxes(road.arrays.boxes)
    triangles = np.concatenate([surface, boxes])
    reflectivity = np.concatenate([np.full(len(surface), SURFACE_REFLECTIVITY), np.full(len(boxes), BOX_REFLECTIVITY)])
    return scene_from(triangles, reflectivity)


def scene_from(triangles: Floats, reflectivity: Floats) -> Scene:
    """Build the tree over triangles (T, 3, 3) [m] with their reflectivities (T,)."""
    if len(triangles) == 0:
        none = np.empty((0, 3))
        corner = np.zeros((1, 3))
        zero = np.zeros(1, dtype=np.int64)
        return Scene(none, none, none, np.empty(0), corner, corner - 1.0, zero, zero)
    order, low, high, first, count = _tree(triangles.min(axis=1), triangles.max(axis=1))
    sorted_ = triangles[order]
    corner = np.ascontiguousarray(sorted_[:, 0])
    return Scene(
        corner,
        np.ascontiguousarray(sorted_[:, 1] - corner),
        np.ascontiguousarray(sorted_[:, 2] - corner),
        reflectivity[order],
        low,
        high,
        first,
        count,
    )


def _surface(road: RoadArrays) -> Floats:
    across = np.stack([-np.sin(road.heading), np.cos(road.heading)], axis=1) * (road.width / 2)[:, None]
    center = np.stack([road.x, road.y], axis=1)
    left = np.column_stack([center + across, road.z])
    right = np.column_stack([center - across, road.z])
    quads = []
    for lane in range(len(road.length)):
        first, last = int(road.first[lane]), int(road.first[lane + 1])
        if last - first < 2:
            continue
        keep = first + _thin(left[first:last], right[first:last], THINNING_M, LONGEST_M)
        a, b = keep[:-1], keep[1:]
        quads.append(np.stack([right[a], right[b], left[b]], axis=1))
        quads.append(np.stack([right[a], left[b], left[a]], axis=1))
    return np.concatenate(quads) if quads else np.empty((0, 3, 3))


@kernel
def _thin(left: NDArray[np.float64], right: NDArray[np.float64], tolerance: float, longest: float) -> NDArray[np.int64]:
    n = len(left)
    keep = np.empty(n, dtype=np.int64)
    keep[0] = 0
    kept = 1
    a = 0
    for b in range(2, n):
        fits = np.sqrt(np.sum((left[b] - left[a]) ** 2)) <= longest
        i = a + 1
        while fits and i < b:
            w = (i - a) / (b - a)
            off_left = left[i] - (left[a] + (left[b] - left[a]) * w)
            off_right = right[i] - (right[a] + (right[b] - right[a]) * w)
            fits = np.sum(off_left**2) <= tolerance**2 and np.sum(off_right**2) <= tolerance**2
            i += 1
        if not fits:
            a = b - 1
            keep[kept] = a
            kept += 1
    keep[kept] = n - 1
    return keep[: kept + 1]


_UNIT_CORNERS = np.array(
    [[x, y, z] for z in (0.0, 1.0) for x, y in ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))]
)
_FACES = np.array(
    [
        *([0, 2, 1], [0, 3, 2], [4, 5, 6], [4, 6, 7], [0, 1, 5], [0, 5, 4]),
        *([1, 2, 6], [1, 6, 5], [2, 3, 7], [2, 7, 6], [3, 0, 4], [3, 4, 7]),
    ]
)


def _boxes(boxes: Floats) -> Floats:
    x, y, z, yaw, length, width, height = boxes.reshape(-1, 7).T
    size = np.stack([length, width, height], axis=1)
    local = _UNIT_CORNERS[None] * size[:, None]  # (O, 8, 3)
    cos, sin = np.cos(yaw)[:, None], np.sin(yaw)[:, None]
    world = np.stack(
        [
            x[:, None] + cos * local[..., 0] - sin * local[..., 1],
            y[:, None] + sin * local[..., 0] + cos * local[..., 1],
            z[:, None] + local[..., 2],
        ],
        axis=-1,
    )
    triangles: Floats = world[:, _FACES].reshape(-1, 3, 3)
    return triangles


@kernel
def _area(low: NDArray[np.float64], high: NDArray[np.float64]) -> float:
    d = high - low
    return float(d[0] * d[1] + d[1] * d[2] + d[2] * d[0])


@kernel
def _tree(
    low: NDArray[np.float64], high: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]:
    """Return the order of the triangles and the nodes (low, high, first, count)."""
    n = len(low)
    order = np.arange(n)
    center = 0.5 * (low + high)
    node_low = np.empty((2 * n, 3))
    node_high = np.empty((2 * n, 3))
    node_first = np.zeros(2 * n, dtype=np.int64)
    node_count = np.zeros(2 * n, dtype=np.int64)
    node_count[0] = n
    nodes = 1
    at = 0
    bin_low = np.empty((BINS, 3))
    bin_high = np.empty((BINS, 3))
    bin_count = np.empty(BINS, dtype=np.int64)
    right_cost = np.empty(BINS)
    while at < nodes:
        first, count = node_first[at], node_count[at]
        node_low[at] = np.inf
        node_high[at] = -np.inf
        c_low = np.full(3, np.inf)
        c_high = np.full(3, -np.inf)
        for j in range(first, first + count):
            t = order[j]
            for a in range(3):
                node_low[at, a] = min(node_low[at, a], low[t, a])
                node_high[at, a] = max(node_high[at, a], high[t, a])
                c_low[a] = min(c_low[a], center[t, a])
                c_high[a] = max(c_high[a], center[t, a])
        axis = 0
        for a in range(1, 3):
            if c_high[a] - c_low[a] > c_high[axis] - c_low[axis]:
                axis = a
        extent = c_high[axis] - c_low[axis]
        if count <= LEAF or extent <= 0.0:
            at += 1
            continue
        bin_low[:] = np.inf
        bin_high[:] = -np.inf
        bin_count[:] = 0
        for j in range(first, first + count):
            t = order[j]
            b = min(BINS - 1, int((center[t, axis] - c_low[axis]) / extent * BINS))
            bin_count[b] += 1
            for a in range(3):
                bin_low[b, a] = min(bin_low[b, a], low[t, a])
                bin_high[b, a] = max(bin_high[b, a], high[t, a])
        run_low = np.full(3, np.inf)
        run_high = np.full(3, -np.inf)
        run = 0
        for b in range(BINS - 1, 0, -1):
            run += bin_count[b]
            for a in range(3):
                run_low[a] = min(run_low[a], bin_low[b, a])
                run_high[a] = max(run_high[a], bin_high[b, a])
            right_cost[b] = run * _area(run_low, run_high) if run > 0 else 0.0
        run_low[:] = np.inf
        run_high[:] = -np.inf
        run = 0
        best = np.inf
        split = -1
        for b in range(BINS - 1):
            run += bin_count[b]
            for a in range(3):
                run_low[a] = min(run_low[a], bin_low[b, a])
                run_high[a] = max(run_high[a], bin_high[b, a])
            if run == 0 or run == count:
                continue
            cost = run * _area(run_low, run_high) + right_cost[b + 1]
            if cost < best:
                best = cost
                split = b
        if split < 0:
            at += 1
            continue
        i = first
        j = first + count - 1
        while i <= j:
            t = order[i]
            if min(BINS - 1, int((center[t, axis] - c_low[axis]) / extent * BINS)) <= split:
                i += 1
            else:
                order[i] = order[j]
                order[j] = t
                j -= 1
        node_first[nodes] = first
        node_count[nodes] = i - first
        node_first[nodes + 1] = i
        node_count[nodes + 1] = first + count - i
        node_first[at] = nodes
        node_count[at] = 0
        nodes += 2
        at += 1
    return (
        order,
        node_low[:nodes].copy(),
        node_high[:nodes].copy(),
        node_first[:nodes].copy(),
        node_count[:nodes].copy(),
    )
