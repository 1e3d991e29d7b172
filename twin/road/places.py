"""Places on a road network: by lane number, OpenDRIVE ids, coordinates, or by what the road is like there.

Where a search finds several places the first in (road, section, lane, s) order is taken, or the one numbered `pick`
modulo their count.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from twin.errors import InputError, UnknownName
from twin.road.arrays import DRIVING, Road, RoadArrays
from twin.road.geo import from_geodetic
from twin.road.kernels import (
    ANY_KIND,
    across,
    beside,
    lane_pose,
    locate,
    locate_kind,
    turn_between,
)
from twin.road.routes import describe, straight_lanes
from twin.state import Floats

Flags = NDArray[np.bool_]

Turn = Literal["left", "right", "straight", "any"]

_TURNS = math.radians(35.0)  # less than this is straight on
_BACK = math.radians(150.0)  # more than this is a U-turn
_NEARLY = 0.9  # of the longest way is as good as the longest
_STRIDE = 5.0  # of a search along lanes [m]
_LINE_REACH = 30.0  # how far before a junction a stop line still belongs to it [m]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Spot:
    """A place: (lane, s, d) on a lane row, its world position [m] and heading [rad]. lane is -1 off every lane."""

    lane: int
    s: float
    d: float
    x: float
    y: float
    z: float
    heading: float


@dataclass(frozen=True, slots=True)
class Approach:
    """The entry line of a junction, the lane through the junction that was asked for, and where that leads."""

    spot: Spot
    junction: int
    through: int
    exit: int


def on_lane(road: Road, lane: int, s: float, d: float = 0.0) -> Spot:
    """Return the spot at s along and d left of a lane row."""
    x, y, z, heading, _, _ = lane_pose(road.arrays, lane, s, d)
    return Spot(int(lane), float(s), float(d), x, y, z, turn_between(0.0, heading))


# --- by number, ids and coordinates -----------------------------------------------------------------------------------


def main_lane(road: Road, number: int, s: float) -> Spot:
    """Return the spot at s along the map's main road on lane `number`, 1 = rightmost, counting left.

    The main road is the longest way straight on that starts where traffic enters the map, or on the longest lane
    outside junctions, taken along its rightmost lane; of ways as long within a tenth (both directions of a road, say)
    the first in the file.
    Raises InputError when there is no such lane at s.
    """
    a = road.arrays
    chain = _main_chain(road)
    rest = s
    for lane in chain:
        if rest <= a.length[lane] or lane == chain[-1]:
            break
        rest -= float(a.length[lane])
    total = float(sum(a.length[k] for k in chain))
    if not 0.0 <= s <= total + 1e-6:
        raise InputError(f"the main road of map '{road.name}' is {total:.1f} m long; s = {s:g} m is not on it")
    lanes = [int(lane)]
    while (left := int(a.left[lanes[-1]])) >= 0:
        lanes.append(left)
    while (right := int(a.right[lanes[0]])) >= 0:
        lanes.insert(0, right)
    if not 1 <= number <= len(lanes):
        count = f"{len(lanes)} lane{'s' if len(lanes) > 1 else ''}"
        raise InputError(
            f"map '{road.name}' has {count} at s = {s:g} m, counted from the right; there is no lane {number}"
        )
    chosen = lanes[number - 1]
    return on_lane(road, chosen, across(a, lane, rest, chosen))


@lru_cache(maxsize=64)
def _main_chain_of(holder: _Holder) -> tuple[int, ...]:
    a = holder.road.arrays
    rightmost = (a.kind == DRIVING) & (a.number == 1)
    entries = np.flatnonzero(rightmost & (a.back < 0)).tolist()
    outside = np.flatnonzero(rightmost & (a.junction < 0))
    if len(outside):
        entries.append(int(outside[np.argmax(a.length[outside])]))
    if not entries:
        raise InputError(f"map '{holder.road.name}' has no driving lane that a main road could start on")
    chains = []
    for entry in entries:
        chain, lane = {}, int(entry)
        while lane >= 0 and lane not in chain:
            chain[lane] = float(a.length[lane])
            lane = int(a.straight[lane])
        chains.append(chain)
    ways = [sum(chain.values()) for chain in chains]
    return tuple(chains[next(k for k, way in enumerate(ways) if way >= _NEARLY * max(ways))])


class _Holder:
    """A road as a cache key: by identity, kept alive while it is cached."""

    def __init__(self, road: Road) -> None:
        self.road = road

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Holder) and other.road is self.road

    def __hash__(self) -> int:
        return id(self.road)


def _main_chain(road: Road) -> tuple[int, ...]:
    return _main_chain_of(_Holder(road))


def _road_row(road: Road, road_id: str) -> int:
    if road_id not in road.road_names:
        raise UnknownName(f"road of map '{road.name}'", road_id, road.road_names)
    return road.road_names.index(road_id)


def _rows_at(road: Road, road_id: str, s: float) -> list[int]:
    """Return the lanes of a road in its section at s, by ascending lane id. Raises InputError off its length."""
    a = road.arrays
    rows = np.flatnonzero(a.road == _road_row(road, road_id))
    ends = np.stack([a.road_s[a.first[rows]], a.road_s[a.first[rows + 1] - 1]])
    low, high = ends.min(axis=0), ends.max(axis=0)
    if len(rows) == 0 or not low.min() - 1e-6 <= s <= high.max() + 1e-6:
        reach = f"from {low.min():g} to {high.max():.6g} m" if len(rows) else "of no length"
        raise InputError(f"road '{road_id}' of map '{road.name}' is {reach} long; s = {s:g} m is not on it")
    at = min(max(s, float(low.min())), float(high.max()))
    here = rows[(low <= at) & (at <= high)]
    section = a.section[here].max()
    return sorted((int(k) for k in here if a.section[k] == section), key=lambda k: int(a.lane_id[k]))


def _along(a: RoadArrays, lane: int, road_s: float) -> float:
    """Return the arc length on a lane at the s of its road."""
    points = slice(a.first[lane], a.first[lane + 1])
    at, way = a.road_s[points], np.arange(a.first[lane + 1] - a.first[lane]) * a.step[lane]
    return float(np.interp(road_s, at, way) if at[-1] > at[0] else np.interp(road_s, at[::-1], way[::-1]))


def by_ids(road: Road, road_id: str, lane_id: int, s: float, offset: float = 0.0) -> Spot:
    """Return the spot on an OpenDRIVE lane at the road's s, `offset` left of its centre in its direction of travel.

    Raises UnknownName for a road, InputError for an s or a lane that the road has not there.
    """
    rows = _rows_at(road, road_id, s)
    for row in rows:
        if road.arrays.lane_id[row] == lane_id:
            return on_lane(road, row, _along(road.arrays, row, s), offset)
    ids = ", ".join(str(road.arrays.lane_id[row]) for row in rows)
    raise InputError(f"road '{road_id}' of map '{road.name}' has no lane {lane_id} at s = {s:g} m; it has {ids}")


def by_road(road: Road, road_id: str, s: float, t: float) -> Spot:
    """Return the spot at (s, t) of an OpenDRIVE road, on the lane that holds it or the nearest one.

    Raises UnknownName for a road, InputError for an s beyond it.
    """
    a = road.arrays
    best: tuple[float, int, float, float] | None = None
    for row in _rows_at(road, road_id, s):
        points = slice(a.first[row], a.first[row + 1])
        along = _along(a, row, s)
        way = np.arange(len(a.road_t[points])) * a.step[row]
        off = t - float(np.interp(along, way, a.road_t[points]))
        outside = max(0.0, abs(off) - float(np.interp(along, way, a.width[points])) / 2)
        if best is None or outside < best[0]:
            forward = a.road_s[points][-1] > a.road_s[points][0]
            best = (outside, row, along, off if forward else -off)
    assert best is not None
    return on_lane(road, best[1], best[2], best[3])


def by_xy(road: Road, x: float, y: float, heading: float | None = None, z: float | None = None) -> Spot:
    """Return the spot at a point of the world: on the lane that agrees best with heading, else off every lane."""
    lane, s, d = locate(road.arrays, x, y, 0.0 if heading is None else heading)
    if heading is None or lane < 0:
        lane, s, d = locate_kind(road.arrays, x, y, 1 << DRIVING)
    if lane < 0:
        lane, s, d = locate_kind(road.arrays, x, y, ANY_KIND)
    if lane < 0:
        return Spot(-1, 0.0, 0.0, x, y, z or 0.0, heading or 0.0)
    spot = on_lane(road, lane, s, d)
    return Spot(lane, s, d, x, y, spot.z if z is None else z, spot.heading if heading is None else heading)


def by_geo(road: Road, latitude: float, longitude: float) -> Spot:
    """Return the spot at latitude and longitude [deg]. Raises MapError on a map without geoReference."""
    x, y, _ = from_geodetic(road, latitude, longitude)
    return by_xy(road, x, y)


# --- by what the road is like -----------------------------------------------------------------------------------------


def _pick(found: Sequence[T], pick: int | None) -> T:
    return found[0 if pick is None else pick % len(found)]


def find_lane(
    road: Road,
    *,
    length: float | None = None,
    right_lane_for: float | None = None,
    left_lane_for: float | None = None,
    curvature_below: float | None = None,
    curvature_above: float | None = None,
    grade_above: float | None = None,
    speed_limit_above: float | None = None,
    lanes_at_least: int | None = None,
    pick: int | None = None,
) -> Spot:
    """Return the start of a stretch of driving lane outside junctions that fulfils all clauses.

    The stretch goes straight on for `length` [m]; curvature (absolute, 1/m), grade (absolute, rise over run), speed
    limit [m/s] and the number of lanes in the direction of travel hold all along it; a lane to the right or left is
    there for the first so many metres. Raises InputError naming the first clause that nothing fulfils.
    """
    a = road.arrays
    reach = max(length or 0.0, right_lane_for or 0.0, left_lane_for or 0.0)
    starts = [int(k) for k in np.flatnonzero((a.kind == DRIVING) & (a.junction < 0))]
    stretches = [_Stretch(road, lane, reach) for lane in starts]
    clauses: dict[str, list[Flags]] = {}

    def holds(name: str, good: list[Flags], need: float | None = length) -> None:
        clauses[name] = [
            _run(flags, stretch.count) >= (need or 0.0) - 1e-6 if need else flags[: stretch.count]
            for flags, stretch in zip(good, stretches)
        ]

    if length is not None:
        holds(f"length: {length:g} m", [np.ones(len(s.curvature), bool) for s in stretches])
    if lanes_at_least is not None:
        holds(f"lanes_at_least: {lanes_at_least}", [s.lanes >= lanes_at_least for s in stretches])
    for side, need in (("right", right_lane_for), ("left", left_lane_for)):
        if need is not None:
            there = [getattr(s, side) for s in stretches]
            holds(f"{side}_lane_for: {need:g} m", there, need)
    if curvature_below is not None:
        holds(f"curvature_below: {curvature_below:g} 1/m", [s.curvature < curvature_below for s in stretches])
    if curvature_above is not None:
        holds(f"curvature_above: {curvature_above:g} 1/m", [s.curvature > curvature_above for s in stretches])
    if grade_above is not None:
        holds(f"grade_above: {grade_above:g}", [s.grade > grade_above for s in stretches])
    if speed_limit_above is not None:
        holds(f"speed_limit_above: {speed_limit_above:g} m/s", [s.limit > speed_limit_above for s in stretches])
    fit = [np.ones(s.count, bool) for s in stretches]
    for name, flags in clauses.items():
        fit = [one & other for one, other in zip(fit, flags)]
        if not any(one.any() for one in fit):
            raise InputError(
                f"map '{road.name}' has no lane with {name}{' and all before it' if len(clauses) > 1 else ''}"
            )
    if not starts:
        raise InputError(f"map '{road.name}' has no driving lane outside junctions")
    spots = [(lane, k * _STRIDE) for lane, one in zip(starts, fit) for k in np.flatnonzero(one).tolist()]
    lane, s = _pick(spots, pick)
    return on_lane(road, lane, min(s, float(a.length[lane])))


def _run(flags: Flags, count: int) -> Floats:
    """Return for each of the first `count` samples how far [m] the flags stay true from there on."""
    last = np.concatenate([np.flatnonzero(~flags), [len(flags)]])
    at = np.arange(count)
    ends = last[np.searchsorted(last, at)]
    return np.maximum(ends - at - 1, -1) * _STRIDE


class _Stretch:
    """A lane and what follows it straight on outside junctions for `reach` metres, sampled every stride."""

    def __init__(self, road: Road, lane: int, reach: float) -> None:
        a = road.arrays
        self.count = int(a.length[lane] // _STRIDE) + 1
        chain = [int(k) for k in straight_lanes(road, lane, float(a.length[lane]), reach + _STRIDE)]
        inside = next((k for k, row in enumerate(chain) if a.junction[row] >= 0), len(chain))
        chain = chain[:inside]
        ends = np.cumsum(a.length[chain])
        at = np.arange(0.0, float(ends[-1]) + 1e-9, _STRIDE)
        which = np.minimum(np.searchsorted(ends, at), len(chain) - 1)
        rows = np.array(chain)[which]
        local = at - (ends - a.length[chain])[which]
        points = np.minimum(a.first[rows] + np.rint(local / a.step[rows]).astype(np.int64), a.first[rows + 1] - 1)
        self.curvature = np.abs(a.curvature[points])
        self.grade = np.abs(np.tan(a.pitch[points]))
        self.limit = np.nan_to_num(a.speed_limit[rows], nan=-1.0)
        self.right, self.left = a.right[rows] >= 0, a.left[rows] >= 0
        self.lanes = np.array([_lane_count(a, int(row)) for row in chain])[which]


def _lane_count(a: RoadArrays, lane: int) -> int:
    top = lane
    while a.left[top] >= 0:
        top = int(a.left[top])
    return int(a.number[top])


@dataclass(frozen=True, slots=True)
class _Way:
    """A way into a junction: from a lane outside to the first lane inside, and on to the lane where it leaves."""

    entry: int
    through: int
    exit: int
    turn: float


def _ways(road: Road, junction: int) -> list[_Way]:
    a = road.arrays
    out = []
    for through in np.flatnonzero((a.junction == junction) & (a.kind == DRIVING)).tolist():
        for entry in a.pred[a.pred_first[through] : a.pred_first[through + 1]].tolist():
            if a.junction[entry] == junction:
                continue
            lane, turn, seen = through, 0.0, set()
            while lane >= 0 and a.junction[lane] == junction and lane not in seen:
                seen.add(lane)
                turn += float(a.heading[a.first[lane + 1] - 1] - a.heading[a.first[lane]])
                lane = int(a.straight[lane])
            out.append(_Way(int(entry), int(through), lane, turn))
    return sorted(out, key=lambda way: (way.entry, way.through))


def _arms(road: Road, ways: Sequence[_Way]) -> int:
    """Return how many road ends meet in a junction."""
    a = road.arrays
    ends = set()
    for way in ways:
        for lane, leaving in ((way.entry, False), (way.exit, True)):
            if lane >= 0:
                point = int(a.first[lane]) if leaving else int(a.first[lane + 1]) - 1
                other = int(a.first[lane + 1]) - 1 if leaving else int(a.first[lane])
                ends.add((int(a.road[lane]), bool(a.road_s[point] > a.road_s[other])))
    return len(ends)


def _signalised(road: Road, ways: Sequence[_Way]) -> bool:
    stops = set(road.arrays.stop_lane.tolist())
    return any(way.through in stops or _line_of(road, way.entry) is not None for way in ways)


def _line_of(road: Road, lane: int) -> float | None:
    """Return the last stop line near the end of a lane."""
    a = road.arrays
    lines = a.stop_s[(a.stop_lane == lane) & (a.stop_s > a.length[lane] - _LINE_REACH)]
    return float(lines.max()) if len(lines) else None


def find_junction(
    road: Road, *, signalised: bool | None = None, arms: int | None = None, pick: int | None = None
) -> int:
    """Return the row of a junction (in Road.junction_names) that is or is not signalised and where so many roads meet.

    Raises InputError naming the clause that no junction fulfils.
    """
    ways = {junction: _ways(road, junction) for junction in range(len(road.junction_names))}
    found = [junction for junction, inside in ways.items() if inside]
    if not found:
        raise InputError(f"map '{road.name}' has no junction")
    if signalised is not None:
        found = [junction for junction in found if _signalised(road, ways[junction]) == signalised]
        if not found:
            raise InputError(f"map '{road.name}' has no junction with signalised: {str(signalised).lower()}")
    if arms is not None:
        counts = {junction: _arms(road, ways[junction]) for junction in found}
        found = [junction for junction in found if counts[junction] == arms]
        if not found:
            known = ", ".join(str(k) for k in sorted(set(counts.values())))
            raise InputError(f"map '{road.name}' has no such junction with arms: {arms}; there are some with {known}")
    return _pick(found, pick)


def find_crossing(road: Road, *, pick: int | None = None) -> Spot:
    """Return the middle of a pedestrian crossing on the first driving lane that it crosses. Raises InputError."""
    a = road.arrays
    driving = np.flatnonzero(np.repeat(a.kind == DRIVING, np.diff(a.first)))
    lane_of = np.repeat(np.arange(len(a.kind)), np.diff(a.first))
    points = np.stack([a.x[driving], a.y[driving]], axis=1)
    spots = []
    for polygon in road.crossings:
        near = np.flatnonzero(((points >= polygon.min(axis=0)) & (points <= polygon.max(axis=0))).all(axis=1))
        inside = driving[near[[_holds(polygon, *points[k]) for k in near]]] if len(near) else near
        if len(inside):
            lane = int(lane_of[inside].min())
            own = inside[lane_of[inside] == lane] - a.first[lane]
            spots.append(on_lane(road, lane, 0.5 * float(own.min() + own.max()) * float(a.step[lane])))
    if not spots:
        raise InputError(f"map '{road.name}' has no pedestrian crossing over a driving lane")
    return _pick(spots, pick)


def _holds(polygon: Floats, x: float, y: float) -> bool:
    """Return whether a polygon holds a point, by the number of edges to its right (Shimrat 1962)."""
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    spans = (y0 > y) != (y1 > y)
    rise = np.where(y1 == y0, 1.0, y1 - y0)
    return bool(np.count_nonzero(spans & (x < x0 + (y - y0) / rise * (x1 - x0))) % 2)


def approach(
    road: Road,
    junction: int,
    *,
    turn: Turn = "any",
    from_right_of: Spot | None = None,
    from_left_of: Spot | None = None,
    opposite_to: Spot | None = None,
    pick: int | None = None,
) -> Approach:
    """Return a way into a junction: its entry line (the stop line, else the end of the lane) and the lane through.

    Straight on bends by less than 35 degrees, a U-turn by more than 150. Who comes from the right of another crosses
    its nose from right to left. Raises InputError naming the clause that no way fulfils.
    """
    a = road.arrays
    name = road.junction_names[junction]
    found = _ways(road, junction)

    def keep(clause: str, good: Sequence[bool]) -> None:
        nonlocal found
        found = [way for way, fine in zip(found, good) if fine]
        if not found:
            raise InputError(f"junction '{name}' of map '{road.name}' has no approach with {clause}")

    keep("a driving lane", [True] * len(found))
    if turn != "any":
        low, high = {"left": (_TURNS, _BACK), "right": (-_BACK, -_TURNS), "straight": (-_TURNS, _TURNS)}[turn]
        keep(f"turn: {turn}", [low <= way.turn <= high for way in found])
    for clause, other, quarter in (
        ("from_right_of", from_right_of, math.pi / 2),
        ("from_left_of", from_left_of, -math.pi / 2),
        ("opposite_to", opposite_to, math.pi),
    ):
        if other is not None:
            comes = [
                turn_between(other.heading + quarter, float(a.heading[a.first[way.entry + 1] - 1])) for way in found
            ]
            keep(
                f"{clause} (one that heads {math.degrees(other.heading):.0f} deg)",
                [abs(c) < math.pi / 4 for c in comes],
            )
    way = _pick(found, pick)
    line = _line_of(road, way.entry)
    s = float(a.length[way.entry]) if line is None else line
    return Approach(on_lane(road, way.entry, s), junction, way.through, way.exit)


def neighbour(road: Road, spot: Spot, lanes_left: int) -> Spot:
    """Return the spot so many lanes to the left (right for negative) in the same cross-section. Raises InputError."""
    lane, s = spot.lane, spot.s
    for _ in range(abs(lanes_left)):
        lane, s = beside(road.arrays, lane, s, 1 if lanes_left > 0 else -1)
        if lane < 0:
            side = "left" if lanes_left > 0 else "right"
            raise InputError(f"there is no lane to the {side} of {describe(road, spot.lane)} on map '{road.name}'")
    return on_lane(road, lane, s, spot.d)
