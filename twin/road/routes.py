"""Ways through the network: tables that lead to a goal from anywhere, and lists of lanes for a navigator.

The way to a goal is the shortest by length, where a lane change costs `LANE_CHANGE_M`, more on lanes too short for it
(Dijkstra 1959, from the goal backwards).
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twin.errors import InputError
from twin.road.arrays import DRIVING, Road, RoadArrays, RouteTables
from twin.state import Floats, Ints

LANE_CHANGE_M = 60.0  # what a lane change costs, and the way that it takes [m]
_LOOK_AHEAD_M = 600.0  # how early a lane that ends is left, with no goal [m]

Goal = tuple[int, float]


def route_tables(road: Road, goals: Sequence[Goal | None]) -> RouteTables:
    """Return the tables of row 0, straight on, and of one row per goal (lane, s); None is straight on again.

    Straight on takes the successor that bends least, and leaves a lane that ends for the neighbour that goes on.
    """
    straight = _straight_on(road.arrays)
    rows = [straight, *(straight if goal is None else _to_goal(road.arrays, goal) for goal in goals)]
    return RouteTables(
        next=np.stack([row[0] for row in rows]),
        side=np.stack([row[1] for row in rows]),
        rest=np.stack([row[2] for row in rows]),
    )


def _successors(a: RoadArrays, lane: int) -> list[int]:
    return [int(k) for k in a.succ[a.succ_first[lane] : a.succ_first[lane + 1]]]


def _predecessors(a: RoadArrays, lane: int) -> list[int]:
    return [int(k) for k in a.pred[a.pred_first[lane] : a.pred_first[lane + 1]]]


def _straight_on(a: RoadArrays) -> tuple[Ints, Ints, Floats]:
    count = len(a.kind)
    reach = np.full(count, np.nan)
    for lane in range(count):
        way, at, seen = 0.0, lane, {lane}
        while way < 2 * _LOOK_AHEAD_M:
            way += a.length[at]
            at = int(a.straight[at])
            if at < 0:
                break
            if at in seen:
                way = math.inf
                break
            seen.add(at)
        reach[lane] = way
    side = np.zeros(count, dtype=np.int64)
    for lane in np.flatnonzero((a.kind == DRIVING) & (reach < _LOOK_AHEAD_M)).tolist():
        for direction, neighbour in ((1, a.left[lane]), (-1, a.right[lane])):
            if neighbour >= 0 and reach[neighbour] > reach[lane] + LANE_CHANGE_M and side[lane] == 0:
                side[lane] = direction
    return a.straight.copy(), side, np.full(count, np.inf)


def _change_cost(a: RoadArrays, lane: int) -> float:
    return LANE_CHANGE_M * max(1.0, LANE_CHANGE_M / float(a.length[lane]))


def _to_goal(a: RoadArrays, goal: Goal) -> tuple[Ints, Ints, Floats]:
    """Return next, side and rest of every lane towards the goal."""
    goal_lane, goal_s = goal
    count = len(a.kind)
    rest = np.full(count, np.inf)
    side = np.zeros(count, dtype=np.int64)
    rest[goal_lane] = goal_s
    queue: list[tuple[float, int]] = [(goal_s, goal_lane)]
    while queue:
        way, lane = heapq.heappop(queue)
        if way > rest[lane]:
            continue
        for before in _predecessors(a, lane):
            if way + a.length[before] < rest[before]:
                rest[before] = way + a.length[before]
                side[before] = 0
                heapq.heappush(queue, (float(rest[before]), before))
        for neighbour, direction in ((int(a.left[lane]), -1), (int(a.right[lane]), 1)):
            if neighbour < 0 or a.kind[neighbour] != DRIVING or a.kind[lane] != DRIVING:
                continue
            changed = way + _change_cost(a, neighbour)
            if changed < rest[neighbour]:
                rest[neighbour] = changed
                side[neighbour] = direction
                heapq.heappush(queue, (float(changed), neighbour))
    after = a.straight.copy()
    for lane in range(count):
        known = [k for k in _successors(a, lane) if math.isfinite(rest[k])]
        if known and lane != goal_lane:
            after[lane] = min(known, key=lambda k: (rest[k], k))
    return after, side, rest


def route_lanes(road: Road, start_lane: int, start_s: float, goal: Goal, via: Sequence[Goal] = ()) -> NDArray[np.int64]:
    """Return the lanes from (start_lane, start_s) through `via` to `goal`, neighbours in a row where lanes change.

    Raises InputError naming the leg that cannot be gone.
    """
    lanes = [start_lane]
    s = start_s
    for target in (*via, goal):
        lanes += _leg(road, lanes[-1], s, target)
        s = target[1]
    return np.array(lanes, dtype=np.int64)


def _leg(road: Road, lane: int, s: float, goal: Goal) -> list[int]:
    """Return the lanes after `lane` on the way to the goal, which may lie behind on the same lane."""
    a = road.arrays
    if lane == goal[0] and goal[1] >= s:
        return []
    after, side, rest = _to_goal(a, goal)
    out: list[int] = []
    if lane == goal[0]:
        onward = [k for k in _successors(a, lane) if math.isfinite(rest[k])]
        if not onward:
            raise InputError(_no_way(road, lane, goal))
        lane = min(onward, key=lambda k: (rest[k], k))
        out.append(lane)
    while lane != goal[0]:
        if not math.isfinite(rest[lane]) or len(out) > len(a.kind):
            raise InputError(_no_way(road, lane, goal))
        lane = int(a.left[lane] if side[lane] > 0 else a.right[lane] if side[lane] < 0 else after[lane])
        out.append(lane)
    return out


def _no_way(road: Road, lane: int, goal: Goal) -> str:
    return f"no way leads from {describe(road, lane)} to {describe(road, goal[0])} on map '{road.name}'"


def describe(road: Road, lane: int) -> str:
    """Return how a person finds a lane in the OpenDRIVE file."""
    a = road.arrays
    return f"road {road.road_names[a.road[lane]]}, lane_id {a.lane_id[lane]}"


def straight_lanes(road: Road, start_lane: int, start_s: float, distance: float) -> NDArray[np.int64]:
    """Return the lanes straight on from (start_lane, start_s) until `distance` [m] is covered or the road ends."""
    lanes, left = [start_lane], distance + start_s - float(road.arrays.length[start_lane])
    while left > 0.0 and (lane := int(road.arrays.straight[lanes[-1]])) >= 0:
        lanes.append(lane)
        left -= float(road.arrays.length[lane])
    return np.array(lanes, dtype=np.int64)
