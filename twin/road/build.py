"""From lane shapes and joints to the arrays of a road network."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from twin.errors import MapError
from twin.road.arrays import DRIVING, Road, RoadArrays
from twin.state import Floats, Ints

POINT_SPACING = 1.0  # most way between two points of a centre line [m]
_CELL = 10.0  # of the grid [m]
_MOST_CELLS = 4_000_000
_BEND = 0.05  # bends closer than this count as the same [rad]


@dataclass(frozen=True, slots=True)
class LaneShape:
    """One lane of one section in its direction of travel, sampled at equal steps of planar arc length."""

    road: int
    section: int
    lane_id: int
    kind: int
    junction: int
    forward: bool  # travel is along the road's s
    speed_limit: float
    step: float
    xyz: Floats  # (n, 3), n >= 2
    heading: Floats  # (n,) unwrapped
    pitch: Floats
    curvature: Floats
    width: Floats
    road_s: Floats
    road_t: Floats

    @property
    def length(self) -> float:
        return self.step * (len(self.heading) - 1)


@dataclass(frozen=True, slots=True)
class StopLine:
    """Where traffic stops for a dynamic signal."""

    signal: int
    lane: int
    s: float


@dataclass(frozen=True, slots=True)
class Extras:
    """Everything of a network that is not lanes."""

    stop_lines: Sequence[StopLine] = ()
    boxes: Floats = field(default_factory=lambda: np.empty((0, 7)))
    signal_names: tuple[str, ...] = ()
    controllers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    junction_controllers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    crossings: tuple[Floats, ...] = ()
    geo_reference: str | None = None
    geo_offset: tuple[float, float, float] = (0.0, 0.0, 0.0)


def resample(
    xy: Floats, heading: Floats, others: Mapping[str, Floats]
) -> tuple[Floats, Floats, float, dict[str, Floats]]:
    """Space the points of a centre line equally along its planar arc length.

    xy is (n, 2), heading (n,) unwrapped; between points the line is taken as an arc, so a chord c that turns by a is
    c * a / 2 / sin(a / 2) long. Returns xy, heading, the step and `others` at the new points.
    """
    chord = np.hypot(*np.diff(xy, axis=0).T)
    half = np.minimum(np.abs(np.diff(heading)) / 2, 1.5)
    arc = chord / np.sinc(half / np.pi)
    way = np.concatenate([[0.0], np.cumsum(arc)])
    keep = np.concatenate([[True], np.diff(way) > 1e-9])
    if keep.sum() < 2 or way[-1] < 1e-6:
        raise MapError("a lane without length")
    way, xy, heading = way[keep], xy[keep], heading[keep]
    count = max(2, math.ceil(way[-1] / POINT_SPACING - 1e-9) + 1)
    at = np.linspace(0.0, way[-1], count)
    k = np.clip(np.searchsorted(way, at, side="right") - 1, 0, len(way) - 2)
    h = way[k + 1] - way[k]
    u = (at - way[k]) / h
    tangent = np.stack([np.cos(heading), np.sin(heading)], axis=1)
    a, b = (2 * u**3 - 3 * u**2 + 1)[:, None], (u**3 - 2 * u**2 + u)[:, None]
    c, e = (3 * u**2 - 2 * u**3)[:, None], (u**3 - u**2)[:, None]
    new_xy = a * xy[k] + b * h[:, None] * tangent[k] + c * xy[k + 1] + e * h[:, None] * tangent[k + 1]
    new = {name: np.interp(at, way, values[keep]) for name, values in others.items()}
    return new_xy, np.interp(at, way, heading), float(at[1]), new


def curvature_of(heading: Floats, step: float) -> Floats:
    """Return d(heading)/ds [1/m] at every point."""
    return np.gradient(heading, step)


def _ranges(pairs: Iterable[tuple[int, int]], count: int) -> tuple[Ints, Ints]:
    """Return the flat list of the second members, grouped by the first, with `count + 1` starts."""
    ordered = sorted(set(pairs))
    keys = np.array([a for a, _ in ordered], dtype=np.int64)
    return (
        np.searchsorted(keys, np.arange(count + 1)).astype(np.int64),
        np.array([b for _, b in ordered], dtype=np.int64),
    )


def _sides(lanes: Sequence[LaneShape]) -> dict[str, Ints]:
    """Return left, right, oncoming and number of every lane."""
    count = len(lanes)
    out = {name: np.full(count, -1, dtype=np.int64) for name in ("left", "right", "oncoming")}
    number = np.zeros(count, dtype=np.int64)
    sections: dict[tuple[int, int], list[int]] = {}
    for row, lane in enumerate(lanes):
        sections.setdefault((lane.road, lane.section), []).append(row)
    for rows in sections.values():
        rows.sort(key=lambda row: lanes[row].lane_id)
        for forward in (True, False):
            # from right to left in the direction of travel
            ordered = rows if forward else rows[::-1]
            same = [row for row in ordered if lanes[row].forward == forward]
            driving = [row for row in same if lanes[row].kind == DRIVING]
            for k, row in enumerate(driving):
                number[row] = k + 1
            for right, left in pairwise(same):
                adjacent = lanes[left].lane_id - lanes[right].lane_id in (1, -1, 2, -2)
                if not adjacent:
                    continue
                if lanes[right].kind != DRIVING or lanes[left].kind == DRIVING:
                    out["left"][right] = left
                if lanes[left].kind != DRIVING or lanes[right].kind == DRIVING:
                    out["right"][left] = right
            for row in same:
                place = ordered.index(row)
                across = ordered[place + 1 :] + ordered[:place][::-1]
                facing = (o for o in across if lanes[o].forward != forward and lanes[o].kind == DRIVING)
                out["oncoming"][row] = next(facing, -1)
    return {**out, "number": number}


def _bend(lanes: Sequence[LaneShape], before: int, after: int, over: int) -> tuple[int, int, int, int]:
    """Order branches: the least turn over lane `over`, then the same road, then the nearest lane id, then the row."""
    a, b, turned = lanes[before], lanes[after], lanes[over]
    total = abs(turned.heading[-1] - turned.heading[0])
    return round(float(total) / _BEND), int(a.road != b.road), abs(a.lane_id - b.lane_id), over


def _threads(count: int, succ: Sequence[Sequence[int]], pred: Sequence[Sequence[int]]) -> Ints:
    thread = np.arange(count, dtype=np.int64)

    def root(row: int) -> int:
        while thread[row] != row:
            thread[row] = thread[thread[row]]
            row = int(thread[row])
        return row

    for row in range(count):
        if len(succ[row]) == 1 and len(pred[succ[row][0]]) == 1:
            a, b = root(row), root(succ[row][0])
            thread[max(a, b)] = min(a, b)
    return np.array([root(row) for row in range(count)], dtype=np.int64)


def _grid(points: Floats, width: Floats, lane_of: Ints) -> dict[str, object]:
    """Return the grid: for every cell the lanes whose surface may touch it, with their nearest points."""
    margin = 1.0
    reach = width / 2 + margin
    low = (points - reach[:, None]).min(axis=0)
    high = (points + reach[:, None]).max(axis=0)
    cell = _CELL
    while math.prod(np.ceil((high - low) / cell).astype(int) + 1) > _MOST_CELLS:
        cell *= 2
    nx, ny = (np.ceil((high - low) / cell).astype(int) + 1).tolist()
    first = np.floor((points - reach[:, None] - low) / cell).astype(np.int64)
    last = np.floor((points + reach[:, None] - low) / cell).astype(np.int64)
    entries = []
    for i in range(int((last - first)[:, 0].max()) + 1):
        for j in range(int((last - first)[:, 1].max()) + 1):
            at = first + np.array([i, j])
            inside = np.flatnonzero((at <= last).all(axis=1))
            middle = low + (at[inside] + 0.5) * cell
            off = np.hypot(*(points[inside] - middle).T)
            entries.append(np.stack([at[inside, 1] * nx + at[inside, 0], lane_of[inside], off, inside], axis=1))
    found = np.concatenate(entries)
    found = found[np.lexsort((found[:, 3], found[:, 2], found[:, 1], found[:, 0]))]
    fresh = np.concatenate([[True], (np.diff(found[:, :2], axis=0) != 0).any(axis=1)])
    found = found[fresh]
    cells = found[:, 0].astype(np.int64)
    return {
        "cell": float(cell),
        "grid_x": float(low[0]),
        "grid_y": float(low[1]),
        "grid_nx": int(nx),
        "grid_ny": int(ny),
        "grid_first": np.searchsorted(cells, np.arange(nx * ny + 1)).astype(np.int64),
        "grid_lane": found[:, 1].astype(np.int64),
        "grid_point": found[:, 3].astype(np.int64),
    }


def assemble(
    name: str,
    digest: str,
    lanes: Sequence[LaneShape],
    joins: Iterable[tuple[int, int]],
    road_names: tuple[str, ...],
    junction_names: tuple[str, ...] = (),
    extras: Extras | None = None,
) -> Road:
    """Put lanes together. `joins` are pairs (lane, lane after it), rows of `lanes`.

    Raises MapError when there is no lane at all.
    """
    if not lanes:
        raise MapError(f"map '{name}' has no lane")
    extras = extras or Extras()
    count = len(lanes)
    pairs = sorted(set(joins))
    succ_first, succ = _ranges(pairs, count)
    pred_first, pred = _ranges(((b, a) for a, b in pairs), count)
    after = [succ[succ_first[row] : succ_first[row + 1]].tolist() for row in range(count)]
    before = [pred[pred_first[row] : pred_first[row + 1]].tolist() for row in range(count)]
    straight = [min(rows, key=lambda b: _bend(lanes, row, b, b)) if rows else -1 for row, rows in enumerate(after)]
    back = [
        min(rows, key=lambda a: (straight[a] != row, _bend(lanes, a, row, a))) if rows else -1
        for row, rows in enumerate(before)
    ]
    sizes = np.array([len(lane.heading) for lane in lanes], dtype=np.int64)
    xyz = np.concatenate([lane.xyz for lane in lanes])
    width = np.concatenate([lane.width for lane in lanes])
    ints = ("kind", "road", "section", "lane_id", "junction")
    columns: dict[str, Any] = {
        "first": np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        "step": np.array([lane.step for lane in lanes]),
        "length": np.array([lane.length for lane in lanes]),
        "speed_limit": np.array([lane.speed_limit for lane in lanes], dtype=np.float64),
        **{key: np.array([getattr(lane, key) for lane in lanes], dtype=np.int64) for key in ints},
        **_sides(lanes),
        "thread": _threads(count, after, before),
        "straight": np.array(straight, dtype=np.int64),
        "back": np.array(back, dtype=np.int64),
        "succ_first": succ_first,
        "succ": succ,
        "pred_first": pred_first,
        "pred": pred,
        **{key: np.ascontiguousarray(xyz[:, k]) for k, key in enumerate("xyz")},
        **{
            key: np.concatenate([getattr(lane, key) for lane in lanes])
            for key in ("heading", "pitch", "curvature", "road_s", "road_t")
        },
        "width": width,
        "stop_signal": np.array([line.signal for line in extras.stop_lines], dtype=np.int64),
        "stop_lane": np.array([line.lane for line in extras.stop_lines], dtype=np.int64),
        "stop_s": np.array([line.s for line in extras.stop_lines], dtype=np.float64),
        **_grid(xyz[:, :2], width, np.repeat(np.arange(count), sizes)),
        "boxes": extras.boxes,
    }
    arrays = RoadArrays(**columns)
    return Road(
        name=name,
        digest=digest,
        arrays=arrays,
        road_names=road_names,
        junction_names=junction_names,
        signal_names=extras.signal_names,
        controllers=extras.controllers,
        junction_controllers=extras.junction_controllers,
        crossings=extras.crossings,
        geo_reference=extras.geo_reference,
        geo_offset=extras.geo_offset,
    )


def straight_road(
    lanes: int, length_m: float, lane_width: float = 3.5, two_way: bool = False, speed_limit: float = math.nan
) -> Road:
    """Return one straight, flat road along +x from the origin, its reference line on y = 0.

    `lanes` driving lanes go along +x right of the line (rows 0 .. lanes - 1, row 0 next to the line, as OpenDRIVE ids
    -1, -2, ...); with `two_way` as many come back left of it. Speed limit in m/s, nan for none.
    """
    count = max(2, math.ceil(length_m / POINT_SPACING) + 1)
    along = np.linspace(0.0, length_m, count)
    shapes = []
    for side in (-1, 1) if two_way else (-1,):
        for k in range(lanes):
            road_s = along if side < 0 else along[::-1].copy()
            y = np.full(count, side * (k + 0.5) * lane_width)
            shapes.append(
                LaneShape(
                    road=0,
                    section=0,
                    lane_id=side * (k + 1),
                    kind=DRIVING,
                    junction=-1,
                    forward=side < 0,
                    speed_limit=speed_limit,
                    step=float(along[1]),
                    xyz=np.stack([road_s, y, np.zeros(count)], axis=1),
                    heading=np.full(count, 0.0 if side < 0 else math.pi),
                    pitch=np.zeros(count),
                    curvature=np.zeros(count),
                    width=np.full(count, lane_width),
                    road_s=road_s,
                    road_t=y,
                )
            )
    name = f"straight_{lanes}x{length_m:g}"
    return assemble(name, f"{name}/{lane_width:g}/{two_way}/{speed_limit:g}", shapes, (), ("0",))
